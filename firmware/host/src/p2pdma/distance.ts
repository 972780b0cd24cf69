import { hostsForward } from './host-bridges.ts';
import { Acs, climb, type PciNode } from './tree.ts';

/** How a client reaches a provider's memory, in the order of Linux's enumeration. */
export type MapType = 'NOT_SUPPORTED' | 'BUS_ADDR' | 'THRU_HOST_BRIDGE';

/** What the core found about a provider and a client. */
export interface Distance {
  readonly mapType: MapType;
  /** Steps from both up to where their ways meet; walking off the top counts as a step. */
  readonly hops: number;
  /** Functions whose access control would turn traffic to the root: the provider's side from below, then the client's. */
  readonly redirecting: readonly PciNode[];
}

export interface Platform {
  /** The processor passes traffic between all its root ports (AMD Zen and later). */
  readonly forwardsAll?: boolean;
}

/** Access control that makes traffic between peers go to the root, in Linux's eyes. */
const redirects = ({ acs = 0 }: PciNode): boolean =>
  (acs & (Acs.requestRedirect | Acs.completionRedirect | Acs.egressControl)) !== 0;

/**
 * Distance and map type of one client, as Linux 7.0 calculates them: on the provider's side every function up to and including the common one counts if it
 * redirects, on the client's side every one below it. What stands above the common function does not matter. Without a common function, or with one that
 * redirects, the way leads through the host bridge, if that forwards.
 */
export function distance(provider: PciNode, client: PciNode, platform: Platform = {}): Distance {
  const providerPath = climb(provider);
  const clientPath = climb(client);
  const meeting = providerPath.findIndex(node => clientPath.includes(node));
  const common = providerPath[meeting];
  const up = common === undefined ? providerPath.length : meeting;
  const down = common === undefined ? clientPath.length : clientPath.indexOf(common);
  const redirecting = [...providerPath.slice(0, up + 1), ...clientPath.slice(0, down)].filter(redirects);
  const hops = up + down;
  if (common !== undefined && redirecting.length === 0) return { mapType: 'BUS_ADDR', hops, redirecting };
  const forwards = platform.forwardsAll === true || hostsForward(provider.host, client.host);
  return {
    mapType: forwards ? 'THRU_HOST_BRIDGE' : 'NOT_SUPPORTED',
    hops,
    redirecting: common === undefined ? [] : redirecting,
  };
}

/** Sum over all clients; -1 if there is none, or one that cannot reach the provider (M4-4). */
export function distanceMany(provider: PciNode, clients: readonly PciNode[], platform: Platform = {}): number {
  const each = clients.map(client => distance(provider, client, platform));
  if (each.length === 0 || each.some(({ mapType }) => mapType === 'NOT_SUPPORTED')) return -1;
  return each.reduce((sum, { hops }) => sum + hops, 0);
}
