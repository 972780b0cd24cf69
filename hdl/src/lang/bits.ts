import type { ArithmeticOp, CompareOp, ShiftOp, Unary } from '../ir/ir.ts';
import { extreme, inRange, magnitude, rotated, saturatingDifference, saturatingSum } from './derived.ts';
import { noteMade } from './discarded.ts';
import type { DomainChoice } from './domain.ts';
import { Encoding } from './encoding.ts';
import { HdlError, quantity } from './errors.ts';
import { folded, ones } from './fold.ts';
import { type CallSite, callSite, sharingSite } from './site.ts';
import { type Place, scaled, store } from './store.ts';
import type { Enum, SInt, UInt } from './values.ts';

/** How a signal came to be; decides who may drive it. */
export type Role = 'input' | 'output' | 'wire' | 'register' | 'parameter';

/** The module that a signal belongs to, as far as this file must know it. */
export interface Owner {
  readonly label: string;
}

/** What a node computes. Operands are nodes too; widths were checked when it was made. */
export type Operation =
  | { readonly kind: 'const'; readonly value: bigint }
  | {
      readonly kind: 'signal';
      readonly role: Role;
      readonly init: bigint | undefined;
      /** Undefined: that of the module; `asynchronous`: none. */
      readonly domain: DomainChoice | 'asynchronous' | undefined;
      readonly crossing: boolean | 'stable';
    }
  | { readonly kind: 'unary'; readonly op: Unary['op']; readonly value: Bits }
  | {
      readonly kind: 'binary';
      readonly op: ArithmeticOp | CompareOp | ShiftOp;
      readonly signed: boolean;
      readonly left: Bits;
      readonly right: Bits;
    }
  | { readonly kind: 'mux'; readonly condition: Bits; readonly whenTrue: Bits; readonly whenFalse: Bits }
  | { readonly kind: 'concat'; readonly parts: readonly Bits[] }
  | { readonly kind: 'slice'; readonly value: Bits; readonly low: number }
  | { readonly kind: 'extend'; readonly signed: boolean; readonly value: Bits }
  | { readonly kind: 'memory-read'; readonly memory: object; readonly address: Bits };

/** Signals that one call made of one type, leaf by leaf. */
export interface SignalGroup {
  readonly type: object;
  readonly role: Role;
  /** Of each leaf, as far as there are any. */
  readonly init: readonly bigint[];
  readonly domain: DomainChoice | 'asynchronous' | undefined;
  readonly crossing: boolean | 'stable';
  readonly leaves: readonly Bits[];
}

/** What a pattern of bits stands for: a two's complement number, a state, or (undefined) an unsigned number. */
export type Meaning = 'signed' | Encoding | undefined;

/**
 * The one class behind every hardware value: `UInt`, `SInt`, `Bool` and `Enum` are typed views of it. A node is immutable but for the name and
 * owner that elaboration gives to signals.
 */
export class Bits {
  readonly site: CallSite;
  readonly width: number;
  readonly meaning: Meaning;
  /** For a part that a signal chooses: what `set` drives. Reading makes nodes only where somebody reads. */
  readonly place: Place | undefined;
  private computed: Operation | (() => Operation);
  /** Set once, when the field that holds this signal is found. */
  name: string | undefined;
  owner: Owner | undefined;
  /** Of a signal: those that were made with it. */
  group: SignalGroup | undefined;

  /** `site` where several nodes are made for one place in the source: a bundle's leaves. */
  constructor(width: number, operation: Operation | (() => Operation), meaning?: Meaning, site = callSite(), place?: Place) {
    this.site = site;
    this.width = width;
    this.meaning = meaning;
    this.place = place;
    this.computed = operation;
    if (typeof operation !== 'function') noteMade(this, operation.kind);
  }

  get operation(): Operation {
    if (typeof this.computed === 'function') this.computed = sharingSite(this.computed, this.site);
    return this.computed;
  }

  /** The bit pattern of a constant. */
  get known(): bigint | undefined {
    const { computed } = this;
    return typeof computed !== 'function' && computed.kind === 'const' ? computed.value : undefined;
  }

  /** State names by code of an enumeration, else undefined. */
  get names(): readonly string[] | undefined {
    return this.meaning instanceof Encoding ? this.meaning.byCode : undefined;
  }

  get signed(): boolean {
    return this.meaning === 'signed';
  }

