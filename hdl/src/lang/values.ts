import type { ClockDomain, ResetDomain } from './domain.ts';
import type { Encoding } from './encoding.ts';
import type { Add, Clog2, SliceWidth } from './width-arithmetic.ts';

declare const literal: unique symbol;
declare const direction: unique symbol;
declare const parts: unique symbol;

/** Anything that has a value in hardware. The symbols' types say what may be written in its place in source, and what of it can be set apart. */
export interface Readable {
  readonly [literal]: unknown;
  readonly [parts]: unknown;
}

/** What may be written where an X is wanted: an X, or a literal that elaboration checks. */
export type Driver<X extends Readable> = X | X[typeof literal];

/** A W-bit operand: a signal of exactly W bits, or an integer that fits (checked at elaboration; negative means two's complement). */
export type Val<W extends number> = UInt<W> | number | bigint;

/** A signed W-bit operand: a signal of exactly W bits, or an integer from -2^(W-1) to 2^(W-1) - 1 (checked at elaboration). */
export type SignedVal<W extends number> = SInt<W> | number | bigint;

/** One bit. */
export type Bool = UInt<1>;

/** Anything of W bits: what computed widths take their operand from. */
interface Sized<W extends number> {
  readonly width: W;
}

/**
 * An unsigned value of W bits. Operators keep the width unless their description says otherwise; nothing is extended or truncated
 * implicitly. Computed widths name their operand through `this`, so that `UInt<8>` stays a `UInt<number>`.
 */
export interface UInt<W extends number> extends Readable {
  readonly [literal]: number | bigint;
  readonly [parts]: UIntParts;
  readonly width: W;
  /** Wrapping sum, W bits. */
  add(b: Val<W>): UInt<W>;
  /** Wrapping difference, W bits. */
  sub(b: Val<W>): UInt<W>;
  /** Sum with carry, W + 1 bits. */
  addx<A extends number>(this: Sized<A>, b: Val<A>): UInt<Add<A, 1>>;
  /** Difference with borrow, W + 1 bits: the top bit is 1 if `b` is the larger. */
  subx<A extends number>(this: Sized<A>, b: Val<A>): UInt<Add<A, 1>>;
  /** Sum, or all ones if it does not fit. */
  addSat(b: Val<W>): UInt<W>;
  /** Difference, or 0 if it would be negative. */
  subSat(b: Val<W>): UInt<W>;
  /** Full product, A + B bits. */
  mul<A extends number, B extends number>(this: Sized<A>, b: UInt<B>): UInt<Add<A, B>>;
  /** The smaller one. */
  min(b: Val<W>): UInt<W>;
  /** The larger one. */
  max(b: Val<W>): UInt<W>;
  and(b: Val<W>): UInt<W>;
  or(b: Val<W>): UInt<W>;
  xor(b: Val<W>): UInt<W>;
  not(): UInt<W>;
  eq(b: Val<W>): Bool;
  ne(b: Val<W>): Bool;
  /** Unsigned comparison. */
  lt(b: Val<W>): Bool;
  le(b: Val<W>): Bool;
  gt(b: Val<W>): Bool;
  ge(b: Val<W>): Bool;
  /** Whether `low <= this <= high`. */
  inRange(low: Val<W>, high: Val<W>): Bool;
  /** Shift left by a constant or by a signal; W bits, zeros come in. */
  shl(n: number | UInt<number>): UInt<W>;
  /** Shift right by a constant or by a signal; W bits, zeros come in. */
  shr(n: number | UInt<number>): UInt<W>;
  /** Rotation towards the most significant bit, by n modulo W. */
  rotl(n: number | UInt<number>): UInt<W>;
  /** Rotation towards the least significant bit, by n modulo W. */
  rotr(n: number | UInt<number>): UInt<W>;
  /** This value above `low`: A + B bits. */
  cat<A extends number, B extends number>(this: Sized<A>, low: UInt<B>): UInt<Add<A, B>>;
  /** Bits `high` down to `low`. */
  bits<H extends number, L extends number>(high: H, low: L): UInt<SliceWidth<H, L>>;
  /** `n` bits from bit `low` upward. */
  part<N extends number>(low: number, n: N): UInt<N>;
  /** One bit, by constant or by signal (beyond the top: 0). */
  bit(i: number | UInt<number>): Bool;
  /** The i-th word of n bits from the bottom (beyond the top: 0); a signal i has just the bits that count the words. */
  word<N extends number>(i: number | UInt<number>, n: N): UInt<N>;
  /** All words of n bits, the lowest first. */
  words<N extends number>(n: N): readonly UInt<N>[];
  /** Zeros above, to N bits. */
  zext<N extends number>(width: N): UInt<N>;
  /** The low N bits. */
  trunc<N extends number>(width: N): UInt<N>;
  /** No hardware: states a width that is checked at elaboration, where the editor only knows `number`. */
  as<N extends number>(width: N): UInt<N>;
  /** No hardware: the same bits as a two's complement number. */
  asSInt(): SInt<W>;
  /** 1 if any bit is 1. */
  any(): Bool;
  /** 1 if all bits are 1. */
  all(): Bool;
  /** Exclusive or of all bits. */
  parity(): Bool;
}

