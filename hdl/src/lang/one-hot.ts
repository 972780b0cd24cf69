import { type Bits, checkIndex, concat, literal, node, typed } from './bits.ts';
import { quantity } from './errors.ts';
import { sharingSite } from './site.ts';
import type { Bool, UInt } from './values.ts';
import type { Clog2, CountWidth } from './width-arithmetic.ts';
import { clog2 } from './widths.ts';

/** `n` bits of which bit `index` is 1; none is for an index of n or more. `index` has just the bits that count 0 .. n - 1. */
export function toOneHot<N extends number>(index: UInt<Clog2<N>>, n: N): UInt<N> {
  const bits = node(index);
  checkIndex(bits, n, quantity(n, 'bit'));
  return typed(sharingSite(() => literal(n, 1).shl(bits)));
}

/** The number of the 1 in a one-hot word, 0 if there is none. Of several 1 bits the numbers are mixed (an OR): see `isOneHot`, `lowestOne`. */
export function fromOneHot<W extends number>(x: UInt<W>): UInt<Clog2<W>> {
  return typed(sharingSite(() => position(node(x))));
}

function position(oneHot: Bits): Bits {
  const { width } = oneHot;
  const digits = Array.from({ length: clog2(width) }, (_, digit) => {
    const places = Array.from({ length: width }, (_, i) => i).filter(i => (i >> digit) % 2 === 1);
    return places.length === 0 ? literal(1, 0) : concat(places.toReversed().map(i => oneHot.part(i, 1))).any();
  });
  return concat(digits.toReversed());
}

/** 1 if exactly one bit is 1. */
export function isOneHot(x: UInt<number>): Bool {
  const bits = node(x);
  return typed(sharingSite(() => bits.any().and(atMostOne(bits))));
}

/** 1 if one bit or none is 1. */
export function isOneHotOrZero(x: UInt<number>): Bool {
  return typed(sharingSite(() => atMostOne(node(x))));
}

function atMostOne(bits: Bits): Bits {
  return bits.and(bits.sub(1)).any().not();
}

/** The lowest 1 alone, as a one-hot word; 0 for 0. A fixed-priority arbiter. */
export function lowestBit<W extends number>(x: UInt<W>): UInt<W> {
  return typed(sharingSite(() => isolated(node(x))));
}

function isolated(bits: Bits): Bits {
  return bits.and(bits.neg());
}

/** Number of the lowest 1; 0 for 0. */
export function lowestOne<W extends number>(x: UInt<W>): UInt<Clog2<W>> {
  return typed(sharingSite(() => position(isolated(node(x)))));
}

/** Number of the highest 1; 0 for 0. */
export function highestOne<W extends number>(x: UInt<W>): UInt<Clog2<W>> {
  return typed(sharingSite(() => position(reversed(isolated(reversed(node(x)))))));
}

/** Bit 0 becomes the most significant one, and so on. */
export function reverse<W extends number>(x: UInt<W>): UInt<W> {
  return typed(sharingSite(() => reversed(node(x))));
}

function reversed(bits: Bits): Bits {
  return concat(bits.words(1));
}

/** How many bits are 1. */
export function popCount<W extends number>(x: UInt<W>): UInt<CountWidth<W>> {
  return typed(sharingSite(() => counted(node(x))));
}

/** A tree of adders, each as wide as its sum. */
function counted(bits: Bits): Bits {
  const { width } = bits;
  if (width === 1) return bits;
  const half = Math.floor(width / 2);
  const sumWidth = clog2(width + 1);
  return counted(bits.part(half, width - half))
    .zext(sumWidth)
    .add(counted(bits.part(0, half)).zext(sumWidth));
}

/** How many bits below the lowest 1 are 0; all of them for 0. */
export function trailingZeros<W extends number>(x: UInt<W>): UInt<CountWidth<W>> {
  return typed(sharingSite(() => zerosBelow(node(x))));
}

/** How many bits above the highest 1 are 0; all of them for 0. */
export function leadingZeros<W extends number>(x: UInt<W>): UInt<CountWidth<W>> {
  return typed(sharingSite(() => zerosBelow(reversed(node(x)))));
}

function zerosBelow(bits: Bits): Bits {
  return counted(bits.not().and(bits.sub(1)));
}

/** Binary to Gray code: successive numbers differ in one bit. */
export function toGray<W extends number>(x: UInt<W>): UInt<W> {
  const bits = node(x);
  return typed(sharingSite(() => bits.xor(bits.shr(1))));
}

/** Gray code to binary. */
export function fromGray<W extends number>(x: UInt<W>): UInt<W> {
  return typed(
    sharingSite(() => {
      let bits = node(x);
      for (let by = 1; by < bits.width; by *= 2) bits = bits.xor(bits.shr(by));
      return bits;
    }),
  );
}
