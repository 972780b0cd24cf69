import type { LogFormat } from '../ir/ir.ts';
import { type Bits, node } from './bits.ts';
import { currentDomain } from './domain.ts';
import { HdlError } from './errors.ts';
import { CallSite } from './site.ts';
import { currentBlock } from './statements.ts';
import type { Bool, Enum, Readable, UInt } from './values.ts';

/**
 * States that `condition` is 1 at every clock edge at which this statement is reached, reset apart. Simulation stops with `message` where it is
 * not; formal tools prove it; synthesis leaves it out.
 */
export function assert(condition: Bool, message: string): void {
  property('assert', condition, message);
}

/** States what the surroundings promise: formal tools take it as given, simulation checks it like `assert`. */
export function assume(condition: Bool, message: string): void {
  property('assume', condition, message);
}

/** Asks for a run in which `condition` is 1 once: formal tools look for one, simulation counts. */
export function cover(condition: Bool, message: string): void {
  property('cover', condition, message);
}

function property(kind: 'assert' | 'assume' | 'cover', condition: Bool, message: string): void {
  const bits = node(condition);
  if (bits.width !== 1)
    throw new HdlError(`a property has 1 bit, this one has ${bits.width}`, { help: 'compare it, or use any()' });
  const site = new CallSite();
  currentBlock().push({ kind: 'property', property: kind, condition: bits, message, domain: currentDomain(), site });
}

/** A value with the way to write it. */
export class Formatted {
  readonly value: Bits;
  readonly format: LogFormat;
  constructor(value: Bits, format: LogFormat) {
    this.value = value;
    this.format = format;
  }
}

/** In a `log`: the value in hexadecimal. */
export function hex(value: UInt<number>): Formatted {
  return new Formatted(node(value), 'hex');
}

/** In a `log`: the value in binary. */
export function binary(value: UInt<number>): Formatted {
  return new Formatted(node(value), 'binary');
}

/**
 * Writes a line in simulation at each clock edge at which it is reached, reset apart: log`took ${this.count} of ${hex(this.address)}`. Values are
 * decimal, states of an enumeration by name. Synthesis leaves it out.
 */
export function log(texts: TemplateStringsArray, ...values: readonly (Readable | Formatted | string | number)[]): void {
  const parts = texts.flatMap((text, i) => {
    const value = values[i];
    if (value === undefined) return [text];
    if (typeof value === 'string' || typeof value === 'number') return [text, `${value}`];
    return [text, value instanceof Formatted ? value : plain(value)];
  });
  currentBlock().push({ kind: 'log', parts, domain: currentDomain(), site: new CallSite() });
}

function plain(value: Readable): Formatted {
  const bits = node(value as UInt<number> | Enum<string>);
  if (bits.names) return new Formatted(bits, 'state');
  return new Formatted(bits, bits.signed ? 'signed' : 'unsigned');
}
