import type { ArithmeticOp, CompareOp, ShiftOp, Unary } from '../ir/ir.ts';
import { HdlError } from './errors.ts';
import { CallSite } from './site.ts';
import { currentBlock } from './statements.ts';
import type { Enum, UInt } from './values.ts';

/** How a signal came to be; decides who may drive it. */
export type Role = 'input' | 'output' | 'wire' | 'register';

/** The module that a signal belongs to, as far as this file must know it. */
export interface Owner {
  readonly label: string;
}

/** What a node computes. Operands are nodes too; widths were checked when it was made. */
export type Operation =
  | { readonly kind: 'const'; readonly value: bigint }
  | { readonly kind: 'signal'; readonly role: Role; readonly init: bigint | undefined }
  | { readonly kind: 'unary'; readonly op: Unary['op']; readonly value: Bits }
  | { readonly kind: 'binary'; readonly op: ArithmeticOp | CompareOp | ShiftOp; readonly left: Bits; readonly right: Bits }
  | { readonly kind: 'mux'; readonly condition: Bits; readonly whenTrue: Bits; readonly whenFalse: Bits }
  | { readonly kind: 'concat'; readonly parts: readonly Bits[] }
  | { readonly kind: 'slice'; readonly value: Bits; readonly low: number }
  | { readonly kind: 'extend'; readonly value: Bits }
  | { readonly kind: 'memory-read'; readonly memory: object; readonly address: Bits };

const ones = (width: number) => (1n << BigInt(width)) - 1n;

/**
 * The one class behind every hardware value: `UInt`, `Bool` and `Enum` are typed views of it. A node is immutable but for the name and owner
 * that elaboration gives to signals.
 */
export class Bits {
  readonly site: CallSite;
  readonly width: number;
  readonly operation: Operation;
  /** State names of an enumeration, else undefined. */
  readonly names: readonly string[] | undefined;
  /** Set once, when the field that holds this signal is found. */
  name: string | undefined;
  owner: Owner | undefined;

  /** `site` where several nodes are made for one place in the source: a bundle's leaves. */
  constructor(width: number, operation: Operation, names?: readonly string[], site = new CallSite()) {
    this.site = site;
    this.width = width;
    this.operation = operation;
    this.names = names;
  }

  /** `value` as a node of this node's width. */
  operand(value: unknown): Bits {
    if (value instanceof Bits) {
      if (value.width !== this.width) {
        throw new HdlError(`width mismatch: ${describe(this)} has ${this.width} bits, ${describe(value)} has ${value.width}`);
      }
      return value;
    }
    if (typeof value === 'string' && this.names) {
      const index = this.names.indexOf(value);
      if (index < 0) throw new HdlError(`'${value}' is not one of ${this.names.join(', ')}`);
      return new Bits(this.width, { kind: 'const', value: BigInt(index) }, this.names);
    }
    return literal(this.width, value);
  }

  private binary(op: ArithmeticOp | CompareOp, b: unknown, width: number): Bits {
    return new Bits(width, { kind: 'binary', op, left: this, right: this.operand(b) });
  }
  private unary(op: Unary['op'], width: number): Bits {
    return new Bits(width, { kind: 'unary', op, value: this });
  }
  private shift(op: ShiftOp, n: unknown): Bits {
    if (n instanceof Bits) return new Bits(this.width, { kind: 'binary', op, left: this, right: n });
    const by = Number(n);
    if (!Number.isInteger(by) || by < 0) throw new HdlError(`a shift takes a whole number of at least 0, not ${n}`);
    if (by === 0) return this;
    if (by >= this.width) return literal(this.width, 0);
    const kept = this.width - by;
    return op === 'shl' ? concat([this.part(0, kept), literal(by, 0)]) : this.part(by, kept).zext(this.width);
  }

