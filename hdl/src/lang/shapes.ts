import { Bits, concat, literal, type Role, typed } from './bits.ts';
import { HdlError } from './errors.ts';
import { CallSite } from './site.ts';
import type { BundleType, EnumType, Fields, HType, Readable, StreamType, UInt, UIntType, VecType } from './values.ts';
import type { Clog2 } from './width-arithmetic.ts';

/** Makes the leaf signals of a value; `flipped` leaves go against the value's direction (a stream's `ready`). */
type Leaf = (width: number, names: readonly string[] | undefined, flipped: boolean) => Bits;

/** What a hardware type is inside: how to make a value of it, leaf by leaf, most significant first. */
interface Shape {
  readonly width: number;
  make(leaf: Leaf): unknown;
}

const shapeOf = (type: HType): Shape => type as unknown as Shape;

const made = <T extends HType>(shape: object): T => shape as T;

/** A bundle's value: its fields are its properties. */
export class Record {
  set(value: object): void {
    assign(this, value);
  }
}

/** A vector's value: an array that can be set as a whole. */
export class Elements extends Array<unknown> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
  set(value: readonly unknown[]): void {
    assign(this, value);
  }
}

/** A stream's value. */
export class Channel {
  readonly payload: unknown;
  readonly valid: Bits;
  readonly ready: Bits;
  private fired: Bits | undefined;
  constructor(payload: unknown, valid: Bits, ready: Bits) {
    this.payload = payload;
    this.valid = valid;
    this.ready = ready;
  }
  get fire(): Bits {
    this.fired ??= this.valid.and(this.ready);
    return this.fired;
  }
  put(value: unknown): void {
    assign(this.payload, value);
  }
  from(source: Channel): void {
    this.valid.set(source.valid);
    assign(this.payload, source.payload);
    source.ready.set(this.ready);
  }
}

/** Unsigned integer of `width` bits. */
export function uint<W extends number>(width: W): UIntType<W> {
  if (!Number.isInteger(width) || width < 1) throw new HdlError(`a width is a whole number of at least 1, not ${width}`);
  return made({ width, make: (leaf: Leaf) => leaf(width, undefined, false) });
}

/** One bit. */
export const bool: UIntType<1> = uint(1);

/** Bits that count 0 .. n - 1, at least 1. */
export function clog2<N extends number>(n: N): Clog2<N> {
  let width = 1;
  while (2 ** width < n) width++;
  return width as Clog2<N>;
}

/** An enumeration: `const State = states('Idle', 'Run')`; its values are `State.Idle` and so on, encoded in the order of the list. */
export function states<const N extends string>(...names: readonly N[]): EnumType<N> {
  if (new Set(names).size !== names.length) throw new HdlError(`a state stands twice in ${names.join(', ')}`);
  const width = clog2(names.length);
  const values = Object.fromEntries(
    names.map((name, i) => [name, new Bits(width, { kind: 'const', value: BigInt(i) }, names)] as const),
  );
  return made({ width, names, ...values, make: (leaf: Leaf) => leaf(width, names, false) });
}

/** `class Beat extends Bundle({ data: uint(64), last: bool }) {}`: named fields; packed, the first is the most significant. */
export function Bundle<const F extends Fields>(fields: F): BundleType<F> {
  for (const name of Object.keys(fields)) {
    if (name === 'set') throw new HdlError("a bundle field cannot be called 'set'");
  }
  const shapes = Object.entries(fields).map(([name, type]) => [name, shapeOf(type)] as const);
  return made(
    class {
      static readonly fields = fields;
      static readonly width = shapes.reduce((sum, [, shape]) => sum + shape.width, 0);
      static make(leaf: Leaf): unknown {
        return Object.assign(new Record(), Object.fromEntries(shapes.map(([name, shape]) => [name, shape.make(leaf)])));
      }
    },
  );
}

/** `length` elements; packed, element 0 is the least significant. */
export function vec<T extends HType>(length: number, of: T): VecType<T> {
  if (!Number.isInteger(length) || length < 1)
    throw new HdlError(`a vector has a whole number of at least 1 elements, not ${length}`);
  return made({
    of,
    length,
    width: length * of.width,
    make: (leaf: Leaf) => {
      const elements = new Elements();
      for (let i = 0; i < length; i++) elements.push(shapeOf(of).make(leaf));
      return elements;
    },
  });
}

/** A valid/ready stream of `of`. */
export function stream<T extends HType>(of: T): StreamType<T> {
  return made({
    of,
    width: of.width + 2,
    make: (leaf: Leaf) => {
      const payload = shapeOf(of).make(leaf);
      return new Channel(payload, leaf(1, undefined, false), leaf(1, undefined, true));
    },
  });
}

