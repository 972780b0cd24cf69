import { Bits, checkIndex, concat, type Meaning, type Role, typed } from './bits.ts';
import type { DomainChoice } from './domain.ts';
import { HdlError } from './errors.ts';
import { callSite, sharingSite } from './site.ts';
import { byIndex } from './store.ts';
import type {
  Bool,
  BundleType,
  Driver,
  Fields,
  Flipped,
  HType,
  Readable,
  SIntType,
  StreamType,
  UInt,
  UIntType,
  VecType,
} from './values.ts';

/** Makes the leaf signals of a value; `flipped` leaves go against the value's direction (a stream's `ready`). */
export type Leaf = (width: number, meaning: Meaning, flipped: boolean) => Bits;

/** What a hardware type is inside: how to make a value of it, leaf by leaf, most significant first. */
interface Shape {
  readonly width: number;
  make(leaf: Leaf): unknown;
  /** A bundle's field of this type goes against the bundle's direction. */
  readonly '~flipped'?: boolean;
}

const shapeOf = (type: HType): Shape => type as unknown as Shape;

/** A hardware type from what it is inside. */
export const made = <T>(shape: object): T => shape as T;

/** A bundle's value: its fields are its properties. Bundle classes extend it, so that their methods work on values. */
export class Record {
  /** Names of the fields that go against the bundle's direction. */
  static readonly '~flips': ReadonlySet<string> = new Set();
  set(value: object): void {
    assign(this, value);
  }
}
type RecordClass = (new () => Record) & { readonly '~flips': ReadonlySet<string> };
const classOf = (record: Record) => record.constructor as RecordClass;

/** A vector's value: an array that can be set as a whole. */
export class Elements extends Array<unknown> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
  set(value: readonly unknown[]): void {
    assign(this, value);
  }
  /** One element by number (from the end if negative), or by a signal: then its parts know what `set` of them drives. */
  override at(i: number | Bits): unknown {
    if (!(i instanceof Bits)) return super.at(i);
    checkIndex(i, this.length, `${this.length} elements`);
    if (i.known !== undefined && i.known < this.length) return this[Number(i.known)];
    return element(i, [...this]);
  }
}

/** Values that a signal chose from a vector, with what they were chosen from: bundles and vectors, whose leaves know it themselves. */
const chosen = new WeakMap<object, { readonly index: Bits; readonly elements: readonly unknown[] }>();

function element(index: Bits, elements: readonly unknown[]): unknown {
  const site = callSite();
  const value = zipLeaves(elements, choices => {
    const last = choices.at(-1);
    if (!last) throw new Error('a vector without elements was made');
    const { width, meaning } = last;
    const read = () =>
      choices.slice(0, -1).reduceRight(
        (rest, whenTrue, i) => {
          const condition = index.eq(i);
          return new Bits(width, { kind: 'mux', condition, whenTrue, whenFalse: rest }, meaning, site);
        },
        new Bits(width, { kind: 'slice', value: last, low: 0 }, meaning, site),
      ).operation;
    return new Bits(width, read, meaning, site, { kind: 'element', index, elements: choices });
  });
  if (!(value instanceof Bits)) chosen.set(value as object, { index, elements });
  return value;
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
    sharingSite(() => {
      this.valid.set(source.valid);
      assign(this.payload, source.payload);
      source.ready.set(this.ready);
    });
  }
}

const single = new WeakSet<object>();

/** Whether no other object is the same type. */
export const isSingle = (type: object): boolean => single.has(type);

/** Types are made once: what is made of the same types can be seen to be the same. */
function once<K, T>(
  known: { get(key: K): object | undefined; set(key: K, type: object): unknown },
  key: K,
  make: () => object,
): T {
  let type = known.get(key);
  if (!type) {
    type = make();
    single.add(type);
    known.set(key, type);
  }
  return made(type);
}

const unsigned = new Map<number, object>();
const signed = new Map<number, object>();
const vectorsOf = new WeakMap<HType, Map<number, object>>();
const streamsOf = new WeakMap<HType, object>();
const flippedOf = new WeakMap<HType, object>();