/** Parts of an unsigned signal that can be set apart from the rest. */
export interface UIntParts {
  /** Bits `high` down to `low`. */
  bits<H extends number, L extends number>(high: H, low: L): Var<UInt<SliceWidth<H, L>>>;
  /** `n` bits from bit `low` upward. */
  part<N extends number>(low: number, n: N): Var<UInt<N>>;
  /** One bit, by constant or by signal: beyond the top it reads 0 and setting it does nothing. */
  bit(i: number | UInt<number>): Var<Bool>;
  /**
   * The i-th word of n bits from the bottom; a signal i has just the bits that count the words. Beyond the top it reads 0 and setting it does
   * nothing.
   */
  word<N extends number>(i: number | UInt<number>, n: N): Var<UInt<N>>;
  /** All words of n bits, the lowest first. */
  words<N extends number>(n: N): readonly Var<UInt<N>>[];
}

/**
 * A two's complement value of W bits. Operators keep the width unless their description says otherwise. It does not mix with `UInt`: `asUInt()`
 * and `asSInt()` convert without hardware.
 */
export interface SInt<W extends number> extends Readable {
  readonly [literal]: number | bigint;
  readonly [parts]: SIntParts<W>;
  readonly width: W;
  /** Wrapping sum, W bits. */
  add(b: SignedVal<W>): SInt<W>;
  /** Wrapping difference, W bits. */
  sub(b: SignedVal<W>): SInt<W>;
  /** Full sum, W + 1 bits. */
  addx<A extends number>(this: Sized<A>, b: SignedVal<A>): SInt<Add<A, 1>>;
  /** Full difference, W + 1 bits. */
  subx<A extends number>(this: Sized<A>, b: SignedVal<A>): SInt<Add<A, 1>>;
  /** Sum, or the nearest value that fits. */
  addSat(b: SignedVal<W>): SInt<W>;
  /** Difference, or the nearest value that fits. */
  subSat(b: SignedVal<W>): SInt<W>;
  /** Full product, A + B bits. */
  mul<A extends number, B extends number>(this: Sized<A>, b: SInt<B>): SInt<Add<A, B>>;
  /** Negative, W bits: the lowest value stays as it is. */
  neg(): SInt<W>;
  /** Magnitude; that of the lowest value fits too, as it is unsigned. */
  abs(): UInt<W>;
  /** 1 if negative. */
  sign(): Bool;
  /** The smaller one. */
  min(b: SignedVal<W>): SInt<W>;
  /** The larger one. */
  max(b: SignedVal<W>): SInt<W>;
  eq(b: SignedVal<W>): Bool;
  ne(b: SignedVal<W>): Bool;
  /** Signed comparison. */
  lt(b: SignedVal<W>): Bool;
  le(b: SignedVal<W>): Bool;
  gt(b: SignedVal<W>): Bool;
  ge(b: SignedVal<W>): Bool;
  /** Whether `low <= this <= high`. */
  inRange(low: SignedVal<W>, high: SignedVal<W>): Bool;
  /** Shift left by a constant or by a signal; W bits, zeros come in. */
  shl(n: number | UInt<number>): SInt<W>;
  /** Shift right by a constant or by a signal; W bits, copies of the sign come in. */
  shr(n: number | UInt<number>): SInt<W>;
  /** Copies of the sign above, to N bits. */
  sext<N extends number>(width: N): SInt<N>;
  /** The low N bits. */
  trunc<N extends number>(width: N): SInt<N>;
  /** No hardware: states a width that is checked at elaboration, where the editor only knows `number`. */
  as<N extends number>(width: N): SInt<N>;
  /** No hardware: the same bits as an unsigned number. */
  asUInt(): UInt<W>;
}

/** A signed signal's bits, which can be set. */
export interface SIntParts<W extends number> {
  /** No hardware: the same bits as an unsigned number. */
  asUInt(): Var<UInt<W>>;
}

/** A value of an enumeration made by `states`. */
export interface Enum<N extends string> extends Readable {
  readonly [literal]: N;
  readonly width: number;
  /** 1 in the named state. */
  is(name: N): Bool;
  eq(b: Enum<N> | N): Bool;
  ne(b: Enum<N> | N): Bool;
  /** The code. */
  encoded(): UInt<number>;
}

/** A signal that can be driven: wire, register or output, and parts of such. For a register `set` gives the value after the next clock edge. */
export type Var<X extends Readable> = { set(value: Driver<X>): void } & X[typeof parts] & X;

