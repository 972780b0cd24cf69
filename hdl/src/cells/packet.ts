import { Bundle, bool, uint } from '../lang/shapes.ts';
import type { Bool, BundleType, Fields, UIntType } from '../lang/values.ts';

/** A bundle that marks the last word of a packet. */
export type PacketType<F extends Fields> = BundleType<F & { readonly last: typeof bool }>;

/** The mark of a word whose type is only known to have one. */
export const lastOf = (word: unknown): Bool => (word as { readonly last: Bool }).last;

/** A word of a packet of bytes, or of other lanes. */
export type PacketWordType<W extends number, K extends number> = BundleType<{
  readonly data: UIntType<W>;
  /** The lanes that count, from bit 0: all of them but in the last word of a packet, where the upper ones may be missing. */
  readonly keep: UIntType<K>;
  readonly last: UIntType<1>;
}>;

/** The type of a packet's words with `width` bits of data in `lanes` lanes. */
export function packetWord<W extends number, K extends number>(width: W, lanes: K): PacketWordType<W, K> {
  return Bundle({ data: uint(width), keep: uint(lanes), last: bool });
}
