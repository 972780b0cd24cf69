import type { Scheduler } from '../../../ports.ts';

/** What firmware needs of its endpoint, whatever device it makes of it. */

/** Where bytes are, as the device reaches them: over the link, or in its own memory, for which no TLP leaves. */
export type Place =
  | { readonly in: 'fabric'; readonly address: bigint }
  | { readonly in: 'memory buffer'; readonly offset: number };

/** What happened, in its order. Writes to one doorbell, or to one register, that come before the firmware looks may be told as one, with the last value. */
export type HardwareEvent =
  | { readonly kind: 'register'; readonly offset: number; readonly value: number }
  | { readonly kind: 'doorbell'; readonly index: number; readonly value: number }
  | { readonly kind: 'function reset' };

/** Memory of the device that the host can reach in a BAR. */
export interface MemoryBuffer {
  readonly bar: number;
  /** Bytes from the start of the BAR: a multiple of 4096. */
  readonly offset: number;
  /** A multiple of 4096. */
  readonly bytes: number;
}

/** A request of the device that the fabric refused, or that it may not send. */
export class DmaError extends Error {
  override readonly name = 'DmaError';
}

export interface WriteOptions {
  /** It is over only when the data has arrived: what is written elsewhere afterwards cannot be seen before it (C63). Costs a round trip. */
  readonly flush?: boolean;
}

export interface DeviceHardware {
  /** For messages. */
  readonly name: string;
  readonly scheduler: Scheduler;
  /** MSI-X vectors. */
  readonly vectors: number;
  /** Doorbells, and the bytes from one to the next: 4, 8, 16, … */
  readonly doorbells: number;
  readonly doorbellStride: number;
  readonly memoryBuffer?: MemoryBuffer;
  /** A register that host and firmware share, by its offset among them. */
  readRegister(offset: number): Promise<number>;
  writeRegister(offset: number, value: number): Promise<void>;
  nextEvent(): Promise<HardwareEvent>;
  /** Reads what is to come soon: before bulk data that waits. @throws DmaError if the fabric refuses it. */
  read(place: Place, bytes: number): Promise<Uint8Array>;
  /**
   * Writes what is to go soon: before bulk data that waits, but behind all that ended. Bytes at rising addresses become visible in this order, and before those of later
   * writes that go the same way.
   * @throws DmaError if it may not be sent, or if what flushes it was refused.
   */
  write(place: Place, data: Uint8Array, options?: WriteOptions): Promise<void>;
  /** Triggers an MSI-X vector, behind the writes made so far. */
  interrupt(vector: number): Promise<void>;
}

/** The place `bytes` further on. */
export const placeAt = (place: Place, bytes: number): Place =>
  place.in === 'fabric'
    ? { in: 'fabric', address: place.address + BigInt(bytes) }
    : { in: 'memory buffer', offset: place.offset + bytes };