/** Unsigned integer of `width` bits. */
export function uint<W extends number>(width: W): UIntType<W> {
  if (!Number.isInteger(width) || width < 1)
    throw new HdlError(`a width is a whole number of at least 1, not ${width}`, {
      help: 'a type without bits does not exist: leave the field out where there are none',
    });
  return once(unsigned, width, () => ({ width, make: (leaf: Leaf) => leaf(width, undefined, false) }));
}

/** Two's complement integer of `width` bits. */
export function sint<W extends number>(width: W): SIntType<W> {
  if (!Number.isInteger(width) || width < 1)
    throw new HdlError(`a width is a whole number of at least 1, not ${width}`, {
      help: 'a type without bits does not exist: leave the field out where there are none',
    });
  return once(signed, width, () => ({ width, make: (leaf: Leaf) => leaf(width, 'signed', false) }));
}

/** One bit. */
export const bool: UIntType<1> = uint(1);

/**
 * `class Beat extends Bundle({ data: uint(64), last: bool }) {}`: named fields; packed, the first is the most significant. Methods of the class work
 * on its values; a field of a `flipped` type goes against the direction of the port or connection.
 */
export function Bundle<const F extends Fields>(fields: F): BundleType<F> {
  const reserved = new Set(['set', ...Object.getOwnPropertyNames(Object.prototype)]);
  for (const name of Object.keys(fields)) {
    if (reserved.has(name))
      throw new HdlError(`a bundle field cannot be called '${name}'`, {
        help: 'choose another name: this one is a method of every bundle',
      });
  }
  const shapes = Object.entries(fields).map(([name, type]) => [name, shapeOf(type)] as const);
  return made(
    class extends Record {
      static override readonly '~flips' = new Set(shapes.filter(([, shape]) => shape['~flipped']).map(([name]) => name));
      static readonly fields = fields;
      static readonly width = shapes.reduce((sum, [, shape]) => sum + shape.width, 0);
      static make(leaf: Leaf): Record {
        return Object.assign(new this(), Object.fromEntries(shapes.map(([name, shape]) => [name, shape.make(leaf)])));
      }
      static of(value: object): unknown {
        // biome-ignore lint/complexity/noThisInStatic: the class that the user derived, whose methods the value gets
        return fromLiteral(made(this), value);
      }
    },
  );
}

/** A field of this type goes against the direction of the bundle that it stands in: an acknowledge, a credit. */
export function flipped<T extends HType>(type: T): Flipped<T> {
  return once(flippedOf, type, () => {
    const make = (leaf: Leaf) => shapeOf(type).make((width, meaning, flip) => leaf(width, meaning, !flip));
    return Object.defineProperties(Object.create(type) as object, { make: { value: make }, '~flipped': { value: true } });
  });
}

/** `length` elements; packed, element 0 is the least significant. */
export function vec<T extends HType, N extends number>(length: N, of: T): VecType<T, N> {
  if (!Number.isInteger(length) || length < 1)
    throw new HdlError(`a vector has a whole number of at least 1 elements, not ${length}`, {
      help: 'a vector without elements does not exist: use an empty array of fields',
    });
  let vectors = vectorsOf.get(of);
  if (!vectors) {
    vectors = new Map();
    vectorsOf.set(of, vectors);
  }
  return once(vectors, length, () => ({
    of,
    length,
    width: length * of.width,
    make: (leaf: Leaf) => {
      const elements = new Elements();
      for (let i = 0; i < length; i++) elements.push(shapeOf(of).make(leaf));
      return elements;
    },
  }));
}

/** A valid/ready stream of `of`. */
export function stream<T extends HType>(of: T): StreamType<T> {
  return once(streamsOf, of, () => ({
    of,
    width: of.width + 2,
    make: (leaf: Leaf) => {
      const payload = shapeOf(of).make(leaf);
      return new Channel(payload, leaf(1, undefined, false), leaf(1, undefined, true));
    },
  }));
}

export interface SignalOptions {
  readonly init?: unknown;
  readonly domain?: DomainChoice | 'asynchronous' | undefined;
  readonly crossing?: boolean | 'stable';
}

