import type { P2pBus } from './bus.ts';
import type { DmaClient } from './client.ts';
import type { MapType } from './distance.ts';
import type { Piece } from './dma-ops.ts';
import { Errno } from './errno.ts';
import type { Direction } from './host-bridges.ts';
import type { Pagemap, PhysicalMemory } from './pagemap.ts';

/** A piece as a device uses it. */
export interface MappedPiece {
  readonly dma: bigint;
  readonly bytes: bigint;
  /** It is a bus address of a peer: no IOMMU has it, and there is nothing to take back. */
  readonly peer: boolean;
}

/** What mappings need to know. */
export interface Mapper {
  readonly memory: PhysicalMemory;
  readonly bus: P2pBus;
}

/**
 * Maps RAM and peers' memory for a client in one list (M2-4): RAM and what goes through the host bridge by the platform, memory of a peer that is reached
 * directly by its bus address (M0-4). The way is looked up anew only where the pagemap changes.
 * @throws Errno EREMOTEIO if a piece cannot be reached, EOPNOTSUPP if the client's addresses are made by somebody who does not know peers (M2-5, M2-16), EINVAL for
 * device-private memory (M1-10), for what is neither RAM nor opened for peers (M2-2), and for reads of doorbells: nothing stays mapped then.
 */
export function mapScatterList(
  mapper: Mapper,
  client: DmaClient,
  list: readonly Piece[],
  direction: Direction = 'both',
): MappedPiece[] {
  const mapped: MappedPiece[] = [];
  let last: { readonly map: Pagemap; readonly way: MapType } | undefined;
  try {
    for (const piece of list) {
      const map = mapper.memory.find(piece.cpu);
      if (!map) {
        mapped.push(mapRam(mapper, client, piece));
        continue;
      }
      if (last?.map !== map) last = { map, way: wayTo(mapper, client, piece, map, direction) };
      mapped.push(mapPeer(client, piece, map, last.way));
    }
  } catch (error) {
    unmapScatterList(client, mapped);
    throw error;
  }
  return mapped;
}

const hex = (address: bigint): string => `0x${address.toString(16)}`;

function mapRam({ memory }: Mapper, { dma }: DmaClient, piece: Piece): MappedPiece {
  if (!memory.isRam(piece.cpu))
    throw new Errno('EINVAL', `${hex(piece.cpu)} is neither RAM nor memory that its driver opened for peers`);
  return { dma: dma.map(piece, 'ram'), bytes: piece.bytes, peer: false };
}

function wayTo({ bus }: Mapper, client: DmaClient, { cpu }: Piece, map: Pagemap, direction: Direction): MapType {
  if (map.kind === 'device private')
    throw new Errno('EINVAL', `memory of ${map.device.name} at ${hex(cpu)} is private to the device`);
  if (map.kind === 'doorbell' && direction !== 'write')
    throw new Errno('EINVAL', `the doorbell of ${map.device.name} at ${hex(cpu)} is there to be written: map it for writes`);
  if (!client.dma.peers)
    throw new Errno('EOPNOTSUPP', `${client.name} has '${client.dma.name}' DMA operations, which know no peers' memory`);
  const way = bus.mapType(map.device, client, direction);
  if (way === 'NOT_SUPPORTED') throw new Errno('EREMOTEIO', `${client.name} cannot reach the memory of ${map.device.name}`);
  return way;
}

function mapPeer({ dma }: DmaClient, piece: Piece, map: Pagemap, way: MapType): MappedPiece {
  const { cpu, bytes } = piece;
  if (cpu + bytes > map.cpu + map.bytes)
    throw new Errno('EINVAL', `a piece at ${hex(cpu)} leaves the memory of ${map.device.name}`);
  if (way !== 'BUS_ADDR') return { dma: dma.map(piece, 'mmio'), bytes, peer: false };
  const bus = cpu + map.busOffset;
  return { dma: dma.peer ? dma.peer(bus, bytes) : bus, bytes, peer: true };
}

/** Takes a mapping back. */
export function unmapScatterList({ dma }: DmaClient, list: readonly MappedPiece[]): void {
  for (const piece of list) if (!piece.peer) dma.unmap(piece.dma, piece.bytes);
}

/** As `mapScatterList`, for callers who only learn that it failed: nothing mapped (B.13). */
export function tryMapScatterList(...[mapper, client, list, direction]: Parameters<typeof mapScatterList>): MappedPiece[] {
  try {
    return mapScatterList(mapper, client, list, direction);
  } catch (error) {
    if (error instanceof Errno) return [];
    throw error;
  }
}

/** As `mapScatterList`, for the block layer: what cannot be reached is an invalid request. @throws Errno EINVAL. */
export function mapForBlockLayer(...[mapper, client, list, direction]: Parameters<typeof mapScatterList>): MappedPiece[] {
  try {
    return mapScatterList(mapper, client, list, direction);
  } catch (error) {
    throw error instanceof Errno ? new Errno('EINVAL', error.message) : error;
  }
}

/** Maps one piece of RAM. @throws Errno EREMOTEIO for peers' memory, which only lists can have. */
export function mapSingle(mapper: Mapper, client: DmaClient, piece: Piece): MappedPiece {
  const map = mapper.memory.find(piece.cpu);
  if (map) throw new Errno('EREMOTEIO', `${hex(piece.cpu)} is memory of ${map.device.name}: map it by a scatter list`);
  return mapRam(mapper, client, piece);
}
