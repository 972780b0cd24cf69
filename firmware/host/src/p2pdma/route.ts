import { Acs, bridgeAbove, climb, type PciNode } from './tree.ts';

/** Where the specification sends a TLP between two functions, whatever an operating system thinks of it. */
export type Way =
  /** Never leaves the device. */
  | 'internal'
  /** The one is a bridge above the other. */
  | 'target-is-ancestor'
  /** Turns at the common switch. */
  | 'direct'
  /** Turns at the common switch or at the root, by the egress vector of the port. */
  | 'egress-vector'
  /** Access control of a port sends it to the root. */
  | 'redirected'
  /** There is no common switch. */
  | 'via-root';

/** Whether a way never touches the root. */
export const direct = (way: Way): boolean => way === 'internal' || way === 'direct' || way === 'target-is-ancestor';

/** The ways of a client's untranslated requests to a provider, and of the completions with relaxed ordering clear. */
export interface Route {
  readonly request: Way;
  readonly completion: Way;
  /** Functions whose link to the device above a request crosses, in order. */
  readonly crosses: readonly PciNode[];
}

const has = ({ acs = 0 }: PciNode, bits: number): boolean => (acs & bits) !== 0;
/** The physical function: what shares its device and its link. */
const device = (node: PciNode): PciNode => node.physical ?? node;
/** Functions that have a link above them: an internal bus of a switch has none. */
const linked = (path: readonly PciNode[]): PciNode[] =>
  path.filter(({ kind }) => kind === 'endpoint' || kind === 'upstream port').map(device);

/**
 * The way by the rules of 1.3.3 and 6.12: only the downstream port below the common switch through which a TLP enters decides: request redirect and egress control
 * for requests, completion redirect for completions. Ports further below send everything up anyhow.
 */
export function route(provider: PciNode, client: PciNode): Route {
  const providerPath = climb(provider);
  const clientPath = climb(client);
  if (clientPath.includes(provider) || providerPath.includes(client)) {
    const way = provider === client ? 'internal' : 'target-is-ancestor';
    return { request: way, completion: way, crosses: [] };
  }
  const siblings = bridgeAbove(provider) !== undefined && bridgeAbove(provider) === bridgeAbove(client);
  if (siblings || device(provider) === device(client)) return { request: 'internal', completion: 'internal', crosses: [] };

  const common = clientPath.find(node => providerPath.includes(node));
  if (common === undefined || common.kind !== 'upstream port')
    return {
      request: 'via-root',
      completion: 'via-root',
      crosses: [...linked(clientPath), ...linked(providerPath).toReversed()],
    };

  const entry = clientPath[clientPath.indexOf(common) - 1] ?? client;
  const exit = providerPath[providerPath.indexOf(common) - 1] ?? provider;
  const request = has(entry, Acs.egressControl) ? 'egress-vector' : has(entry, Acs.requestRedirect) ? 'redirected' : 'direct';
  const completion = has(exit, Acs.completionRedirect) ? 'redirected' : 'direct';
  const upTo = request === 'redirected' ? undefined : common;
  const part = (path: readonly PciNode[]) => linked(upTo ? path.slice(0, path.indexOf(upTo)) : path);
  return { request, completion, crosses: [...part(clientPath), ...part(providerPath).toReversed()] };
}
