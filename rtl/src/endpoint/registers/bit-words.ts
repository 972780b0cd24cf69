import { clog2, type UInt, u } from '@hdl/ts-hdl';

/** A bit for each of many things, kept in words of a memory: where bits are. */
export interface BitWords {
  /** Bits of a word: 32, or fewer if there are fewer things. */
  readonly width: number;
  readonly words: number;
  /** Word and place in it of the bit of a thing; the place as a one-hot word. */
  word(thing: UInt<number>): UInt<number>;
  place(thing: UInt<number>): UInt<number>;
}

/** `count` bits, rounded up to a power of two. */
export function bitWords(count: number): BitWords {
  const bits = clog2(count);
  const width = 2 ** Math.min(5, bits);
  const words = 2 ** bits / width;
  return {
    width,
    words,
    word: thing => (words > 1 ? thing.part(5, bits - 5) : u(1, 0)),
    place: thing => u(width, 1).shl(words > 1 ? thing.trunc(5) : thing),
  };
}
