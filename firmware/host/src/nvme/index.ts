/** The host's driver of NVMe controllers. */
export type { BufferMemory, BufferProvider } from '../buffer-provider.ts';
export { AdminCommands, type ControllerIdentity, type EventReport, type NamespaceIdentity } from './admin-commands.ts';
export type { PointerChoice } from './data-pointer.ts';
export { type DriverStatistics, NvmeDriver, type NvmeDriverOptions } from './driver.ts';
export { ControllerMemory } from './memory-buffer.ts';
export { type BlockOptions, type BlockRange, NvmeNamespace } from './namespace.ts';
export { NvmeError, type NvmeMemory, type NvmePlatform } from './platform.ts';
export { ResetError } from './queue-pair.ts';
