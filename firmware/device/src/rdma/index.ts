/** Firmware of an RDMA network card. */
export { RdmaFirmware } from './firmware.ts';
export type { RdmaHardware } from './hardware.ts';
export type { RdmaOptions } from './profile.ts';
