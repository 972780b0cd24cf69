import type { Add, SliceWidth } from './width-arithmetic.ts';

declare const literal: unique symbol;
declare const direction: unique symbol;
declare const signal: unique symbol;

/** Anything that has a value in hardware. The symbol's type says what may be written in its place in source. */
export interface Readable {
  readonly [literal]: unknown;
}

/** What may be written where an X is wanted: an X, or a literal that elaboration checks. */
export type Driver<X extends Readable> = X | X[typeof literal];

/** A W-bit operand: a signal of exactly W bits, or an integer that fits (checked at elaboration; negative means two's complement). */
export type Val<W extends number> = UInt<W> | number | bigint;

/** One bit. */
export type Bool = UInt<1>;

/**
 * An unsigned value of W bits. Operators keep the width unless their description says otherwise; nothing is extended or truncated
 * implicitly. Computed widths name their operand through `this`, so that `UInt<8>` stays a `UInt<number>`.
 */
export interface UInt<W extends number> extends Readable {
  readonly [literal]: number | bigint;
  readonly width: W;
  /** Wrapping sum, W bits. */
  add(b: Val<W>): UInt<W>;
  /** Wrapping difference, W bits. */
  sub(b: Val<W>): UInt<W>;
  /** Sum with carry, W + 1 bits. */
  addx<A extends number>(this: UInt<A>, b: Val<A>): UInt<Add<A, 1>>;
  /** Full product, A + B bits. */
  mul<A extends number, B extends number>(this: UInt<A>, b: UInt<B>): UInt<Add<A, B>>;
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
  /** Shift left by a constant or by a signal; W bits, zeros come in. */
  shl(n: number | UInt<number>): UInt<W>;
  /** Shift right by a constant or by a signal; W bits, zeros come in. */
  shr(n: number | UInt<number>): UInt<W>;
  /** This value above `low`: A + B bits. */
  cat<A extends number, B extends number>(this: UInt<A>, low: UInt<B>): UInt<Add<A, B>>;
  /** Bits `high` down to `low`. */
  bits<H extends number, L extends number>(high: H, low: L): UInt<SliceWidth<H, L>>;
  /** `n` bits from bit `low` upward. */
  part<N extends number>(low: number, n: N): UInt<N>;
  /** One bit, by constant or by signal (beyond the top: 0). */
  bit(i: number | UInt<number>): Bool;
  /** Zeros above, to N bits. */
  zext<N extends number>(width: N): UInt<N>;
  /** The low N bits. */
  trunc<N extends number>(width: N): UInt<N>;
  /** No hardware: states a width that is checked at elaboration, where the editor only knows `number`. */
  as<N extends number>(width: N): UInt<N>;
  /** 1 if any bit is 1. */
  any(): Bool;
  /** 1 if all bits are 1. */
  all(): Bool;
  /** Exclusive or of all bits. */
  parity(): Bool;
}

/** A value of an enumeration made by `states`. */
export interface Enum<N extends string> extends Readable {
  readonly [literal]: N;
  readonly width: number;
  /** 1 in the named state. */
  is(name: N): Bool;
  /** The encoding: the position of the name in the list. */
  encoded(): UInt<number>;
}

/** A signal that can be driven: wire, register or output. For a register `set` gives the value after the next clock edge. */
export type Var<X extends Readable> = X & { set(value: Driver<X>): void };

/** An input: it can be read but not driven from inside. */
export type In<X> = X & { readonly [direction]: 'in' };

/** A hardware type as a value; the symbol's type is that of its signals. */
export interface HType<X extends Readable = Readable> {
  readonly [signal]: X;
  /** Bits of the packed value. */
  readonly width: number;
}

/** The signals of a hardware type. */
export type Sig<T extends HType> = T[typeof signal];

export interface UIntType<W extends number> extends HType<UInt<W>> {
  readonly width: W;
}

export type EnumType<N extends string> = HType<Enum<N>> & { readonly names: readonly N[] } & { readonly [K in N]: Enum<N> };

export interface Fields {
  readonly [name: string]: HType;
}

export type BundleValue<F extends Fields> = { readonly [literal]: { readonly [K in keyof F]: Driver<Sig<F[K]>> } } & {
  readonly [K in keyof F]: Var<Sig<F[K]>>;
};

/** A bundle type; as a class, so that editors show its name. */
export interface BundleType<F extends Fields> extends HType<BundleValue<F>> {
  new (): object;
  readonly fields: F;
}

export type VecValue<T extends HType> = { readonly [literal]: readonly Driver<Sig<T>>[] } & readonly Var<Sig<T>>[];

export interface VecType<T extends HType> extends HType<VecValue<T>> {
  readonly of: T;
  readonly length: number;
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
  readonly [K in keyof M as M[K] extends { readonly [direction]: 'in' } ? K : never]: M[K] extends Readable
    ? InputDriver<M[K]>
    : never;
};

type InputDriver<X extends Readable> =
  X extends UInt<infer W>
    ? Val<W>
    : X extends Stream<infer T>
      ? Stream<T>
      : X extends readonly (infer E extends Readable)[]
        ? readonly InputDriver<E>[]
        : Omit<X, typeof direction> | X[typeof literal];
