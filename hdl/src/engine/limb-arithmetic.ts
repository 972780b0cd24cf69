import { at } from './at.ts';
import type { LimbGraph, Placed } from './limb-graph.ts';

/** A value as limbs of 64 bits, least significant first; the last one has the rest of the width. */
export type Limbs = readonly number[];

export function limbCount(width: number): number {
  return Math.ceil(width / 64);
}

/** Bits of limb `index` of a value of `width` bits. */
export function limbWidth(width: number, index: number): number {
  return Math.min(64, width - 64 * index);
}

function build(width: number, limb: (index: number, width: number) => number): Limbs {
  return Array.from({ length: limbCount(width) }, (_, index) => limb(index, limbWidth(width, index)));
}

export function constant(g: LimbGraph, width: number, value: bigint): Limbs {
  return build(width, (i, w) => g.constant(BigInt.asUintN(w, value >> BigInt(64 * i))));
}

/** Bits `low` to `low + width - 1`. */
export function slice(g: LimbGraph, value: Limbs, low: number, width: number): Limbs {
  return build(width, (i, w) => {
    const from = Math.floor((low + 64 * i) / 64);
    const shift = (low + 64 * i) % 64;
    const first = Math.min(w, 64 - shift);
    const lower = g.extract(at(value, from), shift, first);
    if (first === w) return lower;
    return g.assemble([
      { node: lower, offset: 0 },
      { node: g.extract(at(value, from + 1), 0, w - first), offset: first },
    ]);
  });
}

/** Most significant part first. */
export function concat(g: LimbGraph, parts: readonly { readonly limbs: Limbs; readonly width: number }[]): Limbs {
  const total = parts.reduce((sum, part) => sum + part.width, 0);
  const placed: Placed[][] = Array.from({ length: limbCount(total) }, () => []);
  let position = 0;
  for (const part of parts.toReversed()) {
    part.limbs.forEach((node, i) => {
      const width = limbWidth(part.width, i);
      const start = position + 64 * i;
      const target = Math.floor(start / 64);
      const offset = start % 64;
      const first = Math.min(width, 64 - offset);
      placed[target]?.push({ node: g.extract(node, 0, first), offset });
      if (first < width) placed[target + 1]?.push({ node: g.extract(node, first, width - first), offset: 0 });
    });
    position += part.width;
  }
  return placed.map(pieces => g.assemble(pieces));
}

/** `width` copies of one bit. */
function replicate(g: LimbGraph, bit: number, width: number): Limbs {
  return build(width, (_, w) => (w === 1 ? bit : g.sub(w, g.constant(0n), bit)));
}

function topBit(g: LimbGraph, value: Limbs, width: number): number {
  return at(slice(g, value, width - 1, 1), 0);
}

export function extend(g: LimbGraph, value: Limbs, from: number, width: number, signed: boolean): Limbs {
  if (!signed) return build(width, i => value[i] ?? g.constant(0n));
  const sign = replicate(g, topBit(g, value, from), width - from);
  return concat(g, [
    { limbs: sign, width: width - from },
    { limbs: value, width: from },
  ]);
}

export function select(g: LimbGraph, condition: number, whenTrue: Limbs, whenFalse: Limbs): Limbs {
  return whenTrue.map((limb, i) => g.select(condition, limb, at(whenFalse, i)));
}

export function add(g: LimbGraph, left: Limbs, right: Limbs, width: number): Limbs {
  let carry = g.constant(0n);
  return build(width, (i, w) => {
    const x = at(left, i);
    const sum = g.add(w, x, at(right, i));
    const total = g.add(w, sum, carry);
    carry = g.or(g.ltu(sum, x), g.ltu(total, sum));
    return total;
  });
}

export function sub(g: LimbGraph, left: Limbs, right: Limbs, width: number): Limbs {
  let borrow = g.constant(0n);
  return build(width, (i, w) => {
    const x = at(left, i);
    const y = at(right, i);
    const difference = g.sub(w, x, y);
    const total = g.sub(w, difference, borrow);
    borrow = g.or(g.ltu(x, y), g.ltu(difference, borrow));
    return total;
  });
}

/** Schoolbook multiplication on digits of 32 bits. */
export function mul(g: LimbGraph, left: Limbs, right: Limbs, width: number): Limbs {
  if (width <= 64) return [g.mul(width, at(left, 0), at(right, 0))];
  const count = Math.ceil(width / 32);
  const digit = (value: Limbs, i: number) => g.extract(at(value, i >> 1), (i & 1) * 32, 32);
  const columns: number[][] = Array.from({ length: count + 1 }, () => []);
  for (let i = 0; i < count; i++) {
    for (let j = 0; i + j < count; j++) {
      const product = g.mul(64, digit(left, i), digit(right, j));
      columns[i + j]?.push(g.extract(product, 0, 32));
      columns[i + j + 1]?.push(g.extract(product, 32, 32));
    }
  }
  const digits: number[] = [];
  let carry = g.constant(0n);
  for (let i = 0; i < count; i++) {
    const sum = at(columns, i).reduce((total, term) => g.add(64, total, term), carry);
    digits.push(g.extract(sum, 0, 32));
    carry = g.extract(sum, 32, 32);
  }
  return build(width, (i, w) => {
    const low = { node: at(digits, 2 * i), offset: 0 };
    const high = digits[2 * i + 1];
    return g.extract(g.assemble(high === undefined ? [low] : [low, { node: high, offset: 32 }]), 0, w);
  });
}

