import { clog2, type Readable, type SInt, type UInt } from '../../src/index.ts';

/** Signals of a rule: `a` and `b` of W bits, the same bits signed as `x` and `y`, `c` of C bits and signed `z`, an amount, an index, one bit. */
export interface Operands {
  readonly a: UInt<number>;
  readonly b: UInt<number>;
  readonly c: UInt<number>;
  readonly x: SInt<number>;
  readonly y: SInt<number>;
  readonly z: SInt<number>;
  readonly n: UInt<number>;
  readonly i: UInt<number>;
  readonly s: UInt<1>;
}

/** The same as numbers, with their widths. */
export interface Numbers {
  readonly a: bigint;
  readonly b: bigint;
  readonly c: bigint;
  readonly x: bigint;
  readonly y: bigint;
  readonly z: bigint;
  readonly n: bigint;
  readonly i: bigint;
  readonly s: bigint;
  readonly W: number;
  readonly C: number;
}

/** A line of the document's tables. */
export interface Rule {
  /** As it is written, and as it stands in the document. */
  readonly call: string;
  /** Width of the result in the document's words, with S for a signed one. */
  readonly result: string;
  /** What happens at the edges. */
  readonly edges: string;
  readonly width: (W: number, C: number) => number;
  readonly signed: boolean;
  readonly hardware: (o: Operands) => Readable;
  readonly value: (v: Numbers) => bigint;
}

/** Bits of `n`: room for amounts beyond the width. */
export const amountWidth = (W: number) => clog2(W) + 1;

/** The greatest unsigned number of W bits. */
export const mask = (W: number) => (1n << BigInt(W)) - 1n;
/** 1 for true. */
export const flag = (v: boolean) => BigInt(v);
/** The lowest signed number of W bits. */
export const least = (W: number) => -(1n << BigInt(W - 1));
/** The greatest signed number of W bits. */
export const most = (W: number) => (1n << BigInt(W - 1)) - 1n;
/** The nearest number of a range. */
export const clamp = (v: bigint, low: bigint, high: bigint) => (v < low ? low : v > high ? high : v);
/** The bits of a number, the lowest first. */
export const bitsOf = (v: bigint, W: number) => Array.from({ length: W }, (_, i) => Number((v >> BigInt(i)) & 1n));
/** The number of such bits. */
export const wordOf = (bits: readonly number[]) => bits.reduceRight((high, bit) => (high << 1n) | BigInt(bit), 0n);
/** Bits of the larger half of W. */
export const halfOf = (W: number) => Math.ceil(W / 2);

/** Widths of results, by what the document calls them. */
const growing: [string, (W: number, C: number) => number][] = [
  ['W', W => W],
  ['1', () => 1],
  ['W + 1', W => W + 1],
  ['W + C', (W, C) => W + C],
  ['W + 3', W => W + 3],
  ['3 W', W => 3 * W],
  ['⌈W / 2⌉', W => Math.ceil(W / 2)],
  ['clog2(W)', W => clog2(W)],
  ['clog2(W + 1)', W => clog2(W + 1)],
];

/** @throws Error for a width that is not in the list above. */
export function rule(call: string, result: string, edges: string, hardware: Rule['hardware'], value: Rule['value']): Rule {
  const signed = result.startsWith('S ');
  const text = signed ? result.slice(2) : result;
  const width = growing.find(([name]) => name === text)?.[1];
  if (!width) throw new Error(`no such width: ${result}`);
  return { call, result, edges, width, signed, hardware, value };
}
