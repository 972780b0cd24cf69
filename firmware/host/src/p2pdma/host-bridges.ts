import type { HostBridge } from './tree.ts';

/** Who sends: the client writes to the provider, reads from it, or both (M4-13). */
export type Direction = 'write' | 'read' | 'both';

/**
 * A host bridge that passes peer-to-peer traffic between its root ports. An entry is a claim, not a proof: nothing in configuration space tells it, so operating
 * systems keep such lists.
 */
export interface WhitelistEntry {
  readonly vendor: number;
  /** Device IDs; all of the vendor's without. */
  readonly devices?: readonly number[];
  /** Only between root ports of one and the same host bridge. */
  readonly sameBridge?: true;
  /** The one direction that works (M4-14); both without. */
  readonly only?: 'write' | 'read';
}

const intel = 0x8086;
const google = 0x1ae0;

/** The list of Linux 7.0. */
export const linuxWhitelist: readonly WhitelistEntry[] = [
  { vendor: intel, devices: [0x3c00, 0x3c01, 0x2f00, 0x2f01], sameBridge: true },
  { vendor: intel, devices: [0x2030, 0x2031, 0x2032, 0x2033, 0x2020, 0x09a2] },
  { vendor: google },
];

/** Whether the list says that traffic of a direction may go from root ports of `a` to root ports of `b` (M4-3, M4-5). */
export function hostsForward(
  a: HostBridge,
  b: HostBridge,
  direction: Direction = 'both',
  whitelist: readonly WhitelistEntry[] = linuxWhitelist,
): boolean {
  const entryOf = (host: HostBridge) =>
    host.identifies
      ? whitelist.find(e => e.vendor === host.vendor && (e.devices === undefined || e.devices.includes(host.device)))
      : undefined;
  const passes = (entry: WhitelistEntry | undefined) =>
    entry !== undefined && (entry.only === undefined || entry.only === direction) && (a === b || !entry.sameBridge);
  return passes(entryOf(a)) && passes(entryOf(b));
}