export function eq(g: LimbGraph, left: Limbs, right: Limbs): number {
  return left.reduce((equal, limb, i) => g.and(equal, g.eq(limb, at(right, i))), g.constant(1n));
}

/** Whether `left` is less than `right`. */
export function lessThan(g: LimbGraph, left: Limbs, right: Limbs, width: number, signed: boolean): number {
  const top = limbCount(width) - 1;
  const flip = g.constant(signed ? 1n << BigInt(limbWidth(width, top) - 1) : 0n);
  let less = g.constant(0n);
  for (let i = 0; i <= top; i++) {
    const x = i === top ? g.xor(at(left, i), flip) : at(left, i);
    const y = i === top ? g.xor(at(right, i), flip) : at(right, i);
    less = g.or(g.ltu(x, y), g.and(g.eq(x, y), less));
  }
  return less;
}

/** 1 if any bit is set. */
export function any(g: LimbGraph, value: Limbs): number {
  return value.reduce((result, limb) => g.or(result, g.not(g.eq(limb, g.constant(0n)), 1)), g.constant(0n));
}

/** 1 if all `width` bits are set. */
export function all(g: LimbGraph, value: Limbs, width: number): number {
  return eq(g, value, constant(g, width, (1n << BigInt(width)) - 1n));
}

export function parity(g: LimbGraph, value: Limbs): number {
  return g.parity(value.reduce((folded, limb) => g.xor(folded, limb)));
}

/** Whether a shift amount of `width` bits is 2^bits or more. */
function atLeastPower(g: LimbGraph, amount: Limbs, width: number, bits: number): number {
  return width <= bits ? g.constant(0n) : any(g, slice(g, amount, bits, width - bits));
}

export function shl(g: LimbGraph, value: Limbs, width: number, amount: Limbs, amountWidth: number): Limbs {
  const low = at(amount, 0);
  const zero = constant(g, width, 0n);
  if (width <= 64) {
    const bits = width <= 32 ? 5 : 6;
    const shifted = g.shlBy(width, at(value, 0), g.extract(low, 0, bits));
    return select(g, atLeastPower(g, amount, amountWidth, bits), zero, [shifted]);
  }
  const count = value.length;
  let limbs = value;
  let limbBits = 0;
  for (; 1 << limbBits < count; limbBits++) {
    const moved = limbs.map((_, i) => limbs[i - (1 << limbBits)] ?? g.constant(0n));
    limbs = select(g, g.extract(low, 6 + limbBits, 1), moved, limbs);
  }
  const inner = g.extract(low, 0, 6);
  const rest = g.xor(inner, g.constant(63n));
  const shifted = build(width, (i, w) => {
    const own = g.shlBy(w <= 32 ? 64 : w, at(limbs, i), inner);
    const below = limbs[i - 1];
    if (below === undefined) return g.extract(own, 0, w);
    return g.extract(g.or(own, g.shrBy(64, g.shrBy(64, below, g.constant(1n)), rest)), 0, w);
  });
  return select(g, atLeastPower(g, amount, amountWidth, 6 + limbBits), zero, shifted);
}

export function shr(g: LimbGraph, value: Limbs, width: number, amount: Limbs, amountWidth: number, signed: boolean): Limbs {
  const low = at(amount, 0);
  if (width <= 64) {
    const bits = width <= 32 ? 5 : 6;
    const inner = g.extract(low, 0, bits);
    const shifted = signed ? g.sarBy(width, at(value, 0), inner) : g.shrBy(width, at(value, 0), inner);
    const beyond = signed ? replicate(g, topBit(g, value, width), width) : [g.constant(0n)];
    return select(g, atLeastPower(g, amount, amountWidth, bits), beyond, [shifted]);
  }
  const count = value.length;
  const full = 64 * count;
  const fill = signed ? at(replicate(g, topBit(g, value, width), 64), 0) : g.constant(0n);
  let limbs = full === width ? value : extend(g, value, width, full, signed);
  let limbBits = 0;
  for (; 1 << limbBits < count; limbBits++) {
    const moved = limbs.map((_, i) => limbs[i + (1 << limbBits)] ?? fill);
    limbs = select(g, g.extract(low, 6 + limbBits, 1), moved, limbs);
  }
  const inner = g.extract(low, 0, 6);
  const rest = g.xor(inner, g.constant(63n));
  const shifted = limbs.map((limb, i) => {
    const above = limbs[i + 1] ?? fill;
    return g.or(g.shrBy(64, limb, inner), g.shlBy(64, g.shl(64, above, 1), rest));
  });
  const beyond = limbs.map(() => fill);
  const selected = select(g, atLeastPower(g, amount, amountWidth, 6 + limbBits), beyond, shifted);
  return slice(g, selected, 0, width);
}
