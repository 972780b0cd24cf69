import { type Place, placeAt } from '../endpoint/hardware.ts';
import type { RdmaHardware } from './hardware.ts';
import type { Segment } from './memory-regions.ts';

/** Payload of so few bytes is a command or an answer, which does not wait behind bulk data. */
const urgentBytes = 256;

/** Moves payload between memory and packets. All methods throw DmaError if the fabric refuses. */
export class DataMover {
  private readonly hardware: RdmaHardware;

  constructor(hardware: RdmaHardware) {
    this.hardware = hardware;
  }

  /** The bytes of segments, one behind the other. */
  async gather(segments: readonly Segment[]): Promise<Uint8Array> {
    const result = new Uint8Array(segments.reduce((sum, { bytes }) => sum + bytes, 0));
    let start = 0;
    for (const { place, bytes } of segments) {
      const base = start;
      await this.hardware.take(place, bytes, (at, data) => result.set(data, base + at));
      start += bytes;
    }
    return result;
  }

  /** Fills segments with the bytes of payloads, which are as many. Notes in `peers` what is to be read back. */
  async scatter(segments: readonly Segment[], payloads: readonly Uint8Array[], peers: PeerWrites): Promise<void> {
    const source = joined(payloads);
    let start = 0;
    for (const segment of segments) {
      const base = start;
      if (segment.bytes <= urgentBytes) await this.hardware.write(segment.place, source(base, segment.bytes));
      else await this.hardware.give(segment.place, segment.bytes, (at, bytes) => source(base + at, bytes));
      peers.wrote(segment);
      start += segment.bytes;
    }
  }
}

/** Writes to memory of other devices whose arrival nobody knows of yet. */
export class PeerWrites {
  private readonly hardware: RdmaHardware;
  /** The last byte that was written to each range. */
  private readonly last = new Map<object, Place>();

  constructor(hardware: RdmaHardware) {
    this.hardware = hardware;
  }

  /** A segment was written. */
  wrote({ place, bytes, peer }: Segment): void {
    if (peer) this.last.set(peer, placeAt(place, bytes - 1));
  }

  /** Resolves when all has arrived: a read comes back only behind the writes before it (C63). @throws DmaError if the fabric refuses it. */
  async arrived(): Promise<void> {
    const places = [...this.last.values()];
    this.last.clear();
    for (const place of places) await this.hardware.read(place, 1);
  }
}

/** Parts of byte strings that stand one behind the other; without a copy where one of them has all of it. Asked for in rising order. */
function joined(strings: readonly Uint8Array[]): (at: number, bytes: number) => Uint8Array {
  let index = 0;
  let start = 0;
  return (at, bytes) => {
    for (let now = strings[index]; now && at >= start + now.length; now = strings[index]) {
      start += now.length;
      index++;
    }
    const first = strings[index];
    if (first && at + bytes <= start + first.length) return first.subarray(at - start, at - start + bytes);
    const result = new Uint8Array(bytes);
    let from = start;
    for (let i = index; i < strings.length && from < at + bytes; i++) {
      const string = strings[i] ?? new Uint8Array();
      const low = Math.max(0, at - from);
      const part = string.subarray(low, Math.min(string.length, at + bytes - from));
      result.set(part, from + low - at);
      from += string.length;
    }
    return result;
  };
}
