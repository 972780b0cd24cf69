import { registerMap } from '@hdl/ts-hdl';
import { allEngineRegisters, firmwareRegisterBytes } from './engine-map.ts';

/** The registers of an endpoint beside its configuration space: what the host sees in BAR0, and what the device's own processor sees. */

export interface EndpointMapParams {
  /** Bytes of BAR memory. */
  readonly memory_bytes: number;
  readonly doorbells: { readonly count: number; readonly stride: number };
  /** MSI-X vectors. */
  readonly vectors: number;
}

/** Value of the identification register. */
export const endpointIdentification = 0x7032_7001;

const number = (value: number, doc: string) => ({ bits: [31, 0], access: 'constant', reset: value, doc }) as const;
const roundedUp = (bytes: number) => 2 ** Math.ceil(Math.log2(Math.max(8, bytes)));

/** BAR0: 16 KiB, or more where doorbells or vectors want it; 32 bits, not prefetchable. Host and peers write it alike. */
export function bar0Map(p: EndpointMapParams) {
  const doorbells = roundedUp(p.doorbells.count * p.doorbells.stride);
  const table = roundedUp(16 * p.vectors);
  const pending = 8 * Math.ceil(p.vectors / 64);
  /** Each region at a multiple of its size, behind the one before. */
  const doorbellsAt = Math.max(0x1000, doorbells);
  const tableAt = Math.max(0x2000, Math.ceil((doorbellsAt + doorbells) / table) * table);
  const pendingAt = Math.max(0x3000, tableAt + table);
  return registerMap({
    name: 'bar0',
    doc: 'What the host, or a peer, sees of an endpoint in BAR0.',
    bytes: roundedUp(pendingAt + pending),
    registers: {
      identification: {
        offset: 0x0000,
        doc: 'What this is.',
        fields: { value: number(endpointIdentification, 'Identification.') },
      },
      memory_bytes: {
        offset: 0x0004,
        doc: 'Size of the BAR memory.',
        fields: { value: number(p.memory_bytes, 'Bytes; 0 if there is none.') },
      },
      doorbell_layout: {
        offset: 0x0008,
        doc: 'How many doorbells there are, and where.',
        fields: {
          count: { bits: [15, 0], access: 'constant', reset: p.doorbells.count, doc: 'Doorbells.' },
          stride: { bits: [31, 16], access: 'constant', reset: p.doorbells.stride, doc: 'Bytes from one to the next.' },
        },
      },
    },
    regions: {
      mailbox: { offset: 0x0400, bytes: 0x400, doc: 'Memory of host and firmware: command slot i has 64 bytes at 64 i.' },
      doorbells: {
        offset: doorbellsAt,
        bytes: doorbells,
        doc: 'Doorbells, for writing: the firmware gets an event and the last value. Reads give 0.',
      },
      msix_table: {
        offset: tableAt,
        bytes: table,
        doc: 'MSI-X vectors of 16 bytes: address, upper address, data, vector control.',
      },
      msix_pending: { offset: pendingAt, bytes: pending, doc: 'MSI-X pending bits.' },
    },
  });
}

const event = (bit: number, doc: string) => ({ bits: bit, access: 'w1c', survives: 'soft_reset', doc }) as const;
const follows = (bit: number, doc: string) => ({ bits: bit, access: 'ro', doc }) as const;
const enable = (bit: number, doc: string) => ({ bits: bit, access: 'rw', survives: 'soft_reset', doc }) as const;

/** What a function has on the firmware port. */
export interface FirmwareMapParams {
  /** Bytes of the function's BAR memory; 0 without. */
  readonly memory_bytes: number;
  readonly doorbells: boolean;
  /** MSI-X. */
  readonly interrupts: boolean;
  /** It sends requests. */
  readonly requester: boolean;
  /** Bytes of its mailbox, a power of two; 0 without. */
  readonly mailbox_bytes: number;
}

/** Where the mailbox of a size stands on the firmware port: 0x400, or its own size if it has more. */
export const firmwareMailboxOffset = (bytes: number): number => Math.max(firmwareRegisterBytes, bytes);

