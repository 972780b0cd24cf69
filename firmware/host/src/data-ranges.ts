import type { BlockDriver } from './block-driver.ts';
import type { Host } from './host.ts';

/** Addresses from `base` to `limit` - 1. */
export interface DataRange {
  readonly base: bigint;
  readonly limit: bigint;
}

/**
 * Where user data lies, for link counters: the host's data memory and the drives' BAR memories. Everything else that a link carries
 * (commands, completion entries, interrupts, configuration) is not user data.
 */
export function userDataRanges(host: Host, drives: readonly BlockDriver[]): DataRange[] {
  const ranges = [host.data.range, ...drives.flatMap(({ memory }) => (memory ? [memory] : []))];
  return ranges.map(({ base, bytes }) => ({ base, limit: base + bytes }));
}
