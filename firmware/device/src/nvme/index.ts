/** Firmware of an NVMe controller. */
export { NvmeController } from './controller.ts';
export {
  DmaError,
  type HardwareEvent,
  type MemoryBuffer,
  type MoveOutcome,
  type NvmeHardware,
  type NvmeMedia,
  type Place,
} from './hardware.ts';
export type { NamespaceOptions, NvmeOptions } from './profile.ts';
