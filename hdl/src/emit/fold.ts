import type { Binary, Const, Expr, Mux, Site, Unary } from '../ir/ir.ts';
import { ones } from '../ir/visit.ts';
import { range } from './bounds.ts';

/** A constant node. */
export function constant(width: number, value: bigint, site: Site): Const {
  return { kind: 'const', width, value: value & ones(width), site };
}

/** A constant with zeros, or if `signed` with copies of its top bit, added above. */
export function extended({ value, width: narrow, site }: Const, width: number, signed: boolean): Const {
  const negative = signed && value >> BigInt(narrow - 1) === 1n;
  return constant(width, negative ? value | (ones(width) ^ ones(narrow)) : value, site);
}

function asSigned(value: bigint, width: number): bigint {
  return value >> BigInt(width - 1) === 1n ? value - (1n << BigInt(width)) : value;
}

const isConst = (expr: Expr, value: bigint) => expr.kind === 'const' && expr.value === value;

/** Whether a node has no other user. */
type Lone = (operand: Expr) => boolean;

/** `not` and the reductions with whatever is known at compile time taken out. */
export function foldUnary(expr: Unary, lone: Lone): Expr {
  const { op, value, width, site } = expr;
  if (op === 'not') {
    if (value.kind === 'const') return constant(width, ~value.value, site);
    if (value.kind === 'unary' && value.op === 'not') return value.value;
    if (value.kind === 'mux' && (value.whenTrue.kind === 'const' || value.whenFalse.kind === 'const') && lone(value)) {
      const inverted = (arm: Expr) => foldUnary({ ...expr, value: arm }, lone);
      return { ...value, whenTrue: inverted(value.whenTrue), whenFalse: inverted(value.whenFalse) };
    }
    if (value.kind === 'binary' && (value.op === 'eq' || value.op === 'ne') && lone(value)) {
      return { ...value, op: value.op === 'eq' ? 'ne' : 'eq', site };
    }
    return expr;
  }
  if (value.width === 1) return value;
  if (value.kind !== 'const') return reduceParts(expr);
  const parity = value.value.toString(2).replaceAll('0', '').length % 2 === 1;
  const bit = { reduce_and: value.value === ones(value.width), reduce_or: value.value !== 0n, reduce_xor: parity }[op];
  return constant(1, bit ? 1n : 0n, site);
}

/** A reduction of which constant parts decide the result, or do not matter. */
function reduceParts(expr: Unary): Expr {
  const { op, value, site } = expr;
  if (value.kind === 'extend' && !value.signed) {
    if (op === 'reduce_and') return constant(1, 0n, site);
    return value.value.width === 1 ? value.value : { ...expr, value: value.value };
  }
  if (value.kind !== 'concat') return expr;
  const decides = (part: Expr) =>
    part.kind === 'const' && (op === 'reduce_and' ? part.value !== ones(part.width) : op === 'reduce_or' && part.value !== 0n);
  return value.parts.some(decides) ? constant(1, op === 'reduce_or' ? 1n : 0n, site) : expr;
}

/** A mux with a known condition, equal arms, or arms that make it plain logic. */
export function foldMux(expr: Mux): Expr {
  const { condition, whenTrue, whenFalse, width, site } = expr;
  if (condition.kind === 'const') return condition.value === 1n ? whenTrue : whenFalse;
  if (whenTrue === whenFalse) return whenTrue;
  if (whenTrue.kind === 'const' && whenFalse.kind === 'const' && whenTrue.value === whenFalse.value) return whenTrue;
  if (width !== 1) return expr;
  const and = (left: Expr, right: Expr): Expr => ({ kind: 'binary', op: 'and', signed: false, width: 1, left, right, site });
  const not = (value: Expr): Expr => ({ kind: 'unary', op: 'not', width: 1, value, site });
  if (isConst(whenTrue, 1n) && isConst(whenFalse, 0n)) return condition;
  if (isConst(whenTrue, 0n) && isConst(whenFalse, 1n)) return not(condition);
  if (isConst(whenFalse, 0n)) return and(condition, whenTrue);
  if (isConst(whenTrue, 0n)) return and(not(condition), whenFalse);
  if (isConst(whenTrue, 1n))
    return { kind: 'binary', op: 'or', signed: false, width: 1, left: condition, right: whenFalse, site };
  return expr;
}

/** Two-operand operators on constants, with neutral elements, and comparisons whose result no operand can change. */
export function foldBinary(expr: Binary, lone: Lone = () => true): Expr {
  const { op, left, right, width, site } = expr;
  if (left.kind === 'const' && right.kind === 'const') return constant(width, compute(expr, left.value, right.value), site);
  if (sameSource(left, right)) return foldEqual(expr);
  switch (op) {
    case 'and':
    case 'or':
    case 'xor':
    case 'add':
    case 'mul':
      return right.kind === 'const'
        ? neutral(expr, left, right.value)
        : left.kind === 'const'
          ? neutral(expr, right, left.value)
          : expr;
    case 'sub':
      return isConst(right, 0n) ? left : expr;
    case 'shl':
    case 'shr':
      return shift(expr);
    default:
      return compare(expr, lone);
  }
}

/** An operator on twice the same value. */
function foldEqual(expr: Binary): Expr {
  const { op, left, width, site } = expr;
  switch (op) {
    case 'and':
    case 'or':
      return left;
    case 'xor':
    case 'sub':
    case 'ne':
    case 'lt':
    case 'gt':
      return constant(width, 0n, site);
    case 'eq':
    case 'le':
    case 'ge':
      return constant(1, 1n, site);
    default:
      return expr;
  }
}

