import { type Direction, hostsForward, type WhitelistEntry } from './host-bridges.ts';
import { direct, route } from './route.ts';
import { Acs, bridgeAbove, climb, type PciNode } from './tree.ts';

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

/** How distances are judged. */
export interface Policy {
  /** What the way through a host bridge adds to a distance, so that ways through a switch come first (M4-4). */
  readonly penalty: number;
  /** `every port`: a redirecting function anywhere on the way counts, as in Linux. `by direction`: what the specification does with the TLPs of a direction (M4-13). */
  readonly accessControl: 'every port' | 'by direction';
}

/** Linux 7.0: no penalty, so that a provider elsewhere can be as near as one at the same switch. */
export const linuxPolicy: Policy = { penalty: 0, accessControl: 'every port' };
/** Linux 5.2, and what the mail M4 asks for: through the host bridge is always further. */
export const rankedPolicy: Policy = { penalty: 0x1000, accessControl: 'every port' };
/** What TLPs really do, one direction at a time. */
export const directedPolicy: Policy = { penalty: 0x1000, accessControl: 'by direction' };

/** What is known about the machine beside its tree (M2-3, M2-13). */
export interface Platform {
  /** The processor passes traffic between all its root ports (AMD Zen and later). */
  readonly forwardsAll?: boolean;
  /** Host bridges that forward; Linux's list without. */
  readonly whitelist?: readonly WhitelistEntry[];
  /** Decides in place of the list where a platform knows more. */
  readonly forwards?: (provider: PciNode, client: PciNode, direction: Direction) => boolean;
  /** Linux 7.0's without. */
  readonly policy?: Policy;
}

/** Access control that makes traffic between peers go to the root, in Linux's eyes. */
const redirects = ({ acs = 0 }: PciNode): boolean =>
  (acs & (Acs.requestRedirect | Acs.completionRedirect | Acs.egressControl)) !== 0;

/**
 * Distance and map type of one client. As Linux 7.0 calculates them, every function up to and including the common one counts on the provider's side if it
 * redirects, on the client's side every one below it. What stands above the common function does not matter. Without a common function, or with one that
 * redirects, the way leads through the host bridge, if that forwards.
 */
export function distance(provider: PciNode, client: PciNode, platform: Platform = {}, direction: Direction = 'both'): Distance {
  const providerPath = climb(provider);
  const clientPath = climb(client);
  const meeting = providerPath.findIndex(node => clientPath.includes(node));
  const common = providerPath[meeting];
  const up = common === undefined ? providerPath.length : meeting;
  const down = common === undefined ? clientPath.length : clientPath.indexOf(common);
  const on = [...providerPath.slice(0, up + 1), ...clientPath.slice(0, down)];
  const redirecting = common === undefined ? [] : on.filter(redirects);
  const hops = up + down;
  const byDirection = (platform.policy ?? linuxPolicy).accessControl === 'by direction';
  const straight = common !== undefined && (byDirection ? goesStraight(provider, client, direction) : redirecting.length === 0);
  if (straight) return { mapType: 'BUS_ADDR', hops, redirecting };
  const turned = byDirection && cannotTurn(provider, client);
  const through = !turned && forwards(provider, client, platform, direction);
  return { mapType: through ? 'THRU_HOST_BRIDGE' : 'NOT_SUPPORTED', hops, redirecting };
}

function forwards(provider: PciNode, client: PciNode, platform: Platform, direction: Direction): boolean {
  if (platform.forwardsAll === true) return true;
  if (platform.forwards) return platform.forwards(provider, client, direction);
  return hostsForward(provider.host, client.host, direction, platform.whitelist);
}

/** Whether no TLP of the direction leaves the way through the switch: requests always, completions where the client reads. */
function goesStraight(provider: PciNode, client: PciNode, direction: Direction): boolean {
  if (provider === client) return true;
  if (areSiblings(provider, client)) {
    const sent = ((client.acs ?? 0) & (Acs.requestRedirect | Acs.egressControl)) === 0;
    const answered = ((provider.acs ?? 0) & Acs.completionRedirect) === 0;
    return sent && (direction === 'write' || answered);
  }
  const { request, completion } = route(provider, client);
  return direct(request) && (direction === 'write' || direct(completion));
}

/** Functions of one device that may not talk inside it need a port above that sends their traffic up and not back into its own window. */
const cannotTurn = (provider: PciNode, client: PciNode): boolean =>
  areSiblings(provider, client) && ((bridgeAbove(provider)?.acs ?? 0) & Acs.upstreamForwarding) === 0;

const areSiblings = (a: PciNode, b: PciNode): boolean =>
  a !== b && bridgeAbove(a) !== undefined && bridgeAbove(a) === bridgeAbove(b) && a.kind === 'endpoint' && b.kind === 'endpoint';

/** Sum of the distances of several clients, with the policy's penalty for each way through a host bridge; -1 if there is none, or one that cannot reach. */
export function sumOf(each: readonly Distance[], { policy = linuxPolicy }: Platform = {}): number {
  if (each.length === 0 || each.some(({ mapType }) => mapType === 'NOT_SUPPORTED')) return -1;
  return each.reduce((sum, { hops, mapType }) => sum + hops + (mapType === 'THRU_HOST_BRIDGE' ? policy.penalty : 0), 0);
}

/** The sum over all clients; -1 if there is none, or one that cannot reach the provider. */
export const distanceMany = (
  provider: PciNode,
  clients: readonly PciNode[],
  platform: Platform = {},
  direction: Direction = 'both',
): number =>
  sumOf(
    clients.map(client => distance(provider, client, platform, direction)),
    platform,
  );
