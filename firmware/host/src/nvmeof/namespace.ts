import type { DmaClient, NamespaceMemory } from '../p2pdma/index.ts';
import type { AddressRange } from '../pci-function.ts';

/** A block device as a target uses it: `NvmeNamespace` is one. Data lies in ranges of bus addresses. */
export interface TargetDevice {
  readonly blocks: number;
  readonly blockBytes: number;
  read(start: number, data: readonly AddressRange[], options?: { readonly forceUnitAccess?: boolean }): Promise<void>;
  write(start: number, data: readonly AddressRange[], options?: { readonly forceUnitAccess?: boolean }): Promise<void>;
  writeZeroes(range: { readonly start: number; readonly count: number }): Promise<void>;
  flush(): Promise<void>;
}

/** A namespace of a subsystem: a block device, who its requests come from, and where their data is kept. */
export interface TargetNamespace {
  /** From 1 on. */
  readonly id: number;
  readonly device: TargetDevice;
  /** The function that sends the device's requests. */
  readonly client: DmaClient;
  /** The setting `p2pmem`, and what came of it. */
  readonly memory: NamespaceMemory;
}
