/** Firmware that runs on an endpoint, where its data lives, and what is at the other end of a network card's wire. */
export { CommandStatus, Opcode } from '../../protocol.ts';
export { RemoteNic } from '../../rdma/remote/index.ts';
export { Wire, type WireOptions } from '../../rdma/wire.ts';
export { type Backing, BackingError, FileBacking, type FileBackingOptions, MemoryBacking } from './backing.ts';
export { BlockDeviceFirmware, type FirmwareOptions } from './block-device-firmware.ts';
export { bootNic, bootNvme, describeEndpoint } from './boot.ts';
