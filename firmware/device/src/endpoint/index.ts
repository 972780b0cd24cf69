/** What firmware of every device needs of its endpoint. */
export { type EndpointDescription, FirmwareEndpoint } from './firmware-endpoint.ts';
export {
  type DeviceHardware,
  DmaError,
  type HardwareEvent,
  type MemoryBuffer,
  type Place,
  placeAt,
  type WriteOptions,
} from './hardware.ts';
