import { at } from './at.ts';

/** Operations on limbs, values of 1 to 64 bits; the operands are named `a`, `b`, `c` as in `LimbGraph`. */
export const Op = {
  /** `a` and `b`: low and high 32 bits. */
  Const: 0,
  /** The state word of `width` bits at byte address `a`. */
  Load: 1,
  /** Limb `c` of word `a` of memory `b`. */
  Read: 2,
  And: 3,
  Or: 4,
  Xor: 5,
  Add: 6,
  Sub: 7,
  Mul: 8,
  /** Left by the number `b`; no set bit leaves the width. */
  Shl: 9,
  /** Right by the number `b`. */
  Shr: 10,
  /** Left by node `b`, smaller than the bits of the machine type. */
  ShlBy: 11,
  /** Right by node `b`, smaller than `c`, the bits of the machine type. */
  ShrBy: 12,
  /** Right by node `b`, smaller than the bits of the machine type, with copies of bit `width - 1`. */
  SarBy: 13,
  Eq: 14,
  Ne: 15,
  Ltu: 16,
  Geu: 17,
  /** `a ? b : c`. */
  Select: 18,
  /** Exclusive or of all bits. */
  Parity: 19,
  /** As `Load`, of a counter; who computes it has to be computed again in the next cycle. */
  Observe: 20,
} as const;

export type Op = (typeof Op)[keyof typeof Op];

/** Bits `offset` and up of a word are `node`. */
export interface Placed {
  readonly node: number;
  readonly offset: number;
}

/** How many of `a`, `b`, `c` are nodes. */
const NODE_OPERANDS = new Uint8Array([0, 0, 1, 2, 2, 2, 2, 2, 2, 1, 1, 2, 2, 2, 2, 2, 2, 2, 3, 1, 0]);

function ones(width: number): bigint {
  return (1n << BigInt(width)) - 1n;
}

function bitLength(lo: number, hi: number): number {
  if (hi !== 0) return 64 - Math.clz32(hi);
  return lo === 0 ? 1 : 32 - Math.clz32(lo);
}

/**
 * The design as operations on limbs: hash-consed, folded, operands before users. The width of a node is the number of bits that may be
 * set, so a value is never wider than it says, and a zero extension needs no node.
 */
export class LimbGraph {
  private ops: Uint8Array;
  private widths: Uint8Array;
  private as: Int32Array;
  private bs: Int32Array;
  private cs: Int32Array;
  private table: Int32Array;
  private readonly placed = new Map<number, readonly Placed[]>();
  size = 0;

  /** An empty graph with room for `capacity` nodes, a power of two, before it grows. */
  constructor(capacity = 4096) {
    this.ops = new Uint8Array(capacity);
    this.widths = new Uint8Array(capacity);
    this.as = new Int32Array(capacity);
    this.bs = new Int32Array(capacity);
    this.cs = new Int32Array(capacity);
    this.table = new Int32Array(2 * capacity).fill(-1);
  }

  // Plain indexing in what is called most: a function that indexes all kinds of arrays is slow.

  op(node: number): Op {
    return this.ops[node] as Op;
  }

  width(node: number): number {
    return this.widths[node] as number;
  }

  a(node: number): number {
    return this.as[node] as number;
  }

  b(node: number): number {
    return this.bs[node] as number;
  }

  c(node: number): number {
    return this.cs[node] as number;
  }

  /** How many of `a`, `b`, `c`, in this order, are nodes. */
  operandCount(node: number): number {
    return NODE_OPERANDS[this.ops[node] as number] as number;
  }

  operand(node: number, index: number): number {
    return index === 0 ? this.a(node) : index === 1 ? this.b(node) : this.c(node);
  }

  private node(op: Op, width: number, a: number, b = 0, c = 0): number {
    let hash = Math.imul(a ^ 0x5bd1e995, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35) ^ Math.imul(c + 77, 0x27d4eb2f);
    hash = Math.imul(hash ^ (hash >>> 15) ^ (op << 8) ^ width, 0x2c1b3c6d);
    const mask = this.table.length - 1;
    let slot = (hash ^ (hash >>> 13)) & mask;
    for (let found = this.table[slot] as number; found >= 0; found = this.table[slot] as number) {
      if (
        this.ops[found] === op &&
        this.as[found] === a &&
        this.bs[found] === b &&
        this.cs[found] === c &&
        this.widths[found] === width
      )
        return found;
      slot = (slot + 1) & mask;
    }
    if (this.size === this.ops.length) this.grow();
    const id = this.size++;
    this.ops[id] = op;
    this.widths[id] = width;
    this.as[id] = a;
    this.bs[id] = b;
    this.cs[id] = c;
    if (this.size * 2 > this.table.length) this.rehash();
    else this.table[slot] = id;
    return id;
  }

