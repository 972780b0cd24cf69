import { type EngineName, firmwareMap } from '@hdl/pcie-rtl';
import { accessors } from '@hdl/ts-hdl';

/** The registers of an endpoint's function 0 as its firmware sees them; what an endpoint was built with does not change where they stand. */
const map = firmwareMap({ memory_bytes: 4096, doorbells: { count: 1, stride: 4 }, vectors: 1 });

/** Registers with their fields: `registers.events.doorbell.get(word)`. */
export const registers = accessors(map);

/** Where the mailbox stands. */
export const mailboxOffset: number = map.description.regions.mailbox.offset;

/** The registers of one engine. */
export const engineRegistersOf = (name: EngineName) =>
  ({
    address_low: registers[`${name}_address_low`],
    address_high: registers[`${name}_address_high`],
    memory_offset: registers[`${name}_memory_offset`],
    length: registers[`${name}_length`],
    control: registers[`${name}_control`],
    status: registers[`${name}_status`],
  }) as const;