  /** `value` as a node of this node's width and meaning. */
  operand(value: unknown, site?: CallSite): Bits {
    const { meaning, width } = this;
    if (value instanceof Bits) {
      if (value.width !== width) {
        throw new HdlError(
          `width mismatch: ${describe(this)} has ${quantity(width, 'bit')}, ${describe(value)} has ${value.width}`,
          {
            help: 'a width never changes by itself: use zext(), sext() or trunc() on one of the two',
          },
        );
      }
      if (value.meaning !== meaning) incompatible(this, value);
      return value;
    }
    if (meaning instanceof Encoding) {
      if (typeof value === 'string') return new Bits(width, { kind: 'const', value: meaning.code(value) }, meaning, site);
      const code = literal(width, value, undefined, site).known;
      if (code === undefined || !meaning.codes.includes(code))
        throw new HdlError(`${String(value)} is the code of none of ${meaning.names.join(', ')}`, {
          help: 'use the name of a state',
        });
      return new Bits(width, { kind: 'const', value: code }, meaning, site);
    }
    return literal(width, value, meaning, site);
  }

  /** The bare pattern: no hardware. */
  raw(): Bits {
    return this.marked(undefined);
  }
  /** The same pattern with another meaning: no hardware. */
  marked(meaning: Meaning): Bits {
    return meaning === this.meaning ? this : compute(this.width, { kind: 'slice', value: this, low: 0 }, meaning);
  }
  asUInt(): Bits {
    return this.raw();
  }
  asSInt(): Bits {
    return this.marked('signed');
  }
  encoded(): Bits {
    return this.raw();
  }

  private binary(op: ArithmeticOp | CompareOp, b: unknown, width: number, meaning?: Meaning): Bits {
    const site = callSite();
    const right = this.operand(b, site);
    const signed = this.signed && (op === 'lt' || op === 'le' || op === 'gt' || op === 'ge');
    return compute(width, { kind: 'binary', op, signed, left: this, right }, meaning, site);
  }
  private unary(op: Unary['op'], width: number): Bits {
    return compute(width, { kind: 'unary', op, value: this });
  }
  private shift(op: ShiftOp, n: unknown): Bits {
    const { width, meaning } = this;
    const by = n instanceof Bits ? n.known : n;
    if (n instanceof Bits) {
      if (n.signed)
        throw new HdlError(`a shift takes an unsigned amount, and ${describe(n)} is signed`, { help: 'use asUInt()' });
      if (by === undefined)
        return compute(width, { kind: 'binary', op, signed: op === 'shr' && this.signed, left: this, right: n }, meaning);
    }
    const count = Number(by);
    if (!Number.isInteger(count) || count < 0)
      throw new HdlError(`a shift takes a whole number of at least 0, not ${n}`, {
        help: 'shift by a constant of at least 0, or by an unsigned signal',
      });
    if (count === 0) return this;
    if (op === 'shr' && this.signed) {
      if (width === 1) return this;
      const kept = Math.max(width - count, 1);
      return compute(width, { kind: 'extend', signed: true, value: this.part(width - kept, kept) }, meaning);
    }
    if (count >= width) return literal(width, 0, meaning);
    const kept = width - count;
    if (op === 'shr') return this.part(count, kept).zext(width);
    return compute(width, { kind: 'concat', parts: [this.part(0, kept), literal(count, 0)] }, meaning);
  }