  private grow(): void {
    const larger = <T extends Uint8Array | Int32Array>(old: T, fresh: T): T => {
      fresh.set(old);
      return fresh;
    };
    const length = this.ops.length * 2;
    this.ops = larger(this.ops, new Uint8Array(length));
    this.widths = larger(this.widths, new Uint8Array(length));
    this.as = larger(this.as, new Int32Array(length));
    this.bs = larger(this.bs, new Int32Array(length));
    this.cs = larger(this.cs, new Int32Array(length));
  }

  private rehash(): void {
    const { size } = this;
    const old = { ops: this.ops, widths: this.widths, as: this.as, bs: this.bs, cs: this.cs };
    this.table = new Int32Array(this.table.length * 4).fill(-1);
    this.size = 0;
    for (let id = 0; id < size; id++)
      this.node(at(old.ops, id) as Op, at(old.widths, id), at(old.as, id), at(old.bs, id), at(old.cs, id));
  }

  constant(value: bigint): number {
    const lo = Number(BigInt.asIntN(32, value));
    const hi = Number(BigInt.asIntN(32, value >> 32n));
    return this.node(Op.Const, bitLength(lo, hi), lo, hi);
  }

  /** The value of a constant node, `undefined` for any other. */
  constantValue(node: number): bigint | undefined {
    if (this.op(node) !== Op.Const) return undefined;
    return (BigInt(this.b(node) >>> 0) << 32n) | BigInt(this.a(node) >>> 0);
  }

  isConstant(node: number, value: number): boolean {
    return this.ops[node] === Op.Const && this.as[node] === value && this.bs[node] === 0;
  }

  private isOnes(node: number, width: number): boolean {
    if (this.ops[node] !== Op.Const || this.widths[node] !== width) return false;
    return this.constantValue(node) === ones(width);
  }

  observe(address: number, width: number): number {
    return this.node(Op.Observe, width, address);
  }

  /** Node `node` of another graph, with these operands in place of its own. */
  copy(from: LimbGraph, node: number, operands: readonly number[]): number {
    const { a, b, c } = { a: from.a(node), b: from.b(node), c: from.c(node) };
    return this.node(from.op(node), from.width(node), operands[0] ?? a, operands[1] ?? b, operands[2] ?? c);
  }

  load(address: number, width: number): number {
    return this.node(Op.Load, width, address);
  }

  read(address: number, memory: number, limb: number, width: number): number {
    return this.node(Op.Read, width, address, memory, limb);
  }

  and(left: number, right: number): number {
    if (left === right) return left;
    const [x, y] = this.ordered(left, right);
    const k = this.constantValue(y);
    if (k !== undefined) {
      const known = this.constantValue(x);
      if (known !== undefined) return this.constant(known & k);
      if (k === 0n) return y;
      if (this.isOnes(y, this.width(y)) && this.width(y) >= this.width(x)) return x;
      if (this.op(x) === Op.And) {
        const inner = this.constantValue(this.b(x));
        if (inner !== undefined) return this.and(this.a(x), this.constant(inner & k));
      }
    }
    return this.node(Op.And, Math.min(this.width(x), this.width(y)), x, y);
  }

  or(left: number, right: number): number {
    if (left === right) return left;
    const [x, y] = this.ordered(left, right);
    const k = this.constantValue(y);
    if (k !== undefined) {
      const known = this.constantValue(x);
      if (known !== undefined) return this.constant(known | k);
      if (k === 0n) return x;
      if (this.isOnes(y, this.width(y)) && this.width(y) >= this.width(x)) return y;
    }
    return this.node(Op.Or, Math.max(this.width(x), this.width(y)), x, y);
  }

