import type { Segment } from './data-pointer.ts';
import { type Place, placeAt } from './hardware.ts';

/** A write of a command's data. */
export interface Write {
  readonly place: Place;
  /** Where it begins among the data. */
  readonly at: number;
  readonly bytes: number;
  /** It is the last one that goes its way, and the completion entry goes another way: it has to have arrived before the entry leaves (C63). */
  readonly flush: boolean;
}

/** What lies in one and the same MiB goes the same way: bridges have no smaller windows (C30). */
const wayBytes = 1 << 20;

/** The MiB of a place; what lies in the controller's own memory goes no way. */
const wayOf = (place: Place): bigint | undefined => (place.in === 'fabric' ? place.address / BigInt(wayBytes) : undefined);

/**
 * The writes that bring data to its segments, in their order. The completion entry at `entry` is written behind them and must not overtake them: of each other way the
 * last write is flushed, and with it those before.
 */
export function writesOf(segments: readonly Segment[], entry: Place | undefined): Write[] {
  const flushed = new Set([undefined, entry && wayOf(entry)]);
  const writes: Write[] = [];
  for (const part of partsOf(segments).toReversed()) {
    const way = wayOf(part.place);
    writes.push({ ...part, flush: !flushed.has(way) });
    flushed.add(way);
  }
  return writes.reverse();
}

/** The segments, each cut where another way may begin; without those whose data is dropped. */
function partsOf(segments: readonly Segment[]): Omit<Write, 'flush'>[] {
  const parts: Omit<Write, 'flush'>[] = [];
  let start = 0;
  for (const { place, bytes } of segments) {
    for (let at = 0, length = 0; place && at < bytes; at += length) {
      const from = placeAt(place, at);
      length = Math.min(bytes - at, from.in === 'fabric' ? wayBytes - Number(from.address % BigInt(wayBytes)) : bytes);
      parts.push({ place: from, at: start + at, bytes: length });
    }
    start += bytes;
  }
  return parts;
}
