import type { Expr } from '../ir/ir.ts';
import { ones } from '../ir/visit.ts';

/** What the bits of a value can be: a 1 in `zero` where a bit can be 0, in `one` where it can be 1; in neither where nothing is known to arrive at all. */
export interface Possible {
  readonly zero: bigint;
  readonly one: bigint;
}

export const anything = (width: number): Possible => ({ zero: ones(width), one: ones(width) });
export const nothing: Possible = { zero: 0n, one: 0n };
export const exactly = (width: number, value: bigint): Possible => ({ zero: ones(width) & ~value, one: value });
export const either = (a: Possible, b: Possible): Possible => ({ zero: a.zero | b.zero, one: a.one | b.one });
export const same = (a: Possible, b: Possible): boolean => a.zero === b.zero && a.one === b.one;

/** Nothing is known to arrive at some of its bits: what is computed of it is not known either, yet. */
const isOpen = ({ zero, one }: Possible, width: number): boolean => (zero | one) !== ones(width);
/** The value, if there is only one. */
const valueIn = ({ zero, one }: Possible): bigint | undefined => ((zero & one) === 0n ? one : undefined);
const bitLength = (value: bigint): number => (value === 0n ? 0 : value.toString(2).length);
/** Anything up to a value. */
const upTo = (width: number, most: bigint): Possible =>
  most > ones(width) ? anything(width) : { zero: ones(width), one: ones(bitLength(most)) & ones(width) };

/** What a node can be, by what its operands can be; those that it reads of signals, instances and memories are asked for. */
export function possible(
  expr: Expr,
  of: (operand: Expr) => Possible,
  read: (source: Expr & { readonly kind: 'signal' | 'instance' | 'memory-read' }) => Possible,
): Possible {
  const { width } = expr;
  switch (expr.kind) {
    case 'const':
      return exactly(width, expr.value);
    case 'signal':
    case 'instance':
    case 'memory-read':
      return read(expr);
    case 'unary':
      return unary(expr, of(expr.value));
    case 'binary':
      return binary(expr, of(expr.left), of(expr.right));
    case 'mux': {
      const condition = of(expr.condition);
      const whenTrue = condition.one === 0n ? nothing : of(expr.whenTrue);
      return condition.zero === 0n ? whenTrue : either(whenTrue, of(expr.whenFalse));
    }
    case 'concat': {
      let zero = 0n;
      let one = 0n;
      for (const part of expr.parts) {
        const bits = of(part);
        zero = (zero << BigInt(part.width)) | bits.zero;
        one = (one << BigInt(part.width)) | bits.one;
      }
      return { zero, one };
    }
    case 'slice': {
      const { zero, one } = of(expr.value);
      const part = (bits: bigint) => (bits >> BigInt(expr.low)) & ones(width);
      return { zero: part(zero), one: part(one) };
    }
    case 'extend': {
      const { zero, one } = of(expr.value);
      const low = expr.value.width;
      const above = ones(width) & ~ones(low);
      if (!expr.signed) return { zero: zero | above, one };
      const top = (bits: bigint) => ((bits >> BigInt(low - 1)) & 1n ? above : 0n);
      return { zero: zero | top(zero), one: one | top(one) };
    }
  }
}

function unary(expr: Expr & { readonly kind: 'unary' }, { zero, one }: Possible): Possible {
  if (expr.op === 'not') return { zero: one, one: zero };
  const { width } = expr.value;
  if (isOpen({ zero, one }, width)) return nothing;
  const bit = (can: boolean) => (can ? 1n : 0n);
  if (expr.op === 'reduce_and') return { zero: bit(zero !== 0n), one: bit(one === ones(width)) };
  if (expr.op === 'reduce_or') return { zero: bit(zero === ones(width)), one: bit(one !== 0n) };
  const value = valueIn({ zero, one });
  return value === undefined ? anything(1) : exactly(1, BigInt(value.toString(2).replaceAll('0', '').length % 2));
}

function binary(expr: Expr & { readonly kind: 'binary' }, a: Possible, b: Possible): Possible {
  const { width, op } = expr;
  const reaches = (x: Possible) => x.zero | x.one;
  switch (op) {
    case 'and':
      return { zero: (a.zero & reaches(b)) | (b.zero & reaches(a)), one: a.one & b.one };
    case 'or':
      return { zero: a.zero & b.zero, one: (a.one & reaches(b)) | (b.one & reaches(a)) };
    case 'xor':
      return { zero: (a.zero & b.zero) | (a.one & b.one), one: (a.zero & b.one) | (a.one & b.zero) };
  }
  if (isOpen(a, expr.left.width) || isOpen(b, expr.right.width)) return nothing;
  const [x, y] = [valueIn(a), valueIn(b)];
  switch (op) {
    case 'add':
      return x !== undefined && y !== undefined ? exactly(width, (x + y) & ones(width)) : upTo(width, a.one + b.one);
    case 'mul':
      return x !== undefined && y !== undefined ? exactly(width, (x * y) & ones(width)) : upTo(width, a.one * b.one);
    case 'sub':
      return x !== undefined && y !== undefined ? exactly(width, (x - y) & ones(width)) : y === 0n ? a : anything(width);
    case 'shl':
      if (y !== undefined) return y >= BigInt(width) ? exactly(width, 0n) : shiftedUp(a, y, width);
      return a.one === 0n ? exactly(width, 0n) : anything(width);
    case 'shr':
      if (expr.signed) return anything(width);
      if (y !== undefined) return { zero: (a.zero >> y) | (ones(width) & ~(ones(width) >> y)), one: a.one >> y };
      return upTo(width, a.one);
    default:
      return compared(expr, a, b);
  }
}

function shiftedUp({ zero, one }: Possible, by: bigint, width: number): Possible {
  return { zero: ((zero << by) | ones(Number(by))) & ones(width), one: (one << by) & ones(width) };
}

const always = (is: boolean): Possible => exactly(1, is ? 1n : 0n);

function compared({ op, signed }: Expr & { readonly kind: 'binary' }, a: Possible, b: Possible): Possible {
  const differ = ((a.zero & ~a.one & b.one & ~b.zero) | (a.one & ~a.zero & b.zero & ~b.one)) !== 0n;
  const [x, y] = [valueIn(a), valueIn(b)];
  const equal = x !== undefined && x === y;
  if (op === 'eq' || op === 'ne') return differ ? always(op === 'ne') : equal ? always(op === 'eq') : anything(1);
  if (signed) return anything(1);
  // The least and the largest value of each side.
  const least = ({ zero, one }: Possible) => one & ~zero;
  const below = (p: Possible, q: Possible) => p.one < least(q);
  const notAbove = (p: Possible, q: Possible) => p.one <= least(q);
  switch (op) {
    case 'lt':
      return below(a, b) ? always(true) : notAbove(b, a) ? always(false) : anything(1);
    case 'ge':
      return below(a, b) ? always(false) : notAbove(b, a) ? always(true) : anything(1);
    case 'gt':
      return below(b, a) ? always(true) : notAbove(a, b) ? always(false) : anything(1);
    default:
      return below(b, a) ? always(false) : notAbove(a, b) ? always(true) : anything(1);
  }
}
