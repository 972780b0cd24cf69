import type { DmaClient } from './client.ts';
import { type Distance, distance, type MapType, type Platform, sumOf } from './distance.ts';
import type { Direction } from './host-bridges.ts';
import type { PciNode } from './tree.ts';

const unreachable: Distance = { mapType: 'NOT_SUPPORTED', hops: 0, redirecting: [] };

/**
 * Who is asked whether two devices can reach each other (M2-3): neither of their drivers, but the bus, which knows the machine. What it found last about a
 * provider and a client it remembers (M1-21), and does not notice when access control changes: a new call of `distance` does.
 */
export class P2pBus {
  readonly platform: Platform;
  /** Peer-to-peer memory is compiled in. */
  readonly enabled: boolean;
  /** How often a way was looked up in the tree. */
  calculations = 0;
  private readonly known = new WeakMap<PciNode, Map<PciNode, Map<Direction, MapType>>>();

  constructor(platform: Platform = {}, { enabled = true }: { readonly enabled?: boolean } = {}) {
    this.platform = platform;
    this.enabled = enabled;
  }

  /** Distance and map type, looked up anew and remembered. A client that is no PCI function reaches nothing. */
  distance(provider: PciNode, client: DmaClient, direction: Direction = 'both'): Distance {
    if (!this.enabled || !client.pci) return unreachable;
    this.calculations++;
    const found = distance(provider, client.pci, this.platform, direction);
    const clients = this.known.get(provider) ?? new Map<PciNode, Map<Direction, MapType>>();
    const directions = clients.get(client.pci) ?? new Map<Direction, MapType>();
    this.known.set(provider, clients.set(client.pci, directions.set(direction, found.mapType)));
    return found;
  }

  /** Sum of the distances of all clients; -1 if there is none, or one that does not reach the provider. */
  distanceMany(provider: PciNode, clients: readonly DmaClient[], direction: Direction = 'both'): number {
    return sumOf(
      clients.map(client => this.distance(provider, client, direction)),
      this.platform,
    );
  }

  /** The remembered map type; looked up if there is none yet. */
  mapType(provider: PciNode, client: DmaClient, direction: Direction = 'both'): MapType {
    const remembered = client.pci && this.known.get(provider)?.get(client.pci)?.get(direction);
    return remembered ?? this.distance(provider, client, direction).mapType;
  }
}
