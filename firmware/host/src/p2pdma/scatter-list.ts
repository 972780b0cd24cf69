import { distance, type MapType, type Platform } from './distance.ts';
import { Errno } from './errno.ts';
import type { Pagemap, PhysicalMemory } from './pagemap.ts';
import type { PciNode } from './tree.ts';

/** A piece of memory by the processor's address. */
export interface Piece {
  readonly cpu: bigint;
  readonly bytes: bigint;
}

/** A piece as a device uses it. */
export interface MappedPiece {
  readonly dma: bigint;
  readonly bytes: bigint;
  /** It is a bus address of a peer: no IOMMU has it, and there is nothing to take back. */
  readonly peer: boolean;
}

/** How a platform makes addresses for a device, peers behind the same switch apart (M0-5): identity, an offset, an IOMMU, a hypervisor. */
export interface DmaPlatform {
  /** @throws Errno if it cannot. */
  map(piece: Piece, client: PciNode): bigint;
  unmap(dma: bigint, bytes: bigint, client: PciNode): void;
}

/** Memory is the bus's: device addresses are the processor's. */
export const identityPlatform: DmaPlatform = { map: ({ cpu }) => cpu, unmap: () => {} };

/** What a client's mappings need to know. */
export interface Mapper {
  readonly memory: PhysicalMemory;
  readonly dma: DmaPlatform;
  readonly platform?: Platform;
}

/**
 * Maps RAM and peers' memory for a client in one list (M2-4): RAM and what goes through the host bridge by the platform, memory of a peer that is reached
 * directly by its bus address (M0-4). The way is looked up anew only where the pagemap changes.
 * @throws Errno EREMOTEIO if a piece cannot be reached, EINVAL for device-private memory (M1-10): nothing stays mapped then.
 */
export function mapScatterList(mapper: Mapper, client: PciNode, list: readonly Piece[]): MappedPiece[] {
  const mapped: MappedPiece[] = [];
  let last: { readonly map: Pagemap; readonly way: MapType } | undefined;
  try {
    for (const piece of list) {
      const map = mapper.memory.find(piece.cpu);
      if (map && piece.cpu + piece.bytes > map.cpu + map.bytes)
        throw new Errno('EINVAL', `a piece at 0x${piece.cpu.toString(16)} leaves the memory of ${map.device.name}`);
      if (map?.kind === 'device private')
        throw new Errno('EINVAL', `memory of ${map.device.name} at 0x${piece.cpu.toString(16)} is private to the device`);
      if (map && last?.map !== map) last = { map, way: distance(map.device, client, mapper.platform).mapType };
      if (map && last?.way === 'NOT_SUPPORTED')
        throw new Errno('EREMOTEIO', `${client.name} cannot reach the memory of ${map.device.name}`);
      if (map && last?.way === 'BUS_ADDR') mapped.push({ dma: piece.cpu + map.busOffset, bytes: piece.bytes, peer: true });
      else mapped.push({ dma: mapper.dma.map(piece, client), bytes: piece.bytes, peer: false });
    }
  } catch (error) {
    unmapScatterList(mapper, client, mapped);
    throw error;
  }
  return mapped;
}

/** Takes a mapping back. */
export function unmapScatterList(mapper: Mapper, client: PciNode, list: readonly MappedPiece[]): void {
  for (const { dma, bytes, peer } of list) if (!peer) mapper.dma.unmap(dma, bytes, client);
}
