import type { Binary, Expr, Site, Slice } from '../ir/ir.ts';
import { bounds } from './bounds.ts';
import { constant, foldBinary } from './fold.ts';
import { indexWidth } from './literals.ts';

/** Bits of a value from one that a signal chooses upward: `x[index +: width]`. */
export interface Window {
  /** The first bit, in exactly as many bits as an index of the value has; undefined if it can only be bit `low`. */
  readonly index: Expr | undefined;
  readonly low: number;
  /** 1 if the window lies inside the value; undefined if it always does. If not, it lies beyond as a whole. */
  readonly inside: Expr | undefined;
  /** Whether `index` has room for all values that occur, also for those beyond the value. */
  readonly roomy: boolean;
}

/** Takes bits `low` upward of an expression. */
type Part = (value: Expr, low: number, width: number) => Expr;

/**
 * The window of `width` bits from bit `offset + low` of a value of `whole` bits; undefined if it could lie half inside. `part` takes bits of
 * an index that has more than it needs.
 */
export function windowOf(offset: Expr, low: number, width: number, whole: number, part: Part): Window | undefined {
  const [, greatest] = bounds(offset);
  const step = stepOf(offset);
  const last = (BigInt(whole - 1 - low) / step) * step;
  const leaves = greatest + BigInt(low + width) > BigInt(whole);
  if (leaves && last + BigInt(low + width) > BigInt(whole)) return undefined;
  const inside = leaves ? atMost(offset, last) : undefined;
  if (last === 0n) return { index: undefined, low, inside, roomy: true };
  const bits = indexWidth(whole);
  const roomy = greatest + BigInt(low) < 1n << BigInt(bits);
  return { index: plus(fitted(offset, bits, part), low), low: 0, inside, roomy };
}

/** A number that divides all values of the expression. */
function stepOf(expr: Expr): bigint {
  if (expr.kind === 'const') return expr.value === 0n ? 1n : expr.value & -expr.value;
  if (expr.kind === 'extend' && !expr.signed) return stepOf(expr.value);
  if (expr.kind === 'concat') {
    const low = expr.parts.at(-1);
    return low?.kind === 'const' && low.value === 0n ? 1n << BigInt(low.width) : 1n;
  }
  const product = expr.kind === 'binary' && expr.op === 'mul' ? factors(expr) : undefined;
  return product?.factor ?? 1n;
}

/** A product with a constant that never wraps. */
function factors({ left, right, width }: Binary): { readonly value: Expr; readonly factor: bigint } | undefined {
  const [value, by] = right.kind === 'const' ? [left, right] : [right, left];
  if (by.kind !== 'const' || by.value === 0n || (bounds(value)[1] * by.value) >> BigInt(width) !== 0n) return undefined;
  return { value, factor: by.value };
}

/** Whether a value that exceeds `limit` at times does not; asked of what the value is made from. */
function atMost(expr: Expr, limit: bigint): Expr {
  const { site } = expr;
  if (expr.kind === 'extend' && !expr.signed) return atMost(expr.value, limit);
  if (expr.kind === 'concat') {
    const low = expr.parts.at(-1);
    const [first, ...others] = expr.parts.slice(0, -1);
    if (low?.kind === 'const' && low.value === 0n && first && others.length === 0)
      return atMost(first, limit >> BigInt(low.width));
  }
  const product = expr.kind === 'binary' && expr.op === 'mul' ? factors(expr) : undefined;
  if (product) return atMost(product.value, limit / product.factor);
  const right = constant(expr.width, limit + 1n, site);
  return foldBinary({ kind: 'binary', op: 'lt', signed: false, width: 1, left: expr, right, site });
}

function fitted(expr: Expr, width: number, part: Part): Expr {
  if (expr.width > width) return part(expr, 0, width);
  return expr.width < width ? { kind: 'extend', signed: false, width, value: expr, site: expr.site } : expr;
}

function plus(expr: Expr, low: number): Expr {
  const { width, site } = expr;
  if (low === 0) return expr;
  const right = constant(width, BigInt(low), site);
  return foldBinary({ kind: 'binary', op: 'add', signed: false, width, left: expr, right, site });
}

/** Shifts that stand for a part: their amount is an index that lies inside the value whenever the result matters. */
const selects = new WeakSet<Expr>();

/** `value[index +: width]`, as a shift and a slice. */
export function selection(value: Expr, index: Expr, width: number, site: Site): Slice {
  const shift: Binary = { kind: 'binary', op: 'shr', signed: false, width: value.width, left: value, right: index, site };
  selects.add(shift);
  return { kind: 'slice', value: shift, low: 0, width, site };
}

/** The shift of a `selection`; undefined for any other slice. */
export function selected({ value, low }: Slice): Binary | undefined {
  return value.kind === 'binary' && low === 0 && selects.has(value) ? value : undefined;
}
