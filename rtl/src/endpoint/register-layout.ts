import { HdlError } from '@hdl/ts-hdl';
import { bar0Map } from '../config/endpoint-maps.ts';
import type { FunctionParams } from '../config/function-params.ts';
import type { FunctionMap } from './receive/address-decoder.ts';
import { doorbellBytes } from './registers/doorbells.ts';

/** Bytes in a row; both numbers are multiples of 4. */
export interface ByteRange {
  readonly offset: number;
  readonly bytes: number;
}

/** Memory that the host and the firmware share. */
export interface MailboxLayout extends ByteRange {
  /** Ranges that the host only reads, as offsets of the function's registers. */
  readonly read_only?: readonly ByteRange[];
  /** Ranges, 32 at the most, whose writes by the host the firmware is told of. */
  readonly events?: readonly ByteRange[];
  /** Ranges that the host reads as 0 while a bit of the mailbox is 0. */
  readonly hidden?: readonly HiddenRange[];
}

/** A range, and the bit that shows it: as host or firmware wrote it last, in the DW at `shown_by`. */
export interface HiddenRange extends ByteRange {
  readonly shown_by: number;
  /** 0 to 31. */
  readonly bit: number;
}

/**
 * What stands where in the registers of a function, as byte offsets: what of its register BARs begins at `base` of the function's map stands at that offset.
 * Parts do not overlap; what is none reads 0 and ignores writes.
 */
export interface RegisterLayout {
  /** The identification registers, 3 DW: what it is, bytes of BAR memory, and how many doorbells there are and how far apart. */
  readonly identification?: number;
  /** A power of two of bytes. */
  readonly mailbox?: MailboxLayout;
  /** The first doorbell; see `Doorbells`. Reads give 0. */
  readonly doorbells?: { readonly offset: number; readonly count: number; readonly stride: number };
  /** Table and pending bits of MSI-X; see `Msix`. */
  readonly msix?: { readonly vectors: number; readonly table: number; readonly pending: number };
}

/** A part of the layout with its place. */
interface Part extends ByteRange {
  readonly name: string;
}

const bytesOfTable = (vectors: number): number => 16 * vectors;
const bytesOfPending = (vectors: number): number => 8 * Math.ceil(vectors / 64);

function partsOf({ identification, mailbox, doorbells, msix }: RegisterLayout): readonly Part[] {
  return [
    ...(identification === undefined ? [] : [{ name: 'the identification', offset: identification, bytes: 12 }]),
    ...(mailbox ? [{ name: 'the mailbox', offset: mailbox.offset, bytes: mailbox.bytes }] : []),
    ...(doorbells ? [{ name: 'the doorbells', offset: doorbells.offset, bytes: doorbellBytes(doorbells) }] : []),
    ...(msix
      ? [
          { name: 'the MSI-X table', offset: msix.table, bytes: bytesOfTable(msix.vectors) },
          { name: 'the MSI-X pending bits', offset: msix.pending, bytes: bytesOfPending(msix.vectors) },
        ]
      : []),
  ];
}

/** Bytes of a BAR at base 0 that shows all of a layout: a power of two of at least 4 KiB. */
export const layoutBytes = (layout: RegisterLayout): number =>
  2 ** Math.ceil(Math.log2(Math.max(4096, ...partsOf(layout).map(({ offset, bytes }) => offset + bytes))));

const hex = (value: number): string => `0x${value.toString(16)}`;

