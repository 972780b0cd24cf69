import { Bits, literal, node, typed } from './bits.ts';
import { choose } from './derived.ts';
import { Encoding } from './encoding.ts';
import { HdlError, quantity } from './errors.ts';
import { ones } from './fold.ts';
import { type Leaf, made } from './shapes.ts';
import { sharingSite } from './site.ts';
import type { Bool, Enum, EnumType, UInt } from './values.ts';

/** Makes enumerations; by default a state's code is its position. */
export interface States {
  /** `const State = states('Idle', 'Run')`: its values are `State.Idle` and so on, encoded in the order of the list. */
  <const N extends string>(...names: readonly N[]): EnumType<N>;
  /** One bit per state; the first is bit 0. */
  oneHot<const N extends string>(...names: readonly N[]): EnumType<N>;
  /** Neighbours in the list differ in one bit. */
  gray<const N extends string>(...names: readonly N[]): EnumType<N>;
  /** Given codes, in `width` bits or as many as the largest needs: `states.coded({ Load: 0x03, Store: 0x23 })`. */
  coded<const N extends string>(codes: { readonly [K in N]: number | bigint }, width?: number): EnumType<N>;
}

/** Makes an enumeration. @throws HdlError for a name or a code that stands twice. */
export const states: States = Object.assign(
  <const N extends string>(...names: readonly N[]) => enumeration(names, i => i, bitsFor(names.length - 1)),
  {
    oneHot: <const N extends string>(...names: readonly N[]) => enumeration(names, i => 1n << i, names.length),
    gray: <const N extends string>(...names: readonly N[]) => enumeration(names, i => i ^ (i >> 1n), bitsFor(names.length - 1)),
    coded: <const N extends string>(codes: { readonly [K in N]: number | bigint }, width?: number) => {
      const names = Object.keys(codes) as N[];
      const values = names.map(name => BigInt(codes[name]));
      const largest = values.reduce((a, b) => (a > b ? a : b), 0n);
      return enumeration(names, i => values[Number(i)] ?? 0n, width ?? bitsFor(largest));
    },
  },
);

function bitsFor(largest: number | bigint): number {
  return Math.max(BigInt(largest).toString(2).length, 1);
}

/** Words that an enumeration has for itself. */
const taken = new Set(['names', 'width', 'from', 'legal', 'prototype', 'make', 'encoding']);

function enumeration<N extends string>(names: readonly N[], codeOf: (i: bigint) => bigint, width: number): EnumType<N> {
  if (names.length === 0) throw new HdlError('an enumeration has at least one state', { help: 'name its states' });
  if (new Set(names).size !== names.length)
    throw new HdlError(`a state stands twice in ${names.join(', ')}`, { help: 'name each state once' });
  const codes = names.map((_, i) => codeOf(BigInt(i)));
  names.forEach((name, i) => {
    const code = codes[i] ?? 0n;
    if (taken.has(name))
      throw new HdlError(`a state cannot be called '${name}'`, {
        help: 'choose another name: this one is a property of the type',
      });
    if (code < 0n || code > ones(width))
      throw new HdlError(`the code ${code} of ${name} does not fit in ${quantity(width, 'bit')}`, {
        help: 'use smaller codes, or a wider type',
      });
    if (codes.indexOf(code) !== i)
      throw new HdlError(`${names[codes.indexOf(code)]} and ${name} have the same code ${code}`, {
        help: 'give each state a code of its own',
      });
  });
  const encoding = new Encoding(names, codes, width);
  const values = names.map((name, i) => [name, new Bits(width, { kind: 'const', value: codes[i] ?? 0n }, encoding)] as const);
  return made({
    width,
    names,
    encoding,
    ...Object.fromEntries(values),
    make: (leaf: Leaf) => leaf(width, encoding, false),
    legal: (word: UInt<number>) => typed<Bool>(sharingSite(() => legal(encoding, node(word)))),
    from: (word: UInt<number>, illegal?: N) => typed<Enum<N>>(sharingSite(() => from(encoding, node(word), illegal))),
  });
}

function legal(encoding: Encoding, word: Bits): Bits {
  word.as(encoding.width);
  if (encoding.full) return literal(1, 1);
  const dense = encoding.codes.every(code => code < BigInt(encoding.codes.length));
  if (dense) return word.lt(encoding.codes.length);
  return encoding.codes.map(code => word.eq(code)).reduce((a, b) => a.or(b));
}

function from(encoding: Encoding, word: Bits, illegal: string | undefined): Bits {
  const state = word.as(encoding.width).marked(encoding);
  if (encoding.full) return state;
  if (illegal === undefined) {
    throw new HdlError(`${encoding.names.length} states do not use all codes of ${quantity(encoding.width, 'bit')}`, {
      help: 'say which state an illegal code stands for',
    });
  }
  return choose(legal(encoding, word), state, state.operand(illegal));
}
