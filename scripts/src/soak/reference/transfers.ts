import type { Tlp } from '../tlp.ts';
import type { ConfigReference } from './config.ts';

/** What the DMA is asked for, and what is known of it while it is under way. */

/** Addresses of the host: the ring of descriptors, that of completion entries, and a window for the remote side of each descriptor. */
export const host = {
  ring: 0x00a0_0000,
  entries: 0x00b0_0000,
  windows: 0x0100_0000,
  window: 0x2000,
  windowCount: 0x800,
} as const;
export const ringEntries = 256;

export interface Transfer {
  readonly opcode: 'none' | 'read' | 'write';
  readonly bytes: number;
  /** Offset of the remote side in its window, and the upper half of its address. */
  readonly inner: number;
  readonly high: number;
  /** Offset of the local side in the BAR memory. */
  readonly offset: number;
  readonly flags: number;
  /** Offset in the BAR memory of the remote side, if it lies there: then no TLP leaves. */
  readonly remote?: number;
  /** The outcome that it will have whatever the host does; 0 by default. */
  readonly outcome?: number;
}

/** A transfer that the firmware asks for by itself, in the name of a function. */
export interface Job extends Transfer {
  readonly function: number;
  /** Of a write: what it wrote is read back before it ends (C63). */
  readonly flush?: boolean;
  /** The local side is the medium: what it gives, of a write. */
  readonly media?: { readonly data: Uint8Array; readonly wild: Uint8Array };
}

/** An AtomicOp of the firmware on memory of the host (C98). */
export interface AtomicJob {
  readonly type: 12 | 13 | 14;
  /** Bytes of the operand. */
  readonly size: number;
  /** Operands as they stand in the TLP. */
  readonly body: Uint8Array;
  readonly flags: number;
}

/** Bits of a descriptor's second byte and of the upper half of its first one. */
export const Flag = {
  fence: 0x40,
  status: 0x80,
  interrupt: 0x100,
  readBack: 0x200,
  relaxed: 0x400,
  noSnoop: 0x800,
  translated: 0x2000,
} as const;

export interface Open extends Omit<Transfer, 'outcome'> {
  /** In whose name; a job of the firmware, which wants to be flushed; an AtomicOp. */
  readonly by: ConfigReference;
  readonly job: boolean;
  readonly flush: boolean;
  readonly media: boolean;
  readonly atomic?: AtomicJob;
  /** It may be ended before its time: bus mastering is off, or its function is reset; some of what it sent may not have come. */
  disturbed: boolean;
  lost: boolean;
  /** Number since the start of the channel, and of the window. */
  readonly number: number;
  readonly window: number;
  /** Bytes of the remote side that were asked for or written. */
  readonly touched: Uint8Array;
  /** Of a write: what has to come. */
  readonly data: Uint8Array;
  /** Bytes of it that nobody knows. */
  readonly wild: Uint8Array;
  came: number;
  /** What the endpoint has to report, the greatest of the requests'. */
  outcome: number;
  entry: boolean;
  /** Its last byte was read back. */
  back: boolean;
  /** The channel says that it is done. */
  ended: boolean;
  /** Completions of its reads that told of a failure. */
  readonly faults: Tlp[];
}

/** Bytes of host memory nobody wrote: a pattern of the address. */
const patternByte = (low: number): number => (Math.imul(low >>> 2, 0x9e37_79b1) >>> (8 * (low & 3))) & 0xff;
export const pattern = (low: number, bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, i) => patternByte(low + i));

/** Where a transfer writes in the BAR memory. */
export const targetOf = ({ opcode, offset, remote }: Pick<Transfer, 'opcode' | 'offset' | 'remote'>): number | undefined =>
  opcode === 'read' ? offset : opcode === 'write' ? remote : undefined;

/** What a descriptor's cookie is, by its number. */
export const cookieOf = (number: number): number => (Math.imul(number + 1, 0x85eb_ca6b) ^ 0x1357_9bdf) >>> 0;

/** The remote side of a transfer that is not inside, the lower half of its address. */
export const remoteOf = ({ window, inner }: Pick<Open, 'window' | 'inner'>): number =>
  host.windows + window * host.window + inner;
