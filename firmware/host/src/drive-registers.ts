import { bar0Map } from '@hdl/pcie-rtl';
import { accessors } from '@hdl/ts-hdl';
import { slotBytes } from '../../protocol.ts';

/** The registers of BAR0 as the driver of a block device uses them. */

const mapFor = (doorbells: { readonly count: number; readonly stride: number }) =>
  bar0Map({ memory_bytes: 4096, doorbells, vectors: 1 });

/** Registers with their fields, at the same offsets in every device. */
export const bar0 = accessors(mapFor({ count: 1, stride: 4 }));

/** Where the mailbox and the doorbells of a device stand. */
export interface Bar0Places {
  /** Byte offset of the mailbox. */
  readonly mailbox: number;
  /** Byte offsets of doorbells and the next ones. */
  readonly doorbells: number;
  readonly stride: number;
  /** Command slots: as many as have a doorbell and room in the mailbox. */
  readonly slots: number;
}

/** The places in a device whose register `doorbell_layout` reads `word`. */
export function bar0Places(word: number): Bar0Places {
  const { count, stride } = bar0.doorbell_layout;
  const layout = { count: count.get(word), stride: stride.get(word) };
  const { mailbox, doorbells } = mapFor(layout).description.regions;
  return {
    mailbox: mailbox.offset,
    doorbells: doorbells.offset,
    stride: layout.stride,
    slots: Math.min(layout.count, mailbox.bytes / slotBytes),
  };
}
