import { Bits, type SignalGroup } from './bits.ts';
import { ClockDomain, ownDomain, ResetDomain, Surrounding } from './domain.ts';
import { Encoding } from './encoding.ts';
import { Module } from './module.ts';
import { Channel, Elements, isSingle, Record } from './shapes.ts';
import { CallSite } from './site.ts';

/** What the logic of a module can see of it, before it runs. */
export interface Fingerprint {
  /** Equal for modules whose logic, a function of the module and of constants, states the same. */
  readonly text: string;
  /** The hardware values in the order in which they were met: those of one place correspond in modules of one text. */
  readonly bits: readonly Bits[];
}

/**
 * The fingerprint of a module whose fields exist and are not named yet: its class, parameters and fields, with those of its children, as far down as they
 * go. What has no contents that can be read, as functions and foreign signals, counts as itself. Undefined where something may be hidden: private `#` names,
 * accessors.
 */
export function fingerprint(module: Module<unknown>): Fingerprint | undefined {
  try {
    const printer = new Printer();
    printer.module(module);
    return { text: printer.text, bits: printer.bits };
  } catch (error) {
    if (error instanceof Hidden) return undefined;
    throw error;
  }
}

/** Thrown where a module has something that cannot be compared. */
class Hidden extends Error {}

const hidden = new Hidden();

class Printer {
  text = '';
  readonly bits: Bits[] = [];
  private readonly met = new Map<object, number>();

  module(module: Module<unknown>): void {
    this.met.set(module, this.met.size);
    this.text += `module ${openName(Object.getPrototypeOf(module) as object)}{`;
    // Where it stands and what clock drives it, the scope around it knows.
    this.properties(module, key => key === '~site' || key === '~domain' || key === '~clocks');
    this.text += '}';
  }

  private value(value: unknown): void {
    switch (typeof value) {
      case 'object':
        if (value === null) this.text += 'null,';
        else this.object(value);
        return;
      case 'function':
        this.text += `${typeName(value)},`;
        return;
      case 'string':
        this.text += `${JSON.stringify(value)},`;
        return;
      case 'bigint':
        this.text += `${value}n,`;
        return;
      case 'number':
        this.text += Object.is(value, -0) ? '-0,' : `${value},`;
        return;
      case 'symbol':
        throw hidden;
      default:
        this.text += `${value},`;
    }
  }

  private object(value: object): void {
    const number = this.met.size;
    const known = this.met.get(value);
    if (known !== undefined) {
      this.text += `@${known},`;
      return;
    }
    this.met.set(value, number);
    if (value instanceof Bits) this.hardware(value);
    else if (value instanceof Record || value instanceof Elements || value instanceof Channel) this.parts(value);
    else if (value instanceof CallSite) this.text += 'site,';
    else if (value instanceof Module) this.child(value as Module<unknown>);
    else if (value instanceof ClockDomain) this.domain(value);
    // A domain stated around the place where a module was made means, inside it, the module's own.
    else if (value instanceof Surrounding && value.domain.owner) this.text += 'outside,';
    else if (value instanceof Encoding) this.text += `${nameOf(value)},`;
    else if (isSingle(value)) this.text += `${typeName(value)},`;
    else this.plain(value);
  }

  private hardware(bits: Bits): void {
    if (bits.owner) {
      this.bits.push(bits);
      this.text += `foreign ${nameOf(bits)},`;
      return;
    }
    if (bits.group) {
      this.group(bits.group);
      this.text += `[${bits.group.leaves.indexOf(bits)}],`;
      return;
    }
    this.bits.push(bits);
    this.text += `bits ${bits.width}`;
    // One that is not computed yet would be a function.
    this.plain(bits.operation);
    if (bits.meaning !== undefined) this.value(bits.meaning);
    if (bits.place !== undefined) this.value(bits.place);
    this.text += ',';
  }

  /** A bundle, a vector or a stream: mostly it is as it was made, which is shorter to say. */
  private parts(value: Record | Elements | Channel): void {
    const group = firstLeaf(value)?.group;
    if (group && follow(value, group.leaves, 0) === group.leaves.length) {
      this.group(group);
      this.text += ',';
      return;
    }
    this.text += value instanceof Record ? `record ${typeName(value.constructor)}{` : '{';
    for (const part of partsOf(value)) this.value(part);
    this.text += '}';
  }

  private group(group: SignalGroup): void {
    const known = this.met.get(group);
    if (known !== undefined) {
      this.text += `@${known}`;
      return;
    }
    this.met.set(group, this.met.size);
    const { type, role, init, domain, crossing, leaves } = group;
    for (const leaf of leaves) this.bits.push(leaf);
    this.text += `${role} ${typeName(type)}`;
    if (init.length > 0) this.text += `=${init}`;
    if (crossing !== false) this.text += ` ${crossing}`;
    if (domain !== undefined) this.value(domain);
  }

