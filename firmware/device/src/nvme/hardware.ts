import type { Scheduler } from '../../../ports.ts';
import type { Backing } from '../backing.ts';

/** What an NVMe controller's firmware needs of its endpoint. */

/** Where bytes are, as the controller reaches them: over the link, or in its own memory, for which no TLP leaves. */
export type Place =
  | { readonly in: 'fabric'; readonly address: bigint }
  | { readonly in: 'memory buffer'; readonly offset: number };

/** What happened, in its order. Writes to one doorbell, or to one register, that come before the firmware looks may be told as one, with the last value. */
export type HardwareEvent =
  | { readonly kind: 'register'; readonly offset: number; readonly value: number }
  | { readonly kind: 'doorbell'; readonly index: number; readonly value: number }
  | { readonly kind: 'function reset' };

/** Controller memory that the host can reach in a BAR. */
export interface MemoryBuffer {
  readonly bar: number;
  /** Bytes from the start of the BAR: a multiple of 4096. */
  readonly offset: number;
  /** A multiple of 4096. */
  readonly bytes: number;
}

/** How a transfer between media and memory ended. */
export type MoveOutcome = 'success' | 'fabric error' | 'media error';

/** A request of the controller that the fabric refused, or that it may not send. */
export class DmaError extends Error {
  override readonly name = 'DmaError';
}

/** The drive's data. */
export interface NvmeMedia extends Backing {
  /** Makes what was written last over a loss of power; without it, writes do at once. @throws BackingError if the store fails. */
  flush?(): void;
}

export interface NvmeHardware {
  /** For messages. */
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly media: NvmeMedia;
  /** MSI-X vectors. */
  readonly vectors: number;
  /** Doorbells from `doorbellBase` on, and the bytes from one to the next: 4, 8, 16, … */
  readonly doorbells: number;
  readonly doorbellStride: number;
  readonly memoryBuffer?: MemoryBuffer;
  /** A register in BAR0, as host and firmware share it. */
  readRegister(offset: number): Promise<number>;
  writeRegister(offset: number, value: number): Promise<void>;
  nextEvent(): Promise<HardwareEvent>;
  /** @throws DmaError if the fabric refuses it. */
  read(place: Place, bytes: number): Promise<Uint8Array>;
  /** Bytes at rising addresses become visible in this order, and before those of later writes. @throws DmaError if it may not be sent. */
  write(place: Place, data: Uint8Array): Promise<void>;
  /** From the drive's data at a byte offset to memory. */
  moveFromMedia(offset: number, to: Place, bytes: number): Promise<MoveOutcome>;
  /** From memory to the drive's data at a byte offset. */
  moveToMedia(from: Place, offset: number, bytes: number): Promise<MoveOutcome>;
  /** Triggers an MSI-X vector, behind the writes made so far. */
  interrupt(vector: number): Promise<void>;
}

/** The place `bytes` further on. */
export const placeAt = (place: Place, bytes: number): Place =>
  place.in === 'fabric'
    ? { in: 'fabric', address: place.address + BigInt(bytes) }
    : { in: 'memory buffer', offset: place.offset + bytes };
