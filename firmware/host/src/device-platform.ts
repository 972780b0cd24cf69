import type { Scheduler } from '../../ports.ts';
import type { AddressRange } from './pci-function.ts';

/** What a device's driver needs of the computer that it runs on. Addresses are bus addresses. */
export interface DevicePlatform {
  /** For messages. */
  readonly name: string;
  readonly scheduler: Scheduler;
  /** MSI-X vectors of the device. */
  readonly vectors: number;
  /** Host memory that the device reaches. */
  readonly memory: DeviceMemory;
  /** A DW of BAR0. @throws HostError if nobody answers. */
  readRegister(offset: number): Promise<number>;
  writeRegister(offset: number, value: number): Promise<void>;
  /** Has a handler called for every interrupt with a vector; the handler that was there before goes. */
  connect(vector: number, handler: () => void): Promise<void>;
  /** Where a memory BAR is; nothing if the device has none, or it has no address. */
  bar(index: number): AddressRange | undefined;
  /** Stores of the processor to a BAR, posted: they arrive in the order of the calls, and before register writes that follow. */
  writeBar(address: bigint, data: Uint8Array): Promise<void>;
}

/** Host memory. */
export interface DeviceMemory {
  /** @throws HostError if there is not so much. */
  allocate(bytes: number, alignment: number): AddressRange;
  release(range: AddressRange): void;
  read(address: bigint, bytes: number): Uint8Array;
  write(address: bigint, data: Uint8Array): void;
}

/** Bytes of the memory pages that drivers use. */
export const pageBytes = 4096;
