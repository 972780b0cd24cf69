export { GpuFirmware } from './firmware.ts';
