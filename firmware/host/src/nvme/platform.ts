import { describeStatus } from '../../../nvme/status.ts';
import type { Scheduler } from '../../../ports.ts';
import { HostError } from '../host-error.ts';
import type { AddressRange } from '../pci-function.ts';

/** What the NVMe driver needs of the computer that it runs on. Addresses are bus addresses. */
export interface NvmePlatform {
  /** For messages. */
  readonly name: string;
  readonly scheduler: Scheduler;
  /** MSI-X vectors of the controller. */
  readonly vectors: number;
  /** Host memory that the controller reaches. */
  readonly memory: NvmeMemory;
  /** A DW of BAR0. @throws HostError if nobody answers. */
  readRegister(offset: number): Promise<number>;
  writeRegister(offset: number, value: number): Promise<void>;
  /** Has a handler called for every interrupt with a vector; the handler that was there before goes. */
  connect(vector: number, handler: () => void): Promise<void>;
  /** Where a memory BAR is; nothing if the controller has none, or it has no address. */
  bar(index: number): AddressRange | undefined;
  /** Stores of the processor to a BAR, posted: they arrive in the order of the calls, and before register writes that follow. */
  writeBar(address: bigint, data: Uint8Array): Promise<void>;
}

/** Host memory. */
export interface NvmeMemory {
  /** @throws HostError if there is not so much. */
  allocate(bytes: number, alignment: number): AddressRange;
  release(range: AddressRange): void;
  read(address: bigint, bytes: number): Uint8Array;
  write(address: bigint, data: Uint8Array): void;
}

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

/** Bytes of the memory pages that the driver uses. */
export const pageBytes = 4096;
