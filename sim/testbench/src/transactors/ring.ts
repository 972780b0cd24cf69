import { Bundle, type BundleType, bool, clog2, HdlError, type UIntType, uint } from '@hdl/ts-hdl';

/** Bits of a pointer into a ring of `depth` words. @throws HdlError unless `depth` is a power of two, because pointers wrap by themselves. */
export function pointerWidth(depth: number): number {
  if (depth < 2 || !Number.isInteger(Math.log2(depth)))
    throw new HdlError(`a ring has a power of two of at least 2 words, not ${depth}`);
  return clog2(depth) + 1;
}

/** How software controls a ring memory of `depth` words: its own pointer, and when it wants to be woken. Pointers have one bit more than an address. */
export const ringControl = (depth: number): RingControlType =>
  class RingControl extends Bundle({
    pointer: uint(pointerWidth(depth)),
    wake_enable: bool,
    wake_level: uint(pointerWidth(depth)),
  }) {};
export type RingControlType = BundleType<{
  pointer: UIntType<number>;
  wake_enable: typeof bool;
  wake_level: UIntType<number>;
}>;

/** What the hardware says of the ring: its own pointer, and whether software wants to know. */
export const ringStatus = (depth: number): RingStatusType =>
  class RingStatus extends Bundle({ pointer: uint(pointerWidth(depth)), attention: bool }) {};
export type RingStatusType = BundleType<{ pointer: UIntType<number>; attention: typeof bool }>;