/** @throws HdlError for a layout whose parts overlap, are misplaced, or in no register BAR. */
export function checkLayout(layout: RegisterLayout, map: FunctionMap, number: number): void {
  const wrong = (message: string, help: string) => {
    throw new HdlError(`function ${number}: ${message}`, { help });
  };
  const parts = [...partsOf(layout)].sort((a, b) => a.offset - b.offset);
  parts.forEach((part, i) => {
    const { name, offset, bytes } = part;
    const before = parts[i - 1];
    const multiple = name === 'the mailbox' ? 4 : 8;
    if (offset < 0 || offset % multiple !== 0) wrong(`${name} begins at ${hex(offset)}`, `begin at a multiple of ${multiple}`);
    if (before && before.offset + before.bytes > offset)
      wrong(`${before.name} and ${name} overlap at ${hex(offset)}`, 'move one of the two');
    const bar = map.find(bar => bar?.to === 'registers' && offset >= bar.base && offset + bytes <= bar.base + bar.bytes);
    if (!bar)
      wrong(
        `${name}, ${bytes} bytes at ${hex(offset)}, is in none of its register BARs`,
        'give the BAR that shows it more bytes, or move it',
      );
  });
  const { mailbox } = layout;
  if (!mailbox) return;
  if (!Number.isInteger(Math.log2(mailbox.bytes)) || mailbox.bytes < 8 || mailbox.bytes > 2 ** 15)
    wrong(`the mailbox has ${mailbox.bytes} bytes`, 'give it a power of two from 8 to 32768');
  const { events = [], read_only = [], hidden = [] } = mailbox;
  if (events.length > 32) wrong(`${events.length} ranges of the mailbox tell of writes`, 'name 32 at the most');
  const shows = hidden.map(({ shown_by }) => ({ offset: shown_by, bytes: 4 }));
  for (const { offset, bytes } of [...events, ...read_only, ...hidden, ...shows])
    if (
      offset % 4 !== 0 ||
      bytes % 4 !== 0 ||
      bytes < 4 ||
      offset < mailbox.offset ||
      offset + bytes > mailbox.offset + mailbox.bytes
    )
      wrong(`the range of ${bytes} bytes at ${hex(offset)} is none of the mailbox`, 'name whole DW inside the mailbox');
}

/** Where the configuration space says that MSI-X stands: BAR and offset of the table and of the pending bits. */
export function msixOf(layout: RegisterLayout, config: FunctionParams, map: FunctionMap): FunctionParams['msix'] {
  const { msix } = layout;
  if (!msix) return undefined;
  const place = (offset: number) => {
    const index = map.findIndex(bar => bar?.to === 'registers' && offset >= bar.base && offset < bar.base + bar.bytes);
    return { slot: config.bars[index]?.slot ?? 0, offset: offset - (map[index]?.base ?? 0) };
  };
  return { vectors: msix.vectors, table: place(msix.table), pending: place(msix.pending) };
}

/** The registers of `bar0Map`. */
export function blockLayout(doorbells: { readonly count: number; readonly stride: number }, vectors: number): RegisterLayout {
  const { regions } = bar0Map({ memory_bytes: 0, doorbells, vectors });
  const place = (name: string) => {
    const { offset, bytes } = regions.find(region => region.name === name) ?? { offset: 0, bytes: 0 };
    return { offset, bytes };
  };
  return {
    identification: 0,
    mailbox: place('mailbox'),
    doorbells: { ...doorbells, offset: place('doorbells').offset },
    msix: { vectors, table: place('msix_table').offset, pending: place('msix_pending').offset },
  };
}

/**
 * The registers of an NVMe controller (NVM Express base specification 2.0, 3.1.3): 4 KiB of properties, which the firmware fills, then submission tail and
 * completion head doorbells in turn. The host only reads capabilities, version, status, and what tells of the controller memory
 * buffer, of which location and size are 0 until the host asks for them (CMBMSC.CRE, 3.1.3.14); writes to the configuration, the reset property, the interrupt masks
 * and the control of the buffer are told.
 */
export function nvmeLayout(queues: number, vectors: number): RegisterLayout {
  const doorbells = { offset: 0x1000, count: 2 * queues, stride: 4 };
  const table = Math.ceil((doorbells.offset + doorbellBytes(doorbells)) / 0x1000) * 0x1000;
  return {
    mailbox: {
      offset: 0,
      bytes: 0x1000,
      // CAP and VS; CSTS; CMBLOC and CMBSZ; CMBSTS.
      read_only: [
        { offset: 0x00, bytes: 12 },
        { offset: 0x1c, bytes: 4 },
        { offset: 0x38, bytes: 8 },
        { offset: 0x58, bytes: 4 },
      ],
      // CMBLOC and CMBSZ, by CMBMSC.CRE.
      hidden: [{ offset: 0x38, bytes: 8, shown_by: 0x50, bit: 0 }],
      // CC; NSSR; AQA, ASQ and ACQ; INTMS and INTMC; CMBMSC.
      events: [
        { offset: 0x14, bytes: 4 },
        { offset: 0x20, bytes: 4 },
        { offset: 0x24, bytes: 20 },
        { offset: 0x0c, bytes: 8 },
        { offset: 0x50, bytes: 8 },
      ],
    },
    doorbells,
    msix: { vectors, table, pending: table + Math.ceil(bytesOfTable(vectors) / 0x1000) * 0x1000 },
  };
}
