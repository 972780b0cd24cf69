import { Bundle, type BundleType, bool, type UIntType, uint } from '@hdl/ts-hdl';
import { TlpHeader } from '../tlp/tlp.ts';

/** What the blocks of an endpoint say to each other. Every stream is valid/ready; every block registers what it sends. */

/** Where a request goes inside an endpoint. */
export const Claim = { config: 0, bar0: 1, bar2: 2, none: 3 } as const;

/** A non-posted request on its way to the completer: header, the one DW that a configuration write carries, and who claims it. */
export class Request extends Bundle({ header: TlpHeader, claim: uint(2), data: uint(32) }) {}

/** A word to be written to the BAR memory: `address` counts words of the data width, `mask` has a bit per byte. */
export const memoryWrite = (width: number, addressWidth: number): MemoryWriteType =>
  class MemoryWrite extends Bundle({ address: uint(addressWidth), data: uint(width), mask: uint(width / 8) }) {};
export type MemoryWriteType = BundleType<{ address: UIntType<number>; data: UIntType<number>; mask: UIntType<number> }>;

/** A 32-bit register access of BAR0: `address` is a byte address with bits 1:0 = 0. */
export class RegisterWrite extends Bundle({ address: uint(14), data: uint(32), mask: uint(4) }) {}

/** An access of the device's own processor. Reads are answered on the response stream, in order; writes are not answered. */
export class FirmwareRequest extends Bundle({ write: bool, address: uint(16), data: uint(32) }) {}