/** A value whose leaves are signals of one role. */
export function signals<X>(type: HType, role: Role, init?: unknown): X {
  const flip = (flipped: boolean): Role =>
    flipped && role === 'input' ? 'output' : flipped && role === 'output' ? 'input' : role;
  let reset: bigint | undefined;
  if (init !== undefined) {
    const value = shapeOf(type).make(width => literal(width, 0));
    if (value instanceof Bits)
      reset = constant(
        shapeOf(type).make((w, names) => new Bits(w, { kind: 'const', value: 0n }, names)),
        init,
      );
    else if (init === 0 || init === 0n) reset = 0n;
    else throw new HdlError('init of a bundle or vector can only be 0: give other values to registers one by one');
  }
  const site = new CallSite();
  return shapeOf(type).make(
    (width, names, flipped) => new Bits(width, { kind: 'signal', role: flip(flipped), init: reset }, names, site),
  ) as X;
}

function constant(like: unknown, value: unknown): bigint {
  const bits = like instanceof Bits ? like.operand(value) : undefined;
  if (bits?.operation.kind !== 'const') throw new HdlError('init is a number or the name of a state');
  return bits.operation.value;
}

/** Drives `target`, leaf by leaf, from a value or literal of the same shape. */
export function assign(target: unknown, value: unknown): void {
  if (target instanceof Bits) {
    target.set(value);
  } else if (target instanceof Channel) {
    if (!(value instanceof Channel)) throw new HdlError('a stream is driven by a stream');
    target.from(value);
  } else if (Array.isArray(target)) {
    if (!Array.isArray(value) || value.length !== target.length) {
      throw new HdlError(
        `a vector of ${target.length} elements is driven by as many values, not ${Array.isArray(value) ? value.length : 'this'}`,
      );
    }
    target.forEach((element, i) => {
      assign(element, value[i]);
    });
  } else if (target instanceof Record) {
    for (const [name, field] of Object.entries(target)) {
      const given = (value as { readonly [name: string]: unknown })[name];
      if (given === undefined) throw new HdlError(`the field '${name}' is missing in the value`);
      assign(field, given);
    }
  } else {
    throw new HdlError('this is not a hardware value');
  }
}

/** Applies `f` to corresponding leaves and builds a value of the same shape. */
export function zipLeaves(values: readonly unknown[], f: (leaves: readonly Bits[]) => Bits): unknown {
  const first = values.find(v => v instanceof Bits || v instanceof Record || Array.isArray(v));
  if (first instanceof Bits) return f(values.map(v => (v instanceof Bits ? v : first.operand(v))));
  if (first instanceof Record) {
    const fields = Object.keys(first).map(
      name =>
        [
          name,
          zipLeaves(
            values.map(v => (v as { readonly [name: string]: unknown })[name]),
            f,
          ),
        ] as const,
    );
    return Object.assign(new Record(), Object.fromEntries(fields));
  }
  if (Array.isArray(first)) {
    const elements = new Elements();
    first.forEach((_, i) => {
      elements.push(
        zipLeaves(
          values.map(v => (v as readonly unknown[])[i]),
          f,
        ),
      );
    });
    return elements;
  }
  throw new HdlError('streams and plain values cannot be selected: select their payload');
}

/** All leaves, most significant first. */
export function leaves(value: unknown): Bits[] {
  if (value instanceof Bits) return [value];
  if (value instanceof Channel) return [...leaves(value.payload), value.valid, value.ready];
  if (Array.isArray(value)) return value.toReversed().flatMap(leaves);
  if (value instanceof Record) return Object.values(value).flatMap(leaves);
  throw new HdlError('this is not a hardware value');
}

/** The value as one word: first field most significant, element 0 least. */
export function pack(value: Readable): UInt<number> {
  return typed(concat(leaves(value)));
}

/** Reads a word of `type.width` bits as a value of `type`. */
export function unpack<T extends HType>(type: T, word: UInt<number>): T extends HType<infer X> ? X : never {
  const bits = (word as unknown as Bits).as(type.width);
  let top = type.width;
  const order: Bits[] = [];
  const value = shapeOf(type).make((width, names) => {
    const leaf = new Bits(width, { kind: 'const', value: 0n }, names);
    order.push(leaf);
    return leaf;
  });
  const parts = new Map<Bits, Bits>();
  for (const leaf of leaves(value)) {
    top -= leaf.width;
    const { width, names } = leaf;
    parts.set(leaf, names ? new Bits(width, { kind: 'slice', value: bits, low: top }, names) : bits.part(top, width));
  }
  return zipLeaves([value], ([leaf]) => {
    const part = leaf && parts.get(leaf);
    if (!part) throw new HdlError('a stream cannot be unpacked from a word');
    return part;
  }) as T extends HType<infer X> ? X : never;
}