/** An input: it can be read but not driven from inside. The mark is optional, so that any X may stand beside it in a `mux`. */
export type In<X> = X & { readonly [direction]?: 'in' };

/** Whether X is an input: `unknown`, or `never`. */
export type IsInput<X> = typeof direction extends keyof X ? unknown : never;

/** A hardware type as a value. The type of `prototype` is that of its signals (which makes a class that extends `Bundle` a hardware type). */
export interface HType<X extends Readable = Readable> {
  readonly prototype: X;
  /** Bits of the packed value. */
  readonly width: number;
}

/** The signals of a hardware type. */
export type Sig<T extends HType> = T['prototype'];

export interface UIntType<W extends number> extends HType<UInt<W>> {
  readonly width: W;
}

export interface SIntType<W extends number> extends HType<SInt<W>> {
  readonly width: W;
}

/** An enumeration: its values are properties. */
export type EnumType<N extends string> = HType<Enum<N>> & EnumOperations<N> & { readonly [K in N]: Enum<N> };

export interface EnumOperations<N extends string> {
  readonly names: readonly N[];
  readonly encoding: Encoding;
  /**
   * The state that a word is the code of. A code of no state stands for the state `illegal`, which is left out only where there is no such code.
   * @throws HdlError for a word of another width, and where `illegal` is missing.
   */
  from(word: UInt<number>, illegal?: N): Enum<N>;
  /** Whether a word is the code of a state. */
  legal(word: UInt<number>): Bool;
}

export interface Fields {
  readonly [name: string]: HType;
}

/** The type of a bundle's field that goes against the bundle's direction. */
export type Flipped<T extends HType> = T & FlippedMark;
interface FlippedMark {
  readonly '~flipped': true;
}

export type BundleValue<F extends Fields> = {
  readonly [literal]: { readonly [K in keyof F]: F[K] extends FlippedMark ? Var<Sig<F[K]>> : Driver<Sig<F[K]>> };
  readonly [parts]: unknown;
} & {
  readonly [K in keyof F]: Var<Sig<F[K]>>;
};

/** A bundle type; as a class, so that editors show its name and so that it can have methods. */
export interface BundleType<F extends Fields> {
  new (): BundleValue<F>;
  readonly prototype: BundleValue<F>;
  readonly width: number;
  readonly fields: F;
  /** A value of this type from its fields; `set` and `mux` take the fields as they are. */
  of<T extends HType>(this: T, fields: Sig<T>[typeof literal]): Sig<T>;
}

export type VecValue<T extends HType, N extends number = number> = {
  readonly [literal]: readonly Driver<Sig<T>>[];
  readonly [parts]: unknown;
  /** The element that a signal chooses, of just the bits that count them; beyond the end the last one is read and none is set. */
  at(index: UInt<Clog2<N>>): Var<Sig<T>>;
} & readonly Var<Sig<T>>[];

export interface VecType<T extends HType, N extends number = number> extends HType<VecValue<T, N>> {
  readonly of: T;
  readonly length: N;
}

/**
 * A valid/ready stream. The producer drives `valid` and the payload and keeps both until `ready`; the consumer drives `ready`. A word moves
 * in every cycle in which both are 1.
 */
export interface Stream<T extends HType> extends Readable {
  readonly payload: Var<Sig<T>>;
  readonly valid: Var<Bool>;
  readonly ready: Var<Bool>;
  /** `valid & ready`: a word moves in this cycle. */
  readonly fire: Bool;
  /** Drives the payload. */
  put(value: Driver<Sig<T>>): void;
  /** Takes valid and payload from `source` and gives it ready. */
  from(source: Stream<T>): void;
}

export interface StreamType<T extends HType> extends HType<Stream<T>> {
  readonly of: T;
}

/** Every input of M by name, with what may drive it: a forgotten input does not compile. */
export type InputsOf<M> = {
  readonly [K in keyof M as unknown extends IsInput<M[K]>
    ? K
    : M[K] extends ResetDomain
      ? never
      : M[K] extends ClockDomain
        ? K
        : never]: M[K] extends ClockDomain ? ClockDomain : M[K] extends Readable ? InputDriver<M[K]> : never;
};

/** Words are told by what of them can be set, which is cheaper for the compiler than comparing all their methods. */
type InputDriver<X extends Readable> = X extends { readonly [parts]: UIntParts; readonly width: infer W extends number }
  ? Val<W>
  : X extends { readonly [parts]: SIntParts<infer W> }
    ? SignedVal<W>
    : X extends Stream<infer T>
      ? Stream<T>
      : X extends readonly (infer E extends Readable)[]
        ? readonly InputDriver<E>[]
        : Omit<X, typeof direction> | X[typeof literal];
