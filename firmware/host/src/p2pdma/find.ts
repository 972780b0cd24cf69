import type { P2pBus } from './bus.ts';
import type { DmaClient } from './client.ts';
import type { Direction } from './host-bridges.ts';
import type { Provider } from './provider.ts';

/** How to choose a provider. */
export interface FindOptions {
  readonly bus: P2pBus;
  /** Picks one of equally near ones: gets their number, returns an index. By chance without. */
  readonly choose?: (count: number) => number;
  /** Both without. */
  readonly direction?: Direction;
}

/** Linux looks at no more candidates than the addresses that fit a page. */
const mostCandidates = 512;

/**
 * The published provider that is nearest to all clients together; of several one by chance (M1-24).
 * @returns nothing if none reaches all clients.
 */
export function findMany(
  providers: readonly Provider[],
  clients: readonly DmaClient[],
  { bus, choose = count => Math.floor(Math.random() * count), direction = 'both' }: FindOptions,
): Provider | undefined {
  const reached = providers
    .filter(p => p.published && p.size > 0n)
    .map(provider => ({ provider, distance: bus.distanceMany(provider.device, clients, direction) }))
    .filter(({ distance }) => distance >= 0);
  const least = Math.min(...reached.map(({ distance }) => distance));
  const nearest = reached.filter(({ distance }) => distance === least).slice(0, mostCandidates);
  return nearest[choose(nearest.length)]?.provider;
}
