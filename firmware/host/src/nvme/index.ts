/** The host's driver of NVMe controllers. */
export { AdminCommands, type ControllerIdentity, type EventReport, type NamespaceIdentity } from './admin-commands.ts';
export type { PointerChoice } from './data-pointer.ts';
export { type DriverStatistics, NvmeDriver, type NvmeDriverOptions } from './driver.ts';
export { hostPlatform } from './host-platform.ts';
export { type BufferMemory, type BufferProvider, ControllerMemory } from './memory-buffer.ts';
export { type BlockOptions, type BlockRange, NvmeNamespace } from './namespace.ts';
export { NvmeError, type NvmeMemory, type NvmePlatform } from './platform.ts';
export { ResetError } from './queue-pair.ts';