  add(b: unknown): Bits {
    return this.binary('add', b, this.width, this.meaning);
  }
  sub(b: unknown): Bits {
    return this.binary('sub', b, this.width, this.meaning);
  }
  addx(b: unknown): Bits {
    return sharingSite(() => this.extended(this.width + 1).add(this.operand(b).extended(this.width + 1)));
  }
  subx(b: unknown): Bits {
    return sharingSite(() => this.extended(this.width + 1).sub(this.operand(b).extended(this.width + 1)));
  }
  mul(b: Bits): Bits {
    if (b.meaning !== this.meaning) incompatible(this, b);
    const width = this.width + b.width;
    return sharingSite(() => this.extended(width).binary('mul', b.extended(width), width, this.meaning));
  }
  addSat(b: unknown): Bits {
    return sharingSite(() => saturatingSum(this, b));
  }
  subSat(b: unknown): Bits {
    return sharingSite(() => saturatingDifference(this, b));
  }
  neg(): Bits {
    return sharingSite(() => literal(this.width, 0, this.meaning).sub(this));
  }
  abs(): Bits {
    return sharingSite(() => magnitude(this));
  }
  sign(): Bits {
    return this.part(this.width - 1, 1);
  }
  min(b: unknown): Bits {
    return sharingSite(() => extreme(this, b, false));
  }
  max(b: unknown): Bits {
    return sharingSite(() => extreme(this, b, true));
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
  inRange(low: unknown, high: unknown): Bits {
    return sharingSite(() => inRange(this, low, high));
  }
  is(name: string): Bits {
    return this.eq(name);
  }
  shl(n: unknown): Bits {
    return sharingSite(() => this.shift('shl', n));
  }
  shr(n: unknown): Bits {
    return sharingSite(() => this.shift('shr', n));
  }
  rotl(n: unknown): Bits {
    return sharingSite(() => rotated(this, n, true));
  }
  rotr(n: unknown): Bits {
    return sharingSite(() => rotated(this, n, false));
  }
  cat(low: Bits): Bits {
    return concat([this, low]);
  }

  bits(high: number, low: number): Bits {
    return this.part(low, high - low + 1);
  }
  part(low: number, n: number): Bits {
    if (!Number.isInteger(low) || !Number.isInteger(n) || low < 0 || n < 1 || low + n > this.width) {
      throw new HdlError(
        `bits ${low + n - 1} down to ${low} are not all inside ${describe(this)}, which has ${quantity(this.width, 'bit')}`,
        { help: 'the lowest bit has the number 0' },
      );
    }
    if (low === 0 && n === this.width) return this.raw();
    return compute(n, { kind: 'slice', value: this, low });
  }
  bit(i: unknown): Bits {
    return i instanceof Bits ? this.window(i, 1) : this.part(Number(i), 1);
  }
  word(i: unknown, n: number): Bits {
    const count = this.width / n;
    if (!Number.isInteger(n) || n < 1 || !Number.isInteger(count))
      throw new HdlError(`${describe(this)} has ${quantity(this.width, 'bit')}, which are no whole number of ${n}-bit words`, {
        help: 'take words of a size that divides it, or extend it first',
      });
    if (!(i instanceof Bits)) return this.part(Number(i) * n, n);
    checkIndex(i, count, `${count} words`);
    return this.window(i, n);
  }
  words(n: number): Bits[] {
    if (!Number.isInteger(n) || n < 1 || this.width % n !== 0)
      throw new HdlError(`${describe(this)} has ${quantity(this.width, 'bit')}, which are no whole number of ${n}-bit words`, {
        help: 'take words of a size that divides it, or extend it first',
      });
    return Array.from({ length: this.width / n }, (_, i) => this.part(i * n, n));
  }
  private window(index: Bits, size: number): Bits {
    if (index.signed) throw new HdlError(`an index is unsigned, and ${describe(index)} is signed`, { help: 'use asUInt()' });
    const known = index.known === undefined ? undefined : Number(index.known) * size;
    if (known !== undefined && known + size <= this.width) return this.part(known, size);
    const site = callSite();
    const read = (): Operation => {
      const right = scaled(index, size);
      const shifted = new Bits(
        this.width,
        { kind: 'binary', op: 'shr', signed: false, left: this.raw(), right },
        undefined,
        site,
      );
      return { kind: 'slice', value: shifted, low: 0 };
    };
    const beyond = known === undefined ? undefined : ({ kind: 'const', value: 0n } as const);
    return new Bits(size, beyond ?? read, undefined, undefined, { kind: 'window', base: this, index, size });
  }

  zext(width: number): Bits {
    return this.extend(width, false);
  }
  sext(width: number): Bits {
    return this.extend(width, true);
  }
  /** To `width` bits of the same value. */
  extended(width: number): Bits {
    return this.extend(width, this.signed);
  }
  private extend(width: number, signed: boolean): Bits {
    if (width < this.width) {
      const name = signed ? 'sext' : 'zext';
      throw new HdlError(`${name} from ${this.width} to ${quantity(width, 'bit')} would lose bits`, {
        help: `use trunc(${width}) where that is meant`,
      });
    }
    return width === this.width ? this : compute(width, { kind: 'extend', signed, value: this }, this.meaning);
  }
  trunc(width: number): Bits {
    const low = this.part(0, width);
    return this.signed ? low.asSInt() : low;
  }
  as(width: number): Bits {
    if (width !== this.width)
      throw new HdlError(`stated as ${quantity(width, 'bit')}, but ${describe(this)} has ${this.width}`, {
        help: 'state the width that it has, or change it with zext() or trunc()',
      });
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

  set(value: unknown): void {
    const site = callSite();
    const checked = this.operand(value, site);
    sharingSite(() => store(this, 0, undefined, checked, site), site);
  }
}

/** A node, or the constant that it comes to. */
export function compute(width: number, operation: Operation, meaning?: Meaning, site = callSite()): Bits {
  const value = folded(width, operation);
  return new Bits(width, value === undefined ? operation : { kind: 'const', value }, meaning, site);
}

/** @throws HdlError if `index` does not have exactly the bits that count `count` places. */
export function checkIndex(index: Bits, count: number, places: string): void {
  const width = count === 1 ? 1 : Math.ceil(Math.log2(count));
  if (index.signed) throw new HdlError(`an index is unsigned, and ${describe(index)} is signed`, { help: 'use asUInt()' });
  if (index.width !== width)
    throw new HdlError(`an index of ${places} has ${quantity(width, 'bit')}, and ${describe(index)} has ${index.width}`, {
      help: 'use zext() or trunc() on it: an index has no bit too many, so that none is lost',
    });
}

function incompatible(a: Bits, b: Bits): never {
  if (a.signed !== b.signed) {
    const [signed, other] = a.signed ? [a, b] : [b, a];
    throw new HdlError(`${describe(signed)} is signed and ${describe(other)} is not`, {
      help: 'convert one with asUInt() or asSInt()',
    });
  }
  const kind = ({ meaning }: Bits) => (meaning instanceof Encoding ? `one of ${meaning.names.join(', ')}` : 'a number');
  throw new HdlError(`${describe(a)} is ${kind(a)}, and ${describe(b)} is ${kind(b)}`, {
    help: 'values of two enumerations have nothing in common; encoded() gives the number behind a state',
  });
}

/** The node behind a typed value. */
export function node(value: UInt<number> | SInt<number> | Enum<string>): Bits {
  if (value instanceof Bits) return value;
  throw new HdlError('this is not a hardware value', {
    help: 'a port, wire or register is wanted, or what is computed from them',
  });
}

/** A typed view of a node. The one place where the implementation meets the types. */
export function typed<X>(bits: Bits): X {
  return bits as unknown as X;
}

/** A constant: for an unsigned value a negative number stands for its two's complement. @throws HdlError if it does not fit. */
export function literal(width: number, value: unknown, meaning?: Meaning, site?: CallSite): Bits {
  const whole =
    typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value)) || typeof value === 'boolean';
  if (!whole)
    throw new HdlError(`${String(value)} is not a value of ${quantity(width, 'bit')}`, {
      help: 'use a signal or a whole number',
    });
  const v = BigInt(value as bigint | number | boolean);
  const signed = meaning === 'signed';
  if (v > ones(signed ? width - 1 : width) || v < -(1n << BigInt(width - 1)))
    throw new HdlError(`${v} does not fit in ${width} ${signed ? 'signed bits' : 'bits'}`, {
      help: 'use a smaller number or a wider type',
    });
  return new Bits(width, { kind: 'const', value: v & ones(width) }, meaning, site);
}

/** Most significant part first. */
export function concat(parts: readonly Bits[]): Bits {
  const [only] = parts;
  if (!only) throw new HdlError('nothing to concatenate', { help: 'give cat() and pack() one value at least' });
  if (parts.length === 1) return only.raw();
  const width = parts.reduce((sum, part) => sum + part.width, 0);
  return compute(width, { kind: 'concat', parts });
}

/** What to call a value in a message: its name, or its operation. */
export function describe(bits: Bits): string {
  if (bits.place) return 'this part';
  const { operation: o } = bits;
  if (o.kind === 'signal') return bits.name ? `'${bits.name}'` : `this ${o.role}`;
  if (o.kind === 'const') return `${bits.signed ? BigInt.asIntN(bits.width, o.value) : o.value}`;
  return `this ${o.kind === 'binary' || o.kind === 'unary' ? o.op : o.kind}`;
}
