/** The rules of `docs/language-rules.md` as data: each row's text, its hardware, and what integer arithmetic says that it gives. */
import {
  allOf,
  anyOf,
  cat,
  clog2,
  fromGray,
  fromOneHot,
  highestOne,
  isOneHot,
  isOneHotOrZero,
  leadingZeros,
  lowestBit,
  lowestOne,
  mux,
  muxOneHot,
  popCount,
  type Readable,
  repeat,
  reverse,
  type SInt,
  select,
  states,
  toGray,
  toOneHot,
  trailingZeros,
  type UInt,
} from '../../src/index.ts';

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

export const amountWidth = (W: number) => clog2(W) + 1;

const mask = (W: number) => (1n << BigInt(W)) - 1n;
const flag = (v: boolean) => BigInt(v);
const least = (W: number) => -(1n << BigInt(W - 1));
const most = (W: number) => (1n << BigInt(W - 1)) - 1n;
const clamp = (v: bigint, low: bigint, high: bigint) => (v < low ? low : v > high ? high : v);
const bitsOf = (v: bigint, W: number) => Array.from({ length: W }, (_, i) => Number((v >> BigInt(i)) & 1n));
const wordOf = (bits: readonly number[]) => bits.reduceRight((high, bit) => (high << 1n) | BigInt(bit), 0n);
const left = (v: bigint, by: number, W: number) => wordOf(bitsOf(v, W).map((_, i, all) => all[(i - (by % W) + W) % W] ?? 0));
const right = (v: bigint, by: number, W: number) => left(v, W - (by % W), W);
const first = (v: bigint, W: number) => bitsOf(v, W).indexOf(1);
const last = (v: bigint, W: number) => bitsOf(v, W).lastIndexOf(1);
const or = (values: readonly number[]) => values.reduce((p, q) => p | q, 0);

const growing: [string, (W: number, C: number) => number][] = [
  ['W', W => W],
  ['1', () => 1],
  ['W + 1', W => W + 1],
  ['W + C', (W, C) => W + C],
  ['W + 3', W => W + 3],
  ['3 W', W => 3 * W],
  ['2 W', W => 2 * W],
  ['⌈W / 2⌉', W => Math.ceil(W / 2)],
  ['clog2(W)', W => clog2(W)],
  ['clog2(W + 1)', W => clog2(W + 1)],
];

function rule(call: string, result: string, edges: string, hardware: Rule['hardware'], value: Rule['value']): Rule {
  const signed = result.startsWith('S ');
  const text = signed ? result.slice(2) : result;
  const width = growing.find(([name]) => name === text)?.[1];
  if (!width) throw new Error(`no such width: ${result}`);
  return { call, result, edges, width, signed, hardware, value };
}

const Three = states('A', 'B', 'C');
const halfOf = (W: number) => Math.ceil(W / 2);

