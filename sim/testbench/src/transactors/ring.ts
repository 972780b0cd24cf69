import { Bundle, type BundleType, bool, clog2, type UIntType, uint } from '@hdl/ts-hdl';

/** How software controls a ring memory of `depth` words: its own pointer, and when it wants to be woken. Pointers have one bit more than an address. */
export const ringControl = (depth: number): RingControlType =>
  class RingControl extends Bundle({
    pointer: uint(clog2(depth) + 1),
    wake_enable: bool,
    wake_level: uint(clog2(depth) + 1),
  }) {};
export type RingControlType = BundleType<{
  pointer: UIntType<number>;
  wake_enable: typeof bool;
  wake_level: UIntType<number>;
}>;

/** What the hardware says of the ring: its own pointer, and whether software wants to know. */
export const ringStatus = (depth: number): RingStatusType =>
  class RingStatus extends Bundle({ pointer: uint(clog2(depth) + 1), attention: bool }) {};
export type RingStatusType = BundleType<{ pointer: UIntType<number>; attention: typeof bool }>;
