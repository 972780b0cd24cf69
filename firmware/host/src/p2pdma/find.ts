import { distanceMany, type Platform } from './distance.ts';
import type { Provider } from './provider.ts';
import type { PciNode } from './tree.ts';

/**
 * The published provider that is nearest to all clients together; of several one by `choose`, which gets their number (M1-24).
 * @returns nothing if none reaches all clients.
 */
export function findMany(
  providers: readonly Provider[],
  clients: readonly PciNode[],
  options: { readonly platform?: Platform; readonly choose: (count: number) => number },
): Provider | undefined {
  const reached = providers
    .filter(p => p.published && p.size > 0n)
    .map(provider => ({ provider, hops: distanceMany(provider.device, clients, options.platform) }))
    .filter(({ hops }) => hops >= 0);
  const least = Math.min(...reached.map(({ hops }) => hops));
  const nearest = reached.filter(({ hops }) => hops === least);
  return nearest[options.choose(nearest.length)]?.provider;
}
