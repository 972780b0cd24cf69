export { type GpuBuffer, GpuDriver, type GpuDriverOptions, type GpuPlace } from './driver.ts';
