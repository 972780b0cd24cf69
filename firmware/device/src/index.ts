/** Firmware that runs on an endpoint, and where its data lives. */
export { CommandStatus, Opcode } from '../../protocol.ts';
export { type Backing, BackingError, FileBacking, type FileBackingOptions, MemoryBacking } from './backing.ts';
export { BlockDeviceFirmware, type FirmwareOptions } from './block-device-firmware.ts';
