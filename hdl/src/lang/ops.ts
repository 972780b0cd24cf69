import { Bits, concat, literal, node, typed } from './bits.ts';
import { choose } from './derived.ts';
import { HdlError } from './errors.ts';
import { zipLeaves } from './shapes.ts';
import { callSite, sharingSite } from './site.ts';
import type { Bool, Driver, IsInput, Readable, SInt, UInt, Var } from './values.ts';
import type { Mul, TotalWidth } from './width-arithmetic.ts';

/** A literal of `width` bits. @throws HdlError if it does not fit. */
export function u<W extends number>(width: W, value: number | bigint): UInt<W> {
  return typed(literal(width, value));
}

/** A signed literal of `width` bits. @throws HdlError if it does not fit. */
export function s<W extends number>(width: W, value: number | bigint): SInt<W> {
  return typed(literal(width, value, 'signed'));
}

/** An input of a child, to set it or a part of it where `connect` is too coarse. */
export function drive<X extends Readable>(input: X & IsInput<X>): Var<X> {
  return input as unknown as Var<X>;
}

/** `condition ? whenTrue : whenFalse`, for whole bundles and vectors too; one side may be a literal. */
export function mux<X extends Readable>(condition: Bool, whenTrue: X, whenFalse: Driver<X>): X;
export function mux<X extends Readable>(condition: Bool, whenTrue: Driver<X>, whenFalse: X): X;
export function mux<X extends Readable>(condition: Bool, whenTrue: unknown, whenFalse: unknown): X {
  const c = node(condition);
  if (c.width !== 1) throw new HdlError(`a condition has 1 bit, this one has ${c.width}`, { help: 'compare it, or use any()' });
  const site = callSite();
  return zipLeaves([whenTrue, whenFalse], ([t, f]) => {
    if (!t || !f) throw new Error('zipLeaves gave fewer leaves than values');
    const other = t.operand(f);
    if (c.known !== undefined) return c.known === 1n ? t : other;
    return new Bits(t.width, { kind: 'mux', condition: c, whenTrue: t, whenFalse: other }, t.meaning, site);
  }) as X;
}

/** The value whose select bit is 1, if exactly one is (one-hot, not checked in hardware); 0 if none is: an OR of masked values. */
export function muxOneHot<X extends Readable>(select: readonly Bool[], values: readonly X[]): X {
  if (select.length !== values.length || values.length === 0) {
    throw new HdlError(`${select.length} select bits for ${values.length} values`, { help: 'give as many of both' });
  }
  const site = callSite();
  return zipLeaves(values, choices => {
    const masked = (value: Bits, i: number) => {
      const bit = select[i];
      if (!bit) throw new HdlError('a select bit is undefined', { help: 'give each value a select bit' });
      return choose(node(bit), value.raw(), literal(value.width, 0));
    };
    const either = () =>
      choices
        .map(masked)
        .reduce((a, b) => a.or(b))
        .marked(choices[0]?.meaning);
    return sharingSite(either, site);
  }) as X;
}

/** `values[index]`; an index beyond the list gives the last value. */
export function select<X extends Readable>(index: UInt<number>, values: readonly X[]): X {
  const last = values.at(-1);
  if (!last) throw new HdlError('nothing to select from', { help: 'give it one value at least' });
  const chain = () =>
    values.slice(0, -1).reduceRight<X>((rest, value, i) => mux<X>(typed<Bool>(node(index).eq(i)), value, rest), last);
  return sharingSite(chain);
}

/** All parts as one word, most significant first. */
export function cat<Parts extends readonly UInt<number>[]>(...parts: Parts): UInt<TotalWidth<Parts>> {
  return typed(concat(parts.map(node)));
}

/** `n` copies of `value` side by side. */
export function repeat<W extends number, N extends number>(value: UInt<W>, n: N): UInt<Mul<W, N>> {
  return typed(concat(Array.from({ length: n }, () => node(value))));
}

/** 1 if any of them is. @throws HdlError for an empty list. */
export function anyOf(bits: readonly Bool[]): Bool {
  return typed(sharingSite(() => fold(bits, (a, b) => a.or(b))));
}

/** 1 if all of them are. @throws HdlError for an empty list. */
export function allOf(bits: readonly Bool[]): Bool {
  return typed(sharingSite(() => fold(bits, (a, b) => a.and(b))));
}

function fold(bits: readonly Bool[], f: (a: Bits, b: Bits) => Bits): Bits {
  if (bits.length === 0) throw new HdlError('an empty list has no value', { help: 'give it one value at least' });
  return bits.map(node).reduce(f);
}
