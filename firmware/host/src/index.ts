/** The host side: enumeration, access to devices, drivers, copy flows. */
export { CommandStatus, type Identity, Opcode } from '../../protocol.ts';
export { type Apertures, assignWindows, defaultApertures, windowGranule } from './assign-windows.ts';
export { BlockDriver, type BlockDriverOptions } from './block-driver.ts';
export { asFunction, Computer, type ComputerOptions, type MappedBuffer } from './computer.ts';
export { allOnes, ConfigAccess } from './config-access.ts';
export { type CopyOptions, copyFile, type Flow, type ReadOptions, readDrive } from './copy.ts';
export { type DataRange, userDataRanges } from './data-ranges.ts';
export { drawTree } from './draw-tree.ts';
export { type EnumerateOptions, enumerate, type PciTree } from './enumerate.ts';
export { Host, type HostOptions } from './host.ts';
export { HostError } from './host-error.ts';
export { HostMemoryPool } from './host-memory-pool.ts';
export { InterruptController, interruptAddress } from './interrupts.ts';
export { MemoryAccess } from './memory-access.ts';
export { MsixSetup } from './msix.ts';
export * from './nvmeof/index.ts';
export {
  type AddressRange,
  allFunctions,
  type Bar,
  type Bdf,
  type Bridge,
  type Capability,
  capability,
  formatBdf,
  formatIds,
  type PciFunction,
} from './pci-function.ts';
export { type Answer, Requester, type RequesterOptions } from './requester.ts';
export { scan } from './scan.ts';
export * from './workload/index.ts';
