import { type Bool, cat, repeat, type UInt } from '@hdl/ts-hdl';

/** Gates of many inputs as trees: what synthesis makes of a chain is as deep as the chain is long, and where the crossbar chooses that decides the clock. */

/** Bits as a word, bit 0 first. */
export const word = (bits: readonly Bool[]): UInt<number> => cat(...bits.toReversed());

/** Whether one of the bits is 1. */
export const some = (bits: readonly Bool[]): Bool => word(bits).any();

/** The one that is 1 and all below it: of a grant, whom a choice in turn passes over next. */
export const upTo = (grant: readonly Bool[]): UInt<number> => word(grant.map((_, i) => some(grant.slice(i))));

/** Whether all bits are 1. */
export const every = (bits: readonly Bool[]): Bool => word(bits).all();

/** The words, or-ed. @throws RangeError where there is none. */
export function either<W extends number>(words: readonly UInt<W>[]): UInt<W> {
  const [first] = words;
  if (first === undefined) throw new RangeError('or of no words');
  if (words.length === 1) return first;
  const half = Math.ceil(words.length / 2);
  return either(words.slice(0, half)).or(either(words.slice(half)));
}

/** The word whose bit of `select` is 1, if exactly one is; 0 if none is. */
export const oneOf = <W extends number>(select: UInt<number>, words: readonly UInt<W>[]): UInt<W> =>
  either(words.map((value, i) => value.and(repeat(select.bit(i), value.width) as unknown as UInt<W>)));