/** A value whose leaves are signals of one role. */
export function signals<X>(type: HType, role: Role, { init, domain, crossing = false }: SignalOptions = {}): X {
  const flip = (flipped: boolean): Role =>
    flipped && role === 'input' ? 'output' : flipped && role === 'output' ? 'input' : role;
  const site = callSite();
  const resets = init === undefined ? [] : sharingSite(() => constants(type, init), site);
  const leaves: Bits[] = [];
  const group = { type, role, init: resets, domain, crossing, leaves };
  return shapeOf(type).make((width, meaning, flipped) => {
    const operation = { kind: 'signal', role: flip(flipped), init: resets[leaves.length], domain, crossing } as const;
    const leaf = new Bits(width, operation, meaning, site);
    leaf.group = group;
    leaves.push(leaf);
    return leaf;
  }) as X;
}

/** A value of `type` of which the leaves are 0, in the order in which they are made. */
function zero(type: HType): { readonly value: unknown; readonly order: readonly Bits[] } {
  const order: Bits[] = [];
  const site = callSite();
  const value = shapeOf(type).make((width, meaning) => {
    const leaf = new Bits(width, { kind: 'const', value: 0n }, meaning, site);
    order.push(leaf);
    return leaf;
  });
  return { value, order };
}

/** What a literal of `type` gives each leaf, in the order in which leaves are made; 0 stands for a whole bundle or vector too. */
function constants(type: HType, init: unknown): bigint[] {
  const { value, order } = zero(type);
  const found = new Map<Bits, bigint>();
  const whole = !(value instanceof Bits) && (init === 0 || init === 0n);
  zipLeaves([value, whole ? value : init], ([leaf, given]) => {
    if (!leaf)
      throw new HdlError('this is not a hardware value', {
        help: 'a port, wire or register is wanted, or what is computed from them',
      });
    const { known } = whole ? leaf.operand(0) : leaf.operand(given);
    if (known === undefined)
      throw new HdlError('init is a constant: a number, the name of a state, or a bundle or vector of such', {
        help: 'what is not known before the design runs is set in logic()',
      });
    found.set(leaf, known);
    return leaf;
  });
  return order.map(leaf => found.get(leaf) ?? 0n);
}

/** `value`, which may hold literals, as a value of `type`. */
function fromLiteral(type: HType, value: object): unknown {
  return zipLeaves([zero(type).value, value], ([leaf, given]) => {
    if (!leaf)
      throw new HdlError('this is not a hardware value', {
        help: 'a port, wire or register is wanted, or what is computed from them',
      });
    return leaf.operand(given);
  });
}

/** Drives `target`, leaf by leaf, from a value or literal of the same shape; streams and flipped fields go the other way. */
export function assign(target: unknown, value: unknown): void {
  if (target instanceof Bits) target.set(value);
  else sharingSite(() => assignParts(target, value));
}

function assignParts(target: unknown, value: unknown): void {
  const choice = typeof target === 'object' && target !== null ? chosen.get(target) : undefined;
  if (choice) {
    byIndex(choice.index, choice.elements.length, callSite(), i => {
      assign(choice.elements[i], value);
    });
  } else if (target instanceof Channel) {
    if (!(value instanceof Channel))
      throw new HdlError('a stream is driven by a stream', {
        help: 'drive valid, payload and ready one by one where the other side is no stream',
      });
    target.from(value);
  } else if (Array.isArray(target)) {
    checkElements(target, value);
    target.forEach((element, i) => {
      assign(element, value[i]);
    });
  } else if (target instanceof Record) {
    const flips = classOf(target)['~flips'];
    const given = fieldsOf(target, value);
    for (const [name, field] of Object.entries(target)) {
      if (flips.has(name)) assign(given[name], field);
      else assign(field, given[name]);
    }
  } else {
    throw new HdlError('this is not a hardware value', {
      help: 'a port, wire or register is wanted, or what is computed from them',
    });
  }
}

function checkElements(like: readonly unknown[], value: unknown): asserts value is readonly unknown[] {
  if (Array.isArray(value) && value.length === like.length) return;
  const found = Array.isArray(value) ? value.length : 'this';
  throw new HdlError(`a vector of ${like.length} elements is driven by as many values, not ${found}`, {
    help: 'give a value for each element',
  });
}