/** Registers of a function on the firmware port. */
function functionRegisters(p: FirmwareMapParams) {
  const noDoorbells = { absent: !p.doorbells };
  const noInterrupts = { absent: !p.interrupts };
  const noPosts = { absent: !p.requester };
  return {
    events: {
      offset: 0x0000,
      doc: 'What happened. `doorbell` and `mailbox` follow what they name; engines tell function 0.',
      fields: {
        doorbell: follows(0, 'A doorbell has an event: read `doorbell_next`.'),
        write_dma: event(1, 'A job of the write DMA ended.'),
        read_dma: event(2, 'A job of the read DMA ended.'),
        fill: event(3, 'A run of fill ended.'),
        drain: event(4, 'A run of drain ended.'),
        post: event(5, 'The posted write is on its way, or was dropped as the function must not send (C81).'),
        function_reset: event(6, 'A reset of the function has begun (C84).'),
        mailbox: follows(7, 'The host wrote to the mailbox: see `mailbox_written`.'),
        channel: event(8, 'The descriptor channel has become idle, or failed.'),
        atomic: event(9, 'An AtomicOp ended.'),
      },
    },
    event_enable: {
      offset: 0x0004,
      doc: 'Events that raise the interrupt.',
      fields: {
        doorbell: enable(0, 'Doorbells.'),
        write_dma: enable(1, 'Write DMA.'),
        read_dma: enable(2, 'Read DMA.'),
        fill: enable(3, 'Fill.'),
        drain: enable(4, 'Drain.'),
        post: enable(5, 'Posted write.'),
        function_reset: enable(6, 'Function reset.'),
        mailbox: enable(7, 'Mailbox.'),
        channel: enable(8, 'Descriptor channel.'),
        atomic: enable(9, 'AtomicOps.'),
      },
    },
    doorbell_next: {
      ...noDoorbells,
      offset: 0x0008,
      doc: 'The oldest event of a doorbell; reading takes it.',
      notify: 'read',
      fields: {
        doorbell: { bits: [15, 0], access: 'ro', doc: 'Number of the doorbell; 0 without an event.' },
        valid: { bits: 31, access: 'ro', doc: 'There was an event.' },
      },
    },
    doorbell_value: {
      ...noDoorbells,
      offset: 0x000c,
      doc: 'What was written to the doorbell whose event was taken last.',
      fields: { value: { bits: [31, 0], access: 'ro', doc: 'The value.' } },
    },
    memory_low: {
      offset: 0x0010,
      doc: "Address that the host gave the function's BAR memory, lower half.",
      fields: { value: { bits: [31, 0], access: 'ro', doc: 'Address bits 31:0.' } },
    },
    memory_high: {
      offset: 0x0014,
      doc: "Address that the host gave the function's BAR memory, upper half.",
      fields: { value: { bits: [31, 0], access: 'ro', doc: 'Address bits 63:32.' } },
    },
    memory_bytes: {
      offset: 0x0018,
      doc: "Size of the function's BAR memory.",
      fields: { value: number(p.memory_bytes, 'Bytes; 0 if there is none.') },
    },
    function_state: {
      offset: 0x001c,
      doc: 'What the configuration space says of the function.',
      fields: {
        id: { bits: [15, 0], access: 'ro', doc: 'Bus, device, function.' },
        bus_master: { bits: 16, access: 'ro', doc: 'Requests may be sent (C81).' },
        memory_enable: { bits: 17, access: 'ro', doc: 'The BARs are answered (C83).' },
        resetting: { bits: 18, access: 'ro', doc: 'A reset of the function is under way (C84).' },
      },
    },
    doorbell_coalesced: {
      ...noDoorbells,
      offset: 0x0020,
      doc: 'Writes to doorbells that already had an event.',
      fields: { count: { bits: [15, 0], access: 'ro', doc: 'How many; stays at the greatest value.' } },
    },
    mailbox_written: {
      absent: p.mailbox_bytes === 0,
      offset: 0x0024,
      doc: 'Which ranges of the mailbox the host wrote to, of those that tell.',
      fields: { ranges: { bits: [31, 0], access: 'w1c', doc: 'Bit i: range i of the description of the registers.' } },
    },
    post_low: {
      ...noPosts,
      offset: 0x0180,
      doc: 'Address of the posted write, lower half.',
      fields: { value: { bits: [31, 0], access: 'rw', doc: 'Address bits 31:0; bits 1:0 count as 0.' } },
    },
    post_high: {
      ...noPosts,
      offset: 0x0184,
      doc: 'Address of the posted write, upper half.',
      fields: { value: { bits: [31, 0], access: 'rw', doc: 'Address bits 63:32.' } },
    },
    post_data: {
      ...noPosts,
      offset: 0x0188,
      doc: 'Sends a posted write of one DW.',
      notify: 'write',
      fields: { value: { bits: [31, 0], access: 'rw', doc: 'The DW.' } },
    },
    msix_trigger: {
      ...noInterrupts,
      offset: 0x0190,
      doc: 'Triggers an MSI-X vector (C92).',
      notify: 'write',
      fields: { vector: { bits: [10, 0], access: 'rw', doc: 'Number of the vector.' } },
    },
    msix_moderation_vector: {
      ...noInterrupts,
      offset: 0x0194,
      doc: 'The vector whose interval `msix_moderation` sets.',
      fields: { vector: { bits: [10, 0], access: 'rw', doc: 'Number of the vector.' } },
    },
    msix_moderation: {
      ...noInterrupts,
      offset: 0x0198,
      doc: 'Sets the shortest time between two messages of a vector.',
      notify: 'write',
      fields: { interval: { bits: [23, 0], access: 'rw', doc: 'Cycles; 0 is no limit.' } },
    },
  } as const;
}

/** The part of the firmware port that a function answers itself, its mailbox apart. */
export const functionFirmwareMap = (p: FirmwareMapParams) =>
  registerMap({
    name: 'function',
    doc: 'The registers of a function on the firmware port.',
    bytes: firmwareRegisterBytes,
    registers: functionRegisters(p),
  });

/**
 * The firmware port of function 0: 64 KiB that the device's own processor sees. Function f has its own 64 KiB at f × 64 KiB, which are the same without engines.
 */
export function firmwareMap(p: EndpointMapParams) {
  const mailbox_bytes = 0x400;
  return registerMap({
    name: 'firmware',
    doc: "What the device's own processor sees of function 0. Function f has its own 64 KiB at f times 64 KiB: the same without engines.",
    bytes: 0x1_0000,
    registers: {
      ...functionRegisters({
        memory_bytes: p.memory_bytes,
        doorbells: true,
        interrupts: true,
        requester: true,
        mailbox_bytes,
      }),
      ...allEngineRegisters,
    },
    regions: {
      mailbox: {
        offset: firmwareMailboxOffset(mailbox_bytes),
        bytes: mailbox_bytes,
        doc: 'The mailbox of BAR0; one of more than 1 KiB stands at its own size.',
      },
    },
  });
}
