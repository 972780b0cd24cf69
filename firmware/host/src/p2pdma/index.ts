/** Peer-to-peer memory: who provides it, who reaches it, how it is found, allocated, mapped, used and given back. */
export { P2pBus } from './bus.ts';
export type { DmaClient } from './client.ts';
export { allocBuffer, bufferFor, type DataBuffer, type SystemMemory } from './data-buffer.ts';
export {
  type Distance,
  directedPolicy,
  distance,
  distanceMany,
  linuxPolicy,
  type MapType,
  type Platform,
  type Policy,
  rankedPolicy,
} from './distance.ts';
export {
  customDma,
  type DmaOps,
  hypervisorDma,
  Iommu,
  type IommuFault,
  identityDma,
  offsetDma,
  type Piece,
  type Region,
  type TranslationTable,
} from './dma-ops.ts';
export { Errno, type ErrnoCode } from './errno.ts';
export { ExportedBuffer, type Importer, type Place } from './exported-buffer.ts';
export { type FindOptions, findMany } from './find.ts';
export { type Direction, hostsForward, linuxWhitelist, type WhitelistEntry } from './host-bridges.ts';
export { type BlockDevice, type NamespaceMachine, NamespaceMemory } from './namespace-memory.ts';
export { type MemoryKind, Page, Pagemap, type PagemapRange, PhysicalMemory, pageBytes } from './pagemap.ts';
export { Pool, type PoolMemory } from './pool.ts';
export { type BarRange, type Holder, Provider, type ProviderParts } from './provider.ts';
export { RegisterPages } from './register-pages.ts';
export { type DeviceEvent, type ProviderForm, ProviderRegistry, type RegisteredProvider } from './registry.ts';
export { type Route, route, type Way } from './route.ts';
export {
  type MappedPiece,
  type Mapper,
  mapForBlockLayer,
  mapScatterList,
  mapSingle,
  tryMapScatterList,
  unmapScatterList,
} from './scatter-list.ts';
export { Sysfs } from './sysfs.ts';
export { Acs, bridgeAbove, climb, type HostBridge, type NodeKind, type PciNode } from './tree.ts';
export {
  checkMmap,
  type MmapRequest,
  mmapPages,
  mmapPool,
  type PageAttributes,
  type PageEntry,
  type PageSource,
  pinUserPage,
  UserMapping,
} from './user-mapping.ts';
