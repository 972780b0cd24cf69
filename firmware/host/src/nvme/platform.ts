import { describeStatus } from '../../../nvme/status.ts';
import type { DeviceMemory, DevicePlatform } from '../device-platform.ts';
import { HostError } from '../host-error.ts';

export { pageBytes } from '../device-platform.ts';

/** What the NVMe driver needs of the computer that it runs on. */
export type NvmePlatform = DevicePlatform;
export type NvmeMemory = DeviceMemory;

/** A command that the controller ended with a status other than success. */
export class NvmeError extends HostError {
  /** One of `Status`. */
  readonly status: number;
  readonly doNotRetry: boolean;

  constructor(what: string, status: number, doNotRetry: boolean) {
    super(`${what} failed: ${describeStatus(status)}`);
    this.status = status;
    this.doNotRetry = doNotRetry;
  }
}
