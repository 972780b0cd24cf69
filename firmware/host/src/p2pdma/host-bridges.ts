import type { HostBridge } from './tree.ts';

/**
 * Which host bridges pass peer-to-peer traffic between their root ports. An entry is a claim, not a proof: nothing in configuration space tells it, so operating
 * systems keep such lists (Linux 7.0's has the same members).
 */
interface Entry {
  readonly vendor: number;
  /** Device IDs; all of the vendor's without. */
  readonly devices?: readonly number[];
  /** Only between root ports of one and the same host bridge. */
  readonly sameBridge?: true;
}

const intel = 0x8086;
const google = 0x1ae0;
const entries: readonly Entry[] = [
  { vendor: intel, devices: [0x3c00, 0x3c01, 0x2f00, 0x2f01], sameBridge: true },
  { vendor: intel, devices: [0x2030, 0x2031, 0x2032, 0x2033, 0x2020, 0x09a2] },
  { vendor: google },
];

const entryOf = (host: HostBridge): Entry | undefined =>
  host.identifies
    ? entries.find(e => e.vendor === host.vendor && (e.devices === undefined || e.devices.includes(host.device)))
    : undefined;

/** Whether the list says that traffic may go from root ports of `a` to root ports of `b`. */
export function hostsForward(a: HostBridge, b: HostBridge): boolean {
  const one = entryOf(a);
  const other = entryOf(b);
  if (a === b) return one !== undefined;
  return one !== undefined && other !== undefined && !one.sameBridge && !other.sameBridge;
}