function neutral(expr: Binary, other: Expr, value: bigint): Expr {
  const { op, width, site } = expr;
  const all = ones(width);
  if (op === 'mul') return value === 0n ? constant(width, 0n, site) : value === 1n ? other : expr;
  if (op === 'and') return value === 0n ? constant(width, 0n, site) : value === all ? other : expr;
  if (op === 'or' && value === all) return constant(width, all, site);
  return value === 0n ? other : expr;
}

function shift(expr: Binary): Expr {
  const { op, left, right, width, signed, site } = expr;
  if (isConst(left, 0n) || isConst(right, 0n)) return left;
  if (signed && op === 'shr' && width === 1) return left;
  if (right.kind !== 'const' || right.value < BigInt(width)) return expr;
  if (!signed || op === 'shl') return constant(width, 0n, site);
  const last = BigInt(width - 1);
  return { ...expr, right: constant(Math.max(1, last.toString(2).length), last, site) };
}

/** A comparison with a mux, one arm of which decides it. */
function compareArms(expr: Binary, side: 'left' | 'right', lone: Lone): Expr | undefined {
  const operand = expr[side];
  if (operand.kind !== 'mux' || !lone(operand)) return undefined;
  const constantArm = operand.whenTrue.kind === 'const' || operand.whenFalse.kind === 'const';
  const arm = (value: Expr) => decided({ ...expr, [side]: value }) !== undefined;
  if (!constantArm || (!arm(operand.whenTrue) && !arm(operand.whenFalse))) return undefined;
  const compared = (value: Expr) => foldBinary({ ...expr, [side]: value });
  return foldMux({ ...operand, width: 1, whenTrue: compared(operand.whenTrue), whenFalse: compared(operand.whenFalse) });
}

const mirrored = { eq: 'eq', ne: 'ne', lt: 'gt', le: 'ge', gt: 'lt', ge: 'le' } as const;

/** The result of a comparison that the ranges of its operands decide. */
function decided({ op, left, right, signed }: Binary): boolean | undefined {
  const [leastLeft, greatestLeft] = range(left, signed);
  const [leastRight, greatestRight] = range(right, signed);
  const below = greatestLeft < leastRight;
  const above = leastLeft > greatestRight;
  if (op === 'eq' || op === 'ne') return below || above ? op === 'ne' : undefined;
  const notAbove = greatestLeft <= leastRight;
  const notBelow = leastLeft >= greatestRight;
  if (op === 'lt') return below ? true : notBelow ? false : undefined;
  if (op === 'ge') return notBelow ? true : below ? false : undefined;
  if (op === 'gt') return above ? true : notAbove ? false : undefined;
  return notAbove ? true : above ? false : undefined;
}

function compare(expr: Binary, lone: Lone): Expr {
  const { left, right, signed, site } = expr;
  const result = decided(expr);
  if (result !== undefined) return constant(1, result ? 1n : 0n, site);
  for (const side of ['left', 'right'] as const) {
    const chosen = compareArms(expr, side, lone);
    if (chosen) return chosen;
  }
  const known = right.kind === 'const' ? right : left.kind === 'const' ? left : undefined;
  if (known === undefined) return expr;
  const other = known === right ? left : right;
  const op = known === right ? expr.op : mirrored[expr.op as keyof typeof mirrored];
  const width = known.width;
  if (width === 1 && (op === 'eq' || op === 'ne')) {
    return (known.value === 1n) === (op === 'eq') ? other : { kind: 'unary', op: 'not', width: 1, value: other, site };
  }
  const least = signed ? 1n << BigInt(width - 1) : 0n;
  const greatest = signed ? least - 1n : ones(width);
  if ((op === 'lt' && known.value === least) || (op === 'gt' && known.value === greatest)) return constant(1, 0n, site);
  if ((op === 'ge' && known.value === least) || (op === 'le' && known.value === greatest)) return constant(1, 1n, site);
  return expr;
}

function compute(expr: Binary, left: bigint, right: bigint): bigint {
  const { op, signed, width } = expr;
  const [a, b] = signed ? [asSigned(left, expr.left.width), asSigned(right, expr.right.width)] : [left, right];
  const amount = right > BigInt(width) ? BigInt(width) : right;
  switch (op) {
    case 'add':
      return left + right;
    case 'sub':
      return left - right;
    case 'mul':
      return left * right;
    case 'and':
      return left & right;
    case 'or':
      return left | right;
    case 'xor':
      return left ^ right;
    case 'eq':
      return left === right ? 1n : 0n;
    case 'ne':
      return left === right ? 0n : 1n;
    case 'lt':
      return a < b ? 1n : 0n;
    case 'le':
      return a <= b ? 1n : 0n;
    case 'gt':
      return a > b ? 1n : 0n;
    case 'ge':
      return a >= b ? 1n : 0n;
    case 'shl':
      return left << amount;
    case 'shr':
      return a >> amount;
  }
}

/** Whether two nodes are the same value for certain. */
export function sameSource(a: Expr, b: Expr): boolean {
  if (a === b) return true;
  if (a.kind === 'signal' && b.kind === 'signal') return a.signal === b.signal;
  if (a.kind === 'slice' && b.kind === 'slice') return a.low === b.low && a.width === b.width && sameSource(a.value, b.value);
  return a.kind === 'instance' && b.kind === 'instance' && a.instance === b.instance && a.port === b.port;
}
