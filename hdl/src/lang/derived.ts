import { type Bits, compute, concat, literal } from './bits.ts';
import { HdlError } from './errors.ts';
import { ones } from './fold.ts';

/** `condition ? whenTrue : whenFalse` of two nodes of one width and meaning. */
export function choose(condition: Bits, whenTrue: Bits, whenFalse: Bits): Bits {
  return compute(whenTrue.width, { kind: 'mux', condition, whenTrue, whenFalse }, whenTrue.meaning);
}

/** The smaller, or with `larger` the larger one. */
export function extreme(a: Bits, value: unknown, larger: boolean): Bits {
  const b = a.operand(value);
  return choose(larger ? a.lt(b) : b.lt(a), b, a);
}

/** Sum that stops at the ends of the range. */
export function saturatingSum(a: Bits, b: unknown): Bits {
  const sum = a.addx(b);
  return a.signed ? clamped(sum, a.width) : choose(sum.part(a.width, 1), literal(a.width, ones(a.width)), sum.trunc(a.width));
}

/** Difference that stops at the ends of the range. */
export function saturatingDifference(a: Bits, b: unknown): Bits {
  const difference = a.subx(b);
  if (a.signed) return clamped(difference, a.width);
  return choose(difference.part(a.width, 1), literal(a.width, 0), difference.trunc(a.width));
}

/** A signed value of `width` + 1 bits in `width` bits: it does not fit if its two top bits differ. */
function clamped(value: Bits, width: number): Bits {
  const sign = value.part(width, 1);
  const limit = choose(sign, literal(width, -(2n ** BigInt(width - 1)), 'signed'), literal(width, ones(width - 1), 'signed'));
  return choose(sign.ne(value.part(width - 1, 1)), limit, value.trunc(width));
}

/** Whether low <= a <= high. A bound that every value keeps costs nothing. */
export function inRange(a: Bits, low: unknown, high: unknown): Bits {
  const [from, to] = [a.operand(low), a.operand(high)];
  const least = a.signed ? 1n << BigInt(a.width - 1) : 0n;
  const above = from.known === least ? undefined : a.ge(from);
  const below = to.known === (ones(a.width) ^ least) ? undefined : a.le(to);
  if (!above || !below) return above ?? below ?? literal(1, 1);
  return above.and(below);
}

/** Rotation towards the top by n modulo the width; by a signal in one step for each of its bits. */
export function rotated(a: Bits, n: unknown, left: boolean): Bits {
  const { width } = a;
  const by = (count: number) => {
    const up = (((left ? count : -count) % width) + width) % width;
    return up === 0 ? a : concat([a.part(0, width - up), a.part(width - up, up)]);
  };
  if (typeof n === 'object' && n !== null) {
    const amount = n as Bits;
    if (amount.signed) throw new HdlError('a rotation takes an unsigned amount', { help: 'use asUInt()' });
    let result = a;
    // 2^i modulo the width: rotations add up modulo the width whatever the number of bits.
    for (let i = 0, step = 1 % width; i < amount.width; i++, step = (step * 2) % width) {
      if (step !== 0) result = choose(amount.part(i, 1), rotated(result, step, left), result);
    }
    return result;
  }
  const count = Number(n);
  if (!Number.isInteger(count) || count < 0)
    throw new HdlError(`a rotation takes a whole number of at least 0, not ${n}`, {
      help: 'rotate by a constant of at least 0, or by an unsigned signal',
    });
  return by(count);
}

/** Magnitude as an unsigned number of the same width. */
export function magnitude(a: Bits): Bits {
  const bits = a.raw();
  return choose(a.part(a.width - 1, 1), literal(a.width, 0).sub(bits), bits);
}
