import {
  climb,
  directedPolicy,
  distance,
  distanceMany,
  hostsForward,
  linuxPolicy,
  type MapType,
  type PciNode,
  rankedPolicy,
  route,
  type Way,
} from '../../../firmware/host/src/p2pdma/index.ts';
import type { BuiltTopology } from './build.ts';

/** What is answered about a provider and a client. */
export interface PairAnswer {
  readonly provider: string;
  readonly client: string;
  /** As Linux decides it: both directions, writes of the client only, or nothing. */
  readonly allowed: 'yes' | 'writes only' | 'no';
  readonly mapType: MapType;
  /** Linux 7.0's distance; -1 if the provider is out of reach. */
  readonly distance: number;
  /** With 0x1000 for the way through a host bridge, so that switches come first. */
  readonly rankedDistance: number;
  /** What the specification allows by direction, whatever Linux thinks. */
  readonly byDirection: { readonly write: MapType; readonly read: MapType };
  /** The ways of requests and of their completions. */
  readonly request: Way;
  readonly completion: Way;
  /** Functions from the client to the provider, by which the request goes. */
  readonly path: readonly string[];
  /** Ports whose access control sends traffic to the root, in Linux's eyes. */
  readonly redirecting: readonly string[];
  /** What a person should know. */
  readonly notes: readonly string[];
}

/** All pairs of a provider and a client, in the order of the file. */
export function pairs(topology: BuiltTopology): PairAnswer[] {
  return topology.providers.flatMap(provider => topology.clients.map(client => pair(topology, provider, client)));
}

/** What is answered about one pair. */
export function pair({ platform }: BuiltTopology, provider: PciNode, client: PciNode): PairAnswer {
  const linux = { ...platform, policy: linuxPolicy };
  const { mapType, redirecting } = distance(provider, client, linux);
  const write = distance(provider, client, linux, 'write').mapType;
  const directed = { ...platform, policy: directedPolicy };
  const { request, completion } = route(provider, client);
  return {
    provider: provider.name,
    client: client.name,
    allowed: mapType !== 'NOT_SUPPORTED' ? 'yes' : write !== 'NOT_SUPPORTED' ? 'writes only' : 'no',
    mapType,
    distance: distanceMany(provider, [client], linux),
    rankedDistance: distanceMany(provider, [client], { ...platform, policy: rankedPolicy }),
    byDirection: {
      write: distance(provider, client, directed, 'write').mapType,
      read: distance(provider, client, directed, 'read').mapType,
    },
    request,
    completion,
    path: pathOf(provider, client, request),
    redirecting: redirecting.map(({ name }) => name),
    notes: notesOn(provider, client, mapType, redirecting, platform.forwardsAll === true),
  };
}

/** Where a request passes: up to the common bridge, or to the host bridge and down again. */
function pathOf(provider: PciNode, client: PciNode, way: Way): string[] {
  const [from, to] = [climb(client), climb(provider)];
  const meeting = way === 'redirected' ? -1 : from.findIndex(node => to.includes(node));
  if (meeting < 0) {
    const hosts = client.host === provider.host ? [client.host.name] : [client.host.name, provider.host.name];
    return [...from.map(n => n.name), ...hosts, ...to.toReversed().map(n => n.name)];
  }
  const common = from[meeting];
  const down = to.slice(0, common ? to.indexOf(common) : 0);
  return [...from.slice(0, meeting + 1), ...down.toReversed()].map(n => n.name);
}

function notesOn(provider: PciNode, client: PciNode, mapType: MapType, redirecting: readonly PciNode[], all: boolean): string[] {
  const notes: string[] = [];
  const names = redirecting.map(({ name }) => name).join(', ');
  if (redirecting.length > 0)
    notes.push(
      `${names} redirect${redirecting.length > 1 ? '' : 's'}: clear RR, CR and EC there (Linux: pci=disable_acs_redir=…) for the direct way`,
    );
  const list = all || hostsForward(provider.host, client.host);
  if (mapType === 'NOT_SUPPORTED' && list)
    notes.push('Linux would try it, as its list vouches for the host bridge: data would be lost');
  if (mapType === 'THRU_HOST_BRIDGE' && !list) notes.push('Linux refuses it, as the host bridge is not in its list');
  return notes;
}
