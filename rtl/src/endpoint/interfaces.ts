import { Bundle, type BundleType, type UIntType, uint } from '@hdl/ts-hdl';

/** A word to be written to the BAR memory: `address` counts words of the data width, `mask` has a bit per byte. */
export const memoryWrite = (width: number, addressWidth: number): MemoryWriteType =>
  class MemoryWrite extends Bundle({ address: uint(addressWidth), data: uint(width), mask: uint(width / 8) }) {};
export type MemoryWriteType = BundleType<{ address: UIntType<number>; data: UIntType<number>; mask: UIntType<number> }>;