  /** A domain of a child: its name is its field. */
  private domain(domain: ClockDomain): void {
    if (domain.owner || domain === ownDomain) {
      this.text += `${nameOf(domain)},`;
      return;
    }
    this.text += 'domain{';
    this.value(domain.options);
    if (domain instanceof ResetDomain) {
      this.object(domain.clock);
      this.object(domain.reset);
      this.text += `${domain.kind},${domain.active},`;
    }
    this.text += '}';
  }

  private child(module: Module<unknown>): void {
    this.text += `child ${openName(Object.getPrototypeOf(module) as object)}{`;
    this.properties(module, key => key === '~site');
    this.text += '}';
  }

  private plain(value: object): void {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Map.prototype || prototype === Set.prototype) {
      this.text += prototype === Map.prototype ? 'map{' : 'set{';
      for (const entry of value as Iterable<unknown>) this.value(entry);
      this.text += '}';
    } else if (prototype === Array.prototype) {
      this.text += 'array';
    } else if (prototype !== null && prototype !== Object.prototype) {
      this.text += `instance ${openName(prototype as object)}`;
    }
    this.text += '{';
    this.properties(value);
    this.text += '}';
  }

  private properties(object: object, skipped?: (key: string) => boolean): void {
    for (const key of Reflect.ownKeys(object)) {
      if (typeof key === 'symbol') throw hidden;
      if (skipped?.(key)) continue;
      const property = Object.getOwnPropertyDescriptor(object, key);
      if (!property || property.get || property.set) throw hidden;
      this.text += `${key}:`;
      this.value(property.value);
    }
  }
}

const partsOf = (value: object): readonly unknown[] =>
  value instanceof Channel ? [value.payload, value.valid, value.ready] : Object.values(value);

function firstLeaf(value: unknown): Bits | undefined {
  let at = value;
  while (at instanceof Record || at instanceof Elements || at instanceof Channel) [at] = partsOf(at);
  return at instanceof Bits ? at : undefined;
}

/** Whether the leaves of a value are, in order, those of a list from `position` on, and nobody's yet: the position after them, or -1. */
function follow(value: unknown, leaves: readonly Bits[], position: number): number {
  if (value instanceof Bits) return leaves[position] === value && !value.owner ? position + 1 : -1;
  let at = position;
  for (const part of partsOf(value as object)) {
    at = follow(part, leaves, at);
    if (at < 0) return -1;
  }
  return at;
}

/** Types with a text of their own, by that. */
const typeNames = new Map<string, string>();
const typesKnown = new WeakMap<object, string>();

/**
 * A name for a type or a function. Most count as themselves, but bundles of one class name, without methods, are one if their fields are, and so are
 * vectors and streams of what is one.
 */
function typeName(type: object): string {
  let name = typesKnown.get(type);
  if (name === undefined) {
    const text = typeText(type);
    name = (text === undefined ? undefined : typeNames.get(text)) ?? nameOf(type);
    if (text !== undefined) typeNames.set(text, name);
    typesKnown.set(type, name);
  }
  return name;
}

function typeText(type: object): string | undefined {
  if (isSingle(type) && 'of' in type) {
    const what = 'length' in type ? `vector ${type.length}` : 'stream';
    return `${'~flipped' in type ? 'flipped ' : ''}${what} of ${typeName(type.of as object)}`;
  }
  const fields = fieldsOf(type);
  if (!fields) return undefined;
  const { name } = type as { readonly name: string };
  return `${name}{${Object.entries(fields).map(([field, of]) => `${field}:${typeName(of)}`)}}`;
}

/** The fields of a bundle's class if nothing else is in it. */
function fieldsOf(type: object): { readonly [name: string]: object } | undefined {
  if (!('prototype' in type) || !(type.prototype instanceof Record) || !('fields' in type)) return undefined;
  for (let at: unknown = type.prototype; at instanceof Record; at = Object.getPrototypeOf(at))
    if (Reflect.ownKeys(at).length > 1) return undefined;
  return type.fields as { readonly [name: string]: object };
}

let named = 0;
const names = new WeakMap<object, string>();

/** A name for an object that counts as itself. */
function nameOf(object: object): string {
  let name = names.get(object);
  if (name === undefined) {
    name = `#${named++}`;
    names.set(object, name);
  }
  return name;
}

const open = new WeakMap<object, boolean>([[Object.prototype, true]]);

/** The name of a prototype whose objects keep nothing where it cannot be seen. */
function openName(prototype: object): string {
  if (!isOpen(prototype)) throw hidden;
  return nameOf(prototype);
}

function isOpen(prototype: object): boolean {
  let result = open.get(prototype);
  if (result === undefined) {
    const above: unknown = Object.getPrototypeOf(prototype);
    // A private name stands in the source of the class, or, where a compiler has made a weak map of it, the compiler's function for that.
    const isPlain = !/#[\p{ID_Start}$_]|\[native code\]|__private|__classPrivate/u.test(String(prototype.constructor));
    result = isPlain && typeof above === 'object' && above !== null && isOpen(above);
    open.set(prototype, result);
  }
  return result;
}
