import type { BlockDriver } from './block-driver.ts';
import type { Host } from './host.ts';
import type { AddressRange } from './pci-function.ts';

/**
 * Where user data lies, for link counters: the host's data memory and the drives' BAR memories. Everything else that a link carries
 * (commands, completion entries, interrupts, configuration) is not user data.
 */
export function userDataRanges(host: Host, drives: readonly BlockDriver[]): AddressRange[] {
  return [host.data.range, ...drives.flatMap(({ memory }) => (memory ? [memory] : []))];
}