/** @throws HdlError unless `value` has just the fields of `like`. */
function fieldsOf(like: Record, value: unknown): { readonly [name: string]: unknown } {
  if (typeof value !== 'object' || value === null || value instanceof Bits || Array.isArray(value))
    throw new HdlError(`a bundle of ${Object.keys(like).join(', ')} is wanted`, {
      help: 'give a value of the bundle, or an object with its fields',
    });
  const fields = value as { readonly [name: string]: unknown };
  for (const name of Object.keys(like))
    if (fields[name] === undefined)
      throw new HdlError(`the field '${name}' is missing in the value`, { help: 'give a value for each field' });
  for (const name of value instanceof Record ? [] : Object.keys(value))
    if (!(name in like))
      throw new HdlError(`there is no field '${name}', only ${Object.keys(like).join(', ')}`, {
        help: 'remove it, or mend its name',
      });
  return fields;
}

/** Applies `f` to corresponding leaves and builds a value of the same shape. */
export function zipLeaves(values: readonly unknown[], f: (leaves: readonly Bits[]) => Bits): unknown {
  const first = values.find(v => v instanceof Bits || v instanceof Record || v instanceof Elements) ?? values.find(Array.isArray);
  if (first instanceof Bits) return f(values.map(v => (v instanceof Bits ? v : first.operand(v))));
  if (first instanceof Record) {
    const all = values.map(v => fieldsOf(first, v));
    const fields = Object.keys(first).map(
      name =>
        [
          name,
          zipLeaves(
            all.map(v => v[name]),
            f,
          ),
        ] as const,
    );
    return Object.assign(new (classOf(first))(), Object.fromEntries(fields));
  }
  if (Array.isArray(first)) {
    const all = values.map(v => {
      checkElements(first, v);
      return v;
    });
    const elements = new Elements();
    first.forEach((_, i) => {
      elements.push(
        zipLeaves(
          all.map(v => v[i]),
          f,
        ),
      );
    });
    return elements;
  }
  throw new HdlError('streams and plain values cannot be selected', { help: 'select their payload' });
}

/** All leaves, most significant first. */
export function leaves(value: unknown): Bits[] {
  if (value instanceof Bits) return [value];
  if (value instanceof Channel) return [...leaves(value.payload), value.valid, value.ready];
  if (Array.isArray(value)) return value.toReversed().flatMap(leaves);
  if (value instanceof Record) return Object.values(value).flatMap(leaves);
  throw new HdlError('this is not a hardware value', {
    help: 'a port, wire or register is wanted, or what is computed from them',
  });
}

/** The value as one word: first field most significant, element 0 least. */
export function pack(value: Readable): UInt<number> {
  return typed(concat(leaves(value)));
}

/** Reads a word of `type.width` bits as a value of `type`; of a word that can be set, the fields can. */
export function unpack<T extends HType>(type: T, word: UInt<number>): T['prototype'] {
  const bits = (word as unknown as Bits).as(type.width);
  const { value } = zero(type);
  let top = type.width;
  const parts = new Map<Bits, Bits>();
  for (const leaf of leaves(value)) {
    const { width, meaning } = leaf;
    top -= width;
    parts.set(leaf, meaning ? new Bits(width, { kind: 'slice', value: bits, low: top }, meaning) : bits.part(top, width));
  }
  return zipLeaves([value], ([leaf]) => {
    const part = leaf && parts.get(leaf);
    if (!part) throw new Error('a leaf of the type has no place in the word');
    return part;
  }) as T['prototype'];
}

/** Whether two values are the same, bit by bit; `b` may be a literal. */
export function equal<X extends Readable>(a: X, b: Driver<X>): Bool {
  const other = zipLeaves([a, b], ([like, leaf]) => {
    if (!like)
      throw new HdlError('this is not a hardware value', {
        help: 'a port, wire or register is wanted, or what is computed from them',
      });
    return like.operand(leaf);
  });
  return typed(sharingSite(() => concat(leaves(a)).eq(concat(leaves(other)))));
}