  xor(left: number, right: number): number {
    if (left === right) return this.constant(0n);
    const [x, y] = this.ordered(left, right);
    const k = this.constantValue(y);
    if (k !== undefined) {
      const known = this.constantValue(x);
      if (known !== undefined) return this.constant(known ^ k);
      if (k === 0n) return x;
      if (this.op(x) === Op.Xor) {
        const inner = this.constantValue(this.b(x));
        if (inner !== undefined) return this.xor(this.a(x), this.constant(inner ^ k));
      }
      if (k === 1n && this.width(x) === 1) {
        const a = this.a(x);
        const b = this.b(x);
        if (this.op(x) === Op.Eq) return this.node(Op.Ne, 1, a, b);
        if (this.op(x) === Op.Ne) return this.node(Op.Eq, 1, a, b);
        if (this.op(x) === Op.Ltu) return this.node(Op.Geu, 1, a, b);
        if (this.op(x) === Op.Geu) return this.node(Op.Ltu, 1, a, b);
      }
    }
    return this.node(Op.Xor, Math.max(this.width(x), this.width(y)), x, y);
  }

  /** All bits of a value of `width` bits inverted. */
  not(value: number, width: number): number {
    return this.xor(value, this.constant(ones(width)));
  }

  /** Constant operands second, otherwise by number, so that equal operations meet. */
  private ordered(left: number, right: number): readonly [number, number] {
    const leftConstant = this.op(left) === Op.Const;
    if (leftConstant !== (this.op(right) === Op.Const)) return leftConstant ? [right, left] : [left, right];
    return left <= right ? [left, right] : [right, left];
  }

  add(width: number, left: number, right: number): number {
    const [x, y] = this.ordered(left, right);
    const k = this.constantValue(y);
    if (k !== undefined) {
      const known = this.constantValue(x);
      if (known !== undefined) return this.constant(BigInt.asUintN(width, known + k));
      if (k === 0n) return x;
    }
    return this.node(Op.Add, Math.min(width, Math.max(this.width(x), this.width(y)) + 1), x, y);
  }

  sub(width: number, x: number, y: number): number {
    if (x === y) return this.constant(0n);
    const k = this.constantValue(y);
    if (k !== undefined) {
      const known = this.constantValue(x);
      if (known !== undefined) return this.constant(BigInt.asUintN(width, known - k));
      if (k === 0n) return x;
    }
    return this.node(Op.Sub, width, x, y);
  }

  mul(width: number, left: number, right: number): number {
    const [x, y] = this.ordered(left, right);
    const k = this.constantValue(y);
    if (k !== undefined) {
      const known = this.constantValue(x);
      if (known !== undefined) return this.constant(BigInt.asUintN(width, known * k));
      if (k === 0n) return y;
      if (k === 1n) return x;
    }
    return this.node(Op.Mul, Math.min(width, this.width(x) + this.width(y)), x, y);
  }

  /** Left by a known number of bits; bits beyond `width` are lost. */
  shl(width: number, x: number, by: number): number {
    if (by === 0) return this.extract(x, 0, width);
    if (by >= width) return this.constant(0n);
    const known = this.constantValue(x);
    if (known !== undefined) return this.constant(BigInt.asUintN(width, known << BigInt(by)));
    const kept = this.extract(x, 0, width - by);
    if (this.op(kept) === Op.Const) return this.shl(width, kept, by);
    return this.node(Op.Shl, this.width(kept) + by, kept, by);
  }

  /** Bits `low` to `low + width - 1`; bits beyond the value are 0. */
  extract(x: number, low: number, width: number): number {
    const has = this.width(x);
    if (low >= has) return this.constant(0n);
    if (low === 0 && has <= width) return x;
    const known = this.constantValue(x);
    if (known !== undefined) return this.constant((known >> BigInt(low)) & ones(width));
    const op = this.op(x);
    const by = this.b(x);
    if (op === Op.Shl) {
      if (low >= by) return this.extract(this.a(x), low - by, width);
      if (low + width <= by) return this.constant(0n);
    } else if (op === Op.Shr) {
      return this.extract(this.a(x), low + by, Math.min(width, has - low));
    } else if (op === Op.And && this.isOnes(by, has)) {
      return this.extract(this.a(x), low, Math.min(width, has - low));
    }
    const placed = this.placed.get(x);
    if (placed !== undefined) {
      const inside = placed.filter(({ node, offset }) => offset < low + width && offset + this.width(node) > low);
      if (inside.length < placed.length)
        return this.assemble(
          inside.map(({ node, offset }) => {
            const from = Math.max(0, low - offset);
            const start = offset + from - low;
            return { node: this.extract(node, from, width - start), offset: start };
          }),
        );
    }
    const shifted = low === 0 ? x : this.node(Op.Shr, has - low, x, low);
    return has - low <= width ? shifted : this.node(Op.And, width, shifted, this.constant(ones(width)));
  }