export const rules: readonly Rule[] = [
  rule(
    'a.add(b)',
    'W',
    'wraps',
    o => o.a.add(o.b),
    v => v.a + v.b,
  ),
  rule(
    'a.add(-1)',
    'W',
    'a negative literal stands for its two’s complement',
    o => o.a.add(-1),
    v => v.a - 1n,
  ),
  rule(
    'a.sub(b)',
    'W',
    'wraps',
    o => o.a.sub(o.b),
    v => v.a - v.b,
  ),
  rule(
    'a.addx(b)',
    'W + 1',
    'exact; the top bit is the carry',
    o => o.a.addx(o.b),
    v => v.a + v.b,
  ),
  rule(
    'a.subx(b)',
    'W + 1',
    'the top bit is the borrow',
    o => o.a.subx(o.b),
    v => v.a - v.b,
  ),
  rule(
    'a.addSat(b)',
    'W',
    'stops at 2^W - 1',
    o => o.a.addSat(o.b),
    v => clamp(v.a + v.b, 0n, mask(v.W)),
  ),
  rule(
    'a.subSat(b)',
    'W',
    'stops at 0',
    o => o.a.subSat(o.b),
    v => clamp(v.a - v.b, 0n, mask(v.W)),
  ),
  rule(
    'a.mul(c)',
    'W + C',
    'exact',
    o => o.a.mul(o.c),
    v => v.a * v.c,
  ),
  rule(
    'a.min(b)',
    'W',
    '',
    o => o.a.min(o.b),
    v => (v.a < v.b ? v.a : v.b),
  ),
  rule(
    'a.max(b)',
    'W',
    '',
    o => o.a.max(o.b),
    v => (v.a > v.b ? v.a : v.b),
  ),
  rule(
    'a.and(b)',
    'W',
    '',
    o => o.a.and(o.b),
    v => v.a & v.b,
  ),
  rule(
    'a.or(b)',
    'W',
    '',
    o => o.a.or(o.b),
    v => v.a | v.b,
  ),
  rule(
    'a.xor(b)',
    'W',
    '',
    o => o.a.xor(o.b),
    v => v.a ^ v.b,
  ),
  rule(
    'a.not()',
    'W',
    '',
    o => o.a.not(),
    v => ~v.a,
  ),
  rule(
    'a.eq(b)',
    '1',
    '',
    o => o.a.eq(o.b),
    v => flag(v.a === v.b),
  ),
  rule(
    'a.ne(b)',
    '1',
    '',
    o => o.a.ne(o.b),
    v => flag(v.a !== v.b),
  ),
  rule(
    'a.lt(b)',
    '1',
    'unsigned',
    o => o.a.lt(o.b),
    v => flag(v.a < v.b),
  ),
  rule(
    'a.le(b)',
    '1',
    'unsigned',
    o => o.a.le(o.b),
    v => flag(v.a <= v.b),
  ),
  rule(
    'a.gt(b)',
    '1',
    'unsigned',
    o => o.a.gt(o.b),
    v => flag(v.a > v.b),
  ),
  rule(
    'a.ge(b)',
    '1',
    'unsigned',
    o => o.a.ge(o.b),
    v => flag(v.a >= v.b),
  ),
  rule(
    'a.inRange(b, b)',
    '1',
    'both ends belong to the range',
    o => o.a.inRange(o.b, o.b),
    v => flag(v.a === v.b),
  ),
  rule(
    'a.inRange(0, b)',
    '1',
    'an end that every value keeps costs nothing',
    o => o.a.inRange(0, o.b),
    v => flag(v.a <= v.b),
  ),
  rule(
    'a.shl(2)',
    'W',
    'zeros come in; 0 from W upward',
    o => o.a.shl(2),
    v => v.a << 2n,
  ),
  rule(
    'a.shr(2)',
    'W',
    'zeros come in; 0 from W upward',
    o => o.a.shr(2),
    v => v.a >> 2n,
  ),
  rule(
    'a.shl(n)',
    'W',
    'n of any width; 0 from W upward',
    o => o.a.shl(o.n),
    v => v.a << v.n,
  ),
  rule(
    'a.shr(n)',
    'W',
    'n of any width; 0 from W upward',
    o => o.a.shr(o.n),
    v => v.a >> v.n,
  ),
  rule(
    'a.rotl(3)',
    'W',
    'by 3 modulo W',
    o => o.a.rotl(3),
    v => left(v.a, 3, v.W),
  ),
  rule(
    'a.rotr(3)',
    'W',
    'by 3 modulo W',
    o => o.a.rotr(3),
    v => right(v.a, 3, v.W),
  ),
  rule(
    'a.rotl(n)',
    'W',
    'n of any width; by n modulo W',
    o => o.a.rotl(o.n),
    v => left(v.a, Number(v.n), v.W),
  ),
  rule(
    'a.rotr(n)',
    'W',
    'n of any width; by n modulo W',
    o => o.a.rotr(o.n),
    v => right(v.a, Number(v.n), v.W),
  ),
  rule(
    'a.cat(c)',
    'W + C',
    'a above c',
    o => o.a.cat(o.c),
    v => (v.a << BigInt(v.C)) | v.c,
  ),
  rule(
    'cat(a, b, a)',
    '3 W',
    'the first is the most significant',
    o => cat(o.a, o.b, o.a),
    v => (((v.a << BigInt(v.W)) | v.b) << BigInt(v.W)) | v.a,
  ),
  rule(
    'repeat(a, 3)',
    '3 W',
    '',
    o => repeat(o.a, 3),
    v => (((v.a << BigInt(v.W)) | v.a) << BigInt(v.W)) | v.a,
  ),
  rule(
    'a.bits(⌈W / 2⌉ - 1, 0)',
    '⌈W / 2⌉',
    'an error outside the word',
    o => o.a.bits(halfOf(o.a.width) - 1, 0),
    v => v.a & mask(halfOf(v.W)),
  ),
  rule(
    'a.part(⌊W / 2⌋, ⌈W / 2⌉)',
    '⌈W / 2⌉',
    'an error outside the word',
    o => o.a.part(Math.floor(o.a.width / 2), halfOf(o.a.width)),
    v => v.a >> BigInt(Math.floor(v.W / 2)),
  ),
  rule(
    'a.bit(n)',
    '1',
    'n of any width; 0 from W upward',
    o => o.a.bit(o.n),
    v => (v.a >> v.n) & 1n,
  ),
  rule(
    'a.word(i, 1)',
    '1',
    'i of clog2(W) bits; 0 from W upward',
    o => o.a.word(o.i, 1),
    v => (v.a >> v.i) & 1n,
  ),
  rule(
    'a.cat(a).word(s, W)',
    'W',
    's of 1 bit chooses one of two words',
    o => o.a.cat(o.b).word(o.s, o.a.width),
    v => (v.s === 1n ? v.a : v.b),
  ),
  rule(
    'a.words(1).at(-1)',
    '1',
    'W must be a multiple of the word',
    o => o.a.words(1).at(-1) ?? o.a.any(),
    v => v.a >> BigInt(v.W - 1),
  ),
  rule(
    'a.zext(W + 3)',
    'W + 3',
    'zeros above; an error if narrower',
    o => o.a.zext(o.a.width + 3),
    v => v.a,
  ),
  rule(
    'a.trunc(⌈W / 2⌉)',
    '⌈W / 2⌉',
    'the low bits',
    o => o.a.trunc(halfOf(o.a.width)),
    v => v.a & mask(halfOf(v.W)),
  ),
  rule(
    'a.as(W)',
    'W',
    'no hardware; an error for another width',
    o => o.a.as(o.a.width),
    v => v.a,
  ),
  rule(
    'a.asSInt()',
    'S W',
    'no hardware',
    o => o.a.asSInt(),
    v => BigInt.asIntN(v.W, v.a),
  ),
  rule(
    'a.any()',
    '1',
    '',
    o => o.a.any(),
    v => flag(v.a !== 0n),
  ),
  rule(
    'a.all()',
    '1',
    '',
    o => o.a.all(),
    v => flag(v.a === mask(v.W)),
  ),
  rule(
    'a.parity()',
    '1',
    '',
    o => o.a.parity(),
    v => BigInt(bitsOf(v.a, v.W).filter(Boolean).length % 2),
  ),
  rule(
    'x.add(y)',
    'S W',
    'wraps',
    o => o.x.add(o.y),
    v => v.x + v.y,
  ),
  rule(
    'x.sub(y)',
    'S W',
    'wraps',
    o => o.x.sub(o.y),
    v => v.x - v.y,
  ),
  rule(
    'x.addx(y)',
    'S W + 1',
    'exact',
    o => o.x.addx(o.y),
    v => v.x + v.y,
  ),
  rule(
    'x.subx(y)',
    'S W + 1',
    'exact',
    o => o.x.subx(o.y),
    v => v.x - v.y,
  ),
  rule(
    'x.addSat(y)',
    'S W',
    'stops at the ends of the range',
    o => o.x.addSat(o.y),
    v => clamp(v.x + v.y, least(v.W), most(v.W)),
  ),
  rule(
    'x.subSat(y)',
    'S W',
    'stops at the ends of the range',
    o => o.x.subSat(o.y),
    v => clamp(v.x - v.y, least(v.W), most(v.W)),
  ),
  rule(
    'x.mul(z)',
    'S W + C',
    'exact',
    o => o.x.mul(o.z),
    v => v.x * v.z,
  ),
  rule(
    'x.neg()',
    'S W',
    'wraps: -2^(W - 1) stays',
    o => o.x.neg(),
    v => -v.x,
  ),
  rule(
    'x.abs()',
    'W',
    'exact: unsigned',
    o => o.x.abs(),
    v => (v.x < 0n ? -v.x : v.x),
  ),
  rule(
    'x.sign()',
    '1',
    '1 if negative',
    o => o.x.sign(),
    v => flag(v.x < 0n),
  ),
  rule(
    'x.min(y)',
    'S W',
    '',
    o => o.x.min(o.y),
    v => (v.x < v.y ? v.x : v.y),
  ),
  rule(
    'x.max(y)',
    'S W',
    '',
    o => o.x.max(o.y),
    v => (v.x > v.y ? v.x : v.y),
  ),
  rule(
    'x.eq(y)',
    '1',
    '',
    o => o.x.eq(o.y),
    v => flag(v.x === v.y),
  ),
  rule(
    'x.ne(y)',
    '1',
    '',
    o => o.x.ne(o.y),
    v => flag(v.x !== v.y),
  ),
  rule(
    'x.lt(y)',
    '1',
    'signed',
    o => o.x.lt(o.y),
    v => flag(v.x < v.y),
  ),
  rule(
    'x.le(y)',
    '1',
    'signed',
    o => o.x.le(o.y),
    v => flag(v.x <= v.y),
  ),
  rule(
    'x.gt(y)',
    '1',
    'signed',
    o => o.x.gt(o.y),
    v => flag(v.x > v.y),
  ),
  rule(
    'x.ge(y)',
    '1',
    'signed',
    o => o.x.ge(o.y),
    v => flag(v.x >= v.y),
  ),
  rule(
    'x.inRange(-1, y)',
    '1',
    'both ends belong to the range',
    o => o.x.inRange(-1, o.y),
    v => flag(v.x >= -1n && v.x <= v.y),
  ),
  rule(
    'x.shl(2)',
    'S W',
    'zeros come in',
    o => o.x.shl(2),
    v => v.x << 2n,
  ),
  rule(
    'x.shr(2)',
    'S W',
    'copies of the sign come in',
    o => o.x.shr(2),
    v => v.x >> 2n,
  ),
  rule(
    'x.shl(n)',
    'S W',
    'n unsigned, of any width; 0 from W upward',
    o => o.x.shl(o.n),
    v => v.x << v.n,
  ),
  rule(
    'x.shr(n)',
    'S W',
    'n unsigned, of any width; all sign from W upward',
    o => o.x.shr(o.n),
    v => v.x >> v.n,
  ),
  rule(
    'x.sext(W + 3)',
    'S W + 3',
    'copies of the sign above; an error if narrower',
    o => o.x.sext(o.x.width + 3),
    v => v.x,
  ),
  rule(
    'x.trunc(⌈W / 2⌉)',
    'S ⌈W / 2⌉',
    'the low bits',
    o => o.x.trunc(halfOf(o.x.width)),
    v => v.x,
  ),
  rule(
    'x.asUInt()',
    'W',
    'no hardware',
    o => o.x.asUInt(),
    v => v.a,
  ),
  rule(
    'mux(s, a, b)',
    'W',
    'of bundles and vectors field by field',
    o => mux(o.s, o.a, o.b),
    v => (v.s === 1n ? v.a : v.b),
  ),
  rule(
    'mux(s, x, -1)',
    'S W',
    'one side may be a literal',
    o => mux(o.s, o.x, -1),
    v => (v.s === 1n ? v.x : -1n),
  ),
  rule(
    'muxOneHot([s, s.not()], [a, b])',
    'W',
    '0 if no select bit is 1, an OR if several are',
    o => muxOneHot([o.s, o.s.not()], [o.a, o.b]),
    v => (v.s === 1n ? v.a : v.b),
  ),
  rule(
    'select(n, [a, b, a])',
    'W',
    'the last one beyond the end',
    o => select(o.n, [o.a, o.b, o.a]),
    v => (v.n === 1n ? v.b : v.a),
  ),
  rule(
    'anyOf([s, a.any()])',
    '1',
    'an error for an empty list',
    o => anyOf([o.s, o.a.any()]),
    v => flag(v.s === 1n || v.a !== 0n),
  ),
  rule(
    'allOf([s, a.any()])',
    '1',
    'an error for an empty list',
    o => allOf([o.s, o.a.any()]),
    v => flag(v.s === 1n && v.a !== 0n),
  ),
  rule(
    'reverse(a)',
    'W',
    '',
    o => reverse(o.a),
    v => wordOf(bitsOf(v.a, v.W).toReversed()),
  ),
  rule(
    'popCount(a)',
    'clog2(W + 1)',
    '',
    o => popCount(o.a),
    v => BigInt(bitsOf(v.a, v.W).filter(Boolean).length),
  ),
  rule(
    'leadingZeros(a)',
    'clog2(W + 1)',
    'W for 0',
    o => leadingZeros(o.a),
    v => BigInt(v.W - 1 - last(v.a, v.W)),
  ),
  rule(
    'trailingZeros(a)',
    'clog2(W + 1)',
    'W for 0',
    o => trailingZeros(o.a),
    v => BigInt(v.a === 0n ? v.W : first(v.a, v.W)),
  ),
  rule(
    'lowestBit(a)',
    'W',
    '0 for 0',
    o => lowestBit(o.a),
    v => v.a & -v.a,
  ),
  rule(
    'lowestOne(a)',
    'clog2(W)',
    '0 for 0',
    o => lowestOne(o.a),
    v => BigInt(Math.max(first(v.a, v.W), 0)),
  ),
  rule(
    'highestOne(a)',
    'clog2(W)',
    '0 for 0',
    o => highestOne(o.a),
    v => BigInt(Math.max(last(v.a, v.W), 0)),
  ),
  rule(
    'toOneHot(i, W)',
    'W',
    'i of clog2(W) bits; 0 from W upward',
    o => toOneHot(o.i, o.a.width),
    v => 1n << v.i,
  ),
  rule(
    'fromOneHot(a)',
    'clog2(W)',
    '0 for 0; of several 1 bits an OR of their numbers',
    o => fromOneHot(o.a),
    v => BigInt(or(bitsOf(v.a, v.W).map((bit, i) => bit * i))),
  ),
  rule(
    'isOneHot(a)',
    '1',
    '',
    o => isOneHot(o.a),
    v => flag(v.a !== 0n && (v.a & (v.a - 1n)) === 0n),
  ),
  rule(
    'isOneHotOrZero(a)',
    '1',
    '',
    o => isOneHotOrZero(o.a),
    v => flag((v.a & (v.a - 1n)) === 0n),
  ),
  rule(
    'toGray(a)',
    'W',
    '',
    o => toGray(o.a),
    v => v.a ^ (v.a >> 1n),
  ),
  rule(
    'fromGray(toGray(a))',
    'W',
    '',
    o => fromGray(toGray(o.a)),
    v => v.a,
  ),
  rule(
    "State.from(cat(s, s), 'B').is('B')",
    '1',
    'a code of no state stands for the state that is named',
    o => Three.from(cat(o.s, o.s), 'B').is('B'),
    v => v.s,
  ),
  rule(
    'State.legal(cat(s, s))',
    '1',
    '',
    o => Three.legal(cat(o.s, o.s)),
    v => 1n - v.s,
  ),
];
