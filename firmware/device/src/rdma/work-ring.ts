import type { Place } from '../endpoint/hardware.ts';
import { placeAt } from '../endpoint/hardware.ts';
import type { RdmaHardware } from './hardware.ts';

export interface WorkRingParams {
  readonly place: Place;
  /** Powers of two. */
  readonly entries: number;
  readonly entryBytes: number;
}

/** An entry as it stood in memory. */
export interface RingEntry {
  /** Number of the work request, modulo 2^16. */
  readonly index: number;
  readonly data: Uint8Array;
}

/** Entries that are read in one go. */
const mostAtOnce = 16;

/** A ring of work requests in memory: the host posts at its end, the device fetches from its start, a few at once. */
export class WorkRing {
  private readonly hardware: RdmaHardware;
  private readonly params: WorkRingParams;
  private readonly fetched: RingEntry[] = [];
  /** Requests so far. */
  private posted = 0;
  private read = 0;

  constructor(hardware: RdmaHardware, params: WorkRingParams) {
    this.hardware = hardware;
    this.params = params;
  }

  /** The host told how many requests it has posted so far. @returns whether that can be. */
  ring(posted: number): boolean {
    const newly = (posted - this.posted) & 0xffff;
    if (newly + this.posted - this.read > this.params.entries) return false;
    this.posted += newly;
    return true;
  }

  /** Reads requests that were posted, unless some are here already. @throws DmaError if they cannot be read. */
  async fill(): Promise<void> {
    if (this.fetched.length === 0 && this.read < this.posted) await this.fetch();
  }

  /** Takes the next request that was read. @returns nothing if there is none. */
  take(): RingEntry | undefined {
    return this.fetched.shift();
  }

  /** Takes all requests without looking at them. @returns their numbers. */
  drop(): number[] {
    const indexes = this.fetched.splice(0).map(({ index }) => index);
    for (; this.read < this.posted; this.read++) indexes.push(this.read & 0xffff);
    return indexes;
  }

  private async fetch(): Promise<void> {
    const { place, entries, entryBytes } = this.params;
    const first = this.read;
    const slot = first % entries;
    const count = Math.min(this.posted - first, entries - slot, mostAtOnce);
    const data = await this.hardware.read(placeAt(place, slot * entryBytes), count * entryBytes);
    // The requests were dropped meanwhile.
    if (this.read !== first) return;
    this.read += count;
    for (let i = 0; i < count; i++)
      this.fetched.push({ index: (first + i) & 0xffff, data: data.subarray(i * entryBytes, (i + 1) * entryBytes) });
  }
}