  /** Puts values side by side; they do not overlap and end below 64 bits. */
  assemble(pieces: readonly Placed[]): number {
    const kept = pieces.filter(({ node }) => !this.isConstant(node, 0));
    let result = -1;
    for (const { node, offset } of kept) {
      const shifted = this.shl(64, node, offset);
      result = result < 0 ? shifted : this.or(result, shifted);
    }
    if (kept.length > 1 && this.op(result) === Op.Or) this.placed.set(result, kept);
    return result < 0 ? this.constant(0n) : result;
  }

  select(condition: number, whenTrue: number, whenFalse: number): number {
    const constant = this.constantValue(condition);
    if (constant !== undefined) return constant === 1n ? whenTrue : whenFalse;
    let x = whenTrue;
    let y = whenFalse;
    if (this.op(x) === Op.Select && this.a(x) === condition) x = this.b(x);
    if (this.op(y) === Op.Select && this.a(y) === condition) y = this.c(y);
    if (x === y) return x;
    if (this.width(x) === 1 && this.width(y) === 1) {
      if (this.isConstant(x, 1)) return this.or(condition, y);
      if (this.isConstant(y, 0)) return this.and(condition, x);
      if (this.isConstant(x, 0)) return this.and(this.not(condition, 1), y);
      if (this.isConstant(y, 1)) return this.or(this.not(condition, 1), x);
    }
    if (this.op(condition) === Op.Xor && this.isConstant(this.b(condition), 1)) return this.select(this.a(condition), y, x);
    return this.node(Op.Select, Math.max(this.width(x), this.width(y)), condition, x, y);
  }

  eq(left: number, right: number): number {
    if (left === right) return this.constant(1n);
    const [x, y] = this.ordered(left, right);
    const k = this.constantValue(y);
    if (k !== undefined) {
      const known = this.constantValue(x);
      if (known !== undefined || this.width(y) > this.width(x)) return this.constant(known === k ? 1n : 0n);
      if (this.width(x) === 1) return k === 1n ? x : this.not(x, 1);
    }
    return this.node(Op.Eq, 1, x, y);
  }

  ltu(x: number, y: number): number {
    if (x === y || this.isConstant(y, 0)) return this.constant(0n);
    const known = this.constantValue(x);
    const bound = this.constantValue(y);
    if (bound !== undefined) {
      if (known !== undefined) return this.constant(known < bound ? 1n : 0n);
      if (this.width(y) > this.width(x)) return this.constant(1n);
    }
    return this.node(Op.Ltu, 1, x, y);
  }

  parity(x: number): number {
    const known = this.constantValue(x);
    if (known !== undefined) return this.constant(BigInt(known.toString(2).replaceAll('0', '').length & 1));
    return this.width(x) === 1 ? x : this.node(Op.Parity, 1, x);
  }

  /** `x` shifted left by a value below 32 (width up to 32) or 64; bits beyond `width` are lost. */
  shlBy(width: number, x: number, amount: number): number {
    const known = this.constantValue(amount);
    return known === undefined ? this.node(Op.ShlBy, width, x, amount) : this.shl(width, x, Number(known));
  }

  /** `x`, a value of `width` bits, shifted right by a value below 32 (width up to 32) or 64. */
  shrBy(width: number, x: number, amount: number): number {
    const known = this.constantValue(amount);
    if (known !== undefined) return this.extract(x, Number(known), width);
    return this.node(Op.ShrBy, this.width(x), x, amount, width <= 32 ? 32 : 64);
  }

  /** As `shrBy` with copies of bit `width - 1` shifted in. */
  sarBy(width: number, x: number, amount: number): number {
    return this.isConstant(amount, 0) ? x : this.node(Op.SarBy, width, x, amount);
  }
}