  add(b: unknown): Bits {
    return this.binary('add', b, this.width);
  }
  sub(b: unknown): Bits {
    return this.binary('sub', b, this.width);
  }
  addx(b: unknown): Bits {
    return this.zext(this.width + 1).add(this.operand(b).zext(this.width + 1));
  }
  mul(b: Bits): Bits {
    const width = this.width + b.width;
    return this.zext(width).binary('mul', b.zext(width), width);
  }
  and(b: unknown): Bits {
    return this.binary('and', b, this.width);
  }
  or(b: unknown): Bits {
    return this.binary('or', b, this.width);
  }
  xor(b: unknown): Bits {
    return this.binary('xor', b, this.width);
  }
  not(): Bits {
    return this.unary('not', this.width);
  }
  eq(b: unknown): Bits {
    return this.binary('eq', b, 1);
  }
  ne(b: unknown): Bits {
    return this.binary('ne', b, 1);
  }
  lt(b: unknown): Bits {
    return this.binary('lt', b, 1);
  }
  le(b: unknown): Bits {
    return this.binary('le', b, 1);
  }
  gt(b: unknown): Bits {
    return this.binary('gt', b, 1);
  }
  ge(b: unknown): Bits {
    return this.binary('ge', b, 1);
  }
  shl(n: unknown): Bits {
    return this.shift('shl', n);
  }
  shr(n: unknown): Bits {
    return this.shift('shr', n);
  }
  cat(low: Bits): Bits {
    return concat([this, low]);
  }
  bits(high: number, low: number): Bits {
    return this.part(low, high - low + 1);
  }
  part(low: number, n: number): Bits {
    if (!Number.isInteger(low) || !Number.isInteger(n) || low < 0 || n < 1 || low + n > this.width) {
      throw new HdlError(`bits ${low + n - 1} down to ${low} are not all inside ${describe(this)}, which has ${this.width} bits`);
    }
    return low === 0 && n === this.width && !this.names ? this : new Bits(n, { kind: 'slice', value: this, low });
  }
  bit(i: unknown): Bits {
    return i instanceof Bits ? this.shift('shr', i).part(0, 1) : this.part(Number(i), 1);
  }
  zext(width: number): Bits {
    if (width < this.width) {
      throw new HdlError(`zext from ${this.width} to ${width} bits would lose bits: use trunc(${width}) where that is meant`);
    }
    return width === this.width ? this : new Bits(width, { kind: 'extend', value: this });
  }
  trunc(width: number): Bits {
    return this.part(0, width);
  }
  as(width: number): Bits {
    if (width !== this.width) throw new HdlError(`stated as ${width} bits, but ${describe(this)} has ${this.width}`);
    return this;
  }
  any(): Bits {
    return this.width === 1 ? this : this.unary('reduce_or', 1);
  }
  all(): Bits {
    return this.width === 1 ? this : this.unary('reduce_and', 1);
  }
  parity(): Bits {
    return this.width === 1 ? this : this.unary('reduce_xor', 1);
  }
  is(name: string): Bits {
    return this.eq(name);
  }
  encoded(): Bits {
    return new Bits(this.width, { kind: 'slice', value: this, low: 0 });
  }

  set(value: unknown): void {
    if (this.operation.kind !== 'signal')
      throw new HdlError(`${describe(this)} is the result of an operation: only wires, registers and ports can be set`);
    currentBlock().push({ kind: 'set', target: this, value: this.operand(value), site: new CallSite() });
  }
}

/** The node behind a typed value. */
export function node(value: UInt<number> | Enum<string>): Bits {
  if (value instanceof Bits) return value;
  throw new HdlError('this is not a hardware value');
}

/** A typed view of a node. The one place where the implementation meets the types. */
export function typed<X>(bits: Bits): X {
  return bits as unknown as X;
}

/** A constant. @throws HdlError if it does not fit. */
export function literal(width: number, value: unknown): Bits {
  const whole =
    typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value)) || typeof value === 'boolean';
  if (!whole) throw new HdlError(`${String(value)} is not a value of ${width} bits: a signal or a whole number is wanted`);
  const v = BigInt(value as bigint | number | boolean);
  if (v > ones(width) || v < -(1n << BigInt(width - 1))) throw new HdlError(`${v} does not fit in ${width} bits`);
  return new Bits(width, { kind: 'const', value: v & ones(width) });
}

/** Most significant part first. */
export function concat(parts: readonly Bits[]): Bits {
  const [only] = parts;
  if (!only) throw new HdlError('nothing to concatenate');
  if (parts.length === 1) return only;
  const width = parts.reduce((sum, part) => sum + part.width, 0);
  return new Bits(width, { kind: 'concat', parts });
}

/** What to call a value in a message: its name, or its operation. */
export function describe(bits: Bits): string {
  if (bits.operation.kind === 'signal') return bits.name ? `'${bits.name}'` : `this ${bits.operation.role}`;
  if (bits.operation.kind === 'const') return `${bits.operation.value}`;
  return `this ${bits.operation.kind === 'binary' || bits.operation.kind === 'unary' ? bits.operation.op : bits.operation.kind}`;
}
