/**
 * Arithmetic on number literals in the type system, digit by digit: the cost grows with the number of digits, not with the numbers, and the
 * checker caches each pair. Where either side is only known as `number` the result is `number`, and elaboration checks the width instead.
 */

/** Sum of two digits and a carry: `Sums[carry][a][b]` is the two-digit result. Rows are written as one string per digit. */
type Digit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9';
type Successor = {
  '0': '1';
  '1': '2';
  '2': '3';
  '3': '4';
  '4': '5';
  '5': '6';
  '6': '7';
  '7': '8';
  '8': '9';
  '9': '10';
};

/** The digits `0` .. `19` as a tuple: index i holds its own two-digit text. */
type Twenty = [
  '00',
  '01',
  '02',
  '03',
  '04',
  '05',
  '06',
  '07',
  '08',
  '09',
  '10',
  '11',
  '12',
  '13',
  '14',
  '15',
  '16',
  '17',
  '18',
  '19',
];
type Rotate<T extends readonly string[]> = T extends readonly [infer H extends string, ...infer R extends string[]]
  ? [...R, H]
  : T;

/** `Rows[a]` is `Twenty` rotated left by a: `Rows[a][b]` is a + b. */
type R0 = Twenty;
type R1 = Rotate<R0>;
type R2 = Rotate<R1>;
type R3 = Rotate<R2>;
type R4 = Rotate<R3>;
type R5 = Rotate<R4>;
type R6 = Rotate<R5>;
type R7 = Rotate<R6>;
type R8 = Rotate<R7>;
type R9 = Rotate<R8>;
type R10 = Rotate<R9>;
interface Rows {
  '0': R0;
  '1': R1;
  '2': R2;
  '3': R3;
  '4': R4;
  '5': R5;
  '6': R6;
  '7': R7;
  '8': R8;
  '9': R9;
  '10': R10;
}

/** The ten's complement digit: 9 - d. */
interface Nines {
  '0': '9';
  '1': '8';
  '2': '7';
  '3': '6';
  '4': '5';
  '5': '4';
  '6': '3';
  '7': '2';
  '8': '1';
  '9': '0';
}

type Reverse<S extends string, Out extends string = ''> = S extends `${infer H}${infer T}` ? Reverse<T, `${H}${Out}`> : Out;
type StripZeros<S extends string> = S extends '0' ? '0' : S extends `0${infer T}` ? StripZeros<T> : S;
type ToNumber<S extends string> = StripZeros<S> extends `${infer N extends number}` ? N : never;
type Head<S extends string> = S extends `${infer H extends Digit}${string}` ? H : '0';
type Tail<S extends string> = S extends `${Digit}${infer T}` ? T : '';

/** a + b + carry as two digits. */
type AddDigits<A extends Digit, B extends Digit, Carry extends '0' | '1'> = Rows[Carry extends '1' ? Successor[A] : A][B &
  keyof R0];

/** Least significant digit first. */
type AddReversed<X extends string, Y extends string, Carry extends '0' | '1', Out extends string> = `${X}${Y}` extends ''
  ? Carry extends '1'
    ? `1${Out}`
    : Out
  : AddDigits<Head<X>, Head<Y>, Carry> extends `${infer K extends '0' | '1'}${infer V}`
    ? AddReversed<Tail<X>, Tail<Y>, K, `${V}${Out}`>
    : never;

/** x - y by adding the complement of y: `Carry` 1 means no borrow. */
type SubReversed<X extends string, Y extends string, Carry extends '0' | '1', Out extends string> = X extends ''
  ? Y extends ''
    ? Carry extends '1'
      ? Out
      : never
    : never
  : AddDigits<Head<X>, Nines[Head<Y>], Carry> extends `${infer K extends '0' | '1'}${infer V}`
    ? SubReversed<Tail<X>, Tail<Y>, K, `${V}${Out}`>
    : never;

/** A + B; `number` where either is only known as `number`. */
export type Add<A extends number, B extends number> = number extends A
  ? number
  : number extends B
    ? number
    : ToNumber<AddReversed<Reverse<`${A}`>, Reverse<`${B}`>, '0', ''>>;

/** A - B; `number` where either is only known as `number`, `never` where the result would be negative. */
export type Sub<A extends number, B extends number> = number extends A
  ? number
  : number extends B
    ? number
    : ToNumber<SubReversed<Reverse<`${A}`>, Reverse<`${B}`>, '1', ''>>;

/** Width of the slice [High:Low]. */
export type SliceWidth<High extends number, Low extends number> = Add<Sub<High, Low>, 1>;

type TimesDigit<A extends number, D extends Digit> = D extends '0'
  ? 0
  : D extends '1'
    ? A
    : Add<TimesDigit<A, Predecessor[D]>, A>;
interface Predecessor {
  '0': '0';
  '1': '0';
  '2': '1';
  '3': '2';
  '4': '3';
  '5': '4';
  '6': '5';
  '7': '6';
  '8': '7';
  '9': '8';
}

/** Digits of the second factor from the most significant one, as on paper. */
type MulDigits<A extends number, Y extends string, Out extends number> = Y extends `${infer D extends Digit}${infer Rest}`
  ? MulDigits<A, Rest, Add<ToNumber<`${Out}0`>, TimesDigit<A, D>>>
  : Out;

/** A * B; `number` where either is only known as `number`. */
export type Mul<A extends number, B extends number> = number extends A
  ? number
  : number extends B
    ? number
    : MulDigits<A, `${B}`, 0>;

/** Sum of the widths of a list of known length. */
export type TotalWidth<Parts extends readonly unknown[]> = number extends Parts['length']
  ? number
  : Parts extends readonly [{ readonly width: infer W extends number }, ...infer Rest]
    ? Rest extends readonly []
      ? W
      : Add<W, TotalWidth<Rest>>
    : 0;

interface Log2 {
  1: 1;
  2: 1;
  4: 2;
  8: 3;
  16: 4;
  32: 5;
  64: 6;
  128: 7;
  256: 8;
  512: 9;
  1024: 10;
  2048: 11;
  4096: 12;
}

/** Powers of two that can be the next one after a number, by its count of digits. */
interface Powers {
  1: [[4, 2], [8, 3], [16, 4]];
  2: [[16, 4], [32, 5], [64, 6], [128, 7]];
  3: [[128, 7], [256, 8], [512, 9], [1024, 10]];
  4: [[1024, 10], [2048, 11], [4096, 12], [8192, 13], [16384, 14]];
  5: [[16384, 14], [32768, 15], [65536, 16], [131072, 17]];
  6: [[131072, 17], [262144, 18], [524288, 19], [1048576, 20]];
}
type Length<S extends string, Out extends 0[] = []> = S extends `${string}${infer T}` ? Length<T, [...Out, 0]> : Out['length'];
type FirstAtLeast<N extends number, List> = List extends [[infer P extends number, infer Log extends number], ...infer Rest]
  ? [Sub<P, N>] extends [never]
    ? FirstAtLeast<N, Rest>
    : Log
  : number;

/** Bits that count 0 .. N - 1, at least 1; `number` from a million upward. */
export type Clog2<N extends number> = number extends N
  ? number
  : N extends keyof Log2
    ? Log2[N]
    : Length<`${N}`> extends infer D extends keyof Powers
      ? FirstAtLeast<N, Powers[D]>
      : number;

/** Bits that hold the counts 0 .. W. */
export type CountWidth<W extends number> = Clog2<Add<W, 1>>;
