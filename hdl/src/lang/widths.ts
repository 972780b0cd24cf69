import { HdlError } from './errors.ts';
import type { Add, Clog2, Mul, Sub } from './width-arithmetic.ts';

/** `a + b` with a type that follows: widths of generic modules stay checked. */
export function plus<A extends number, B extends number>(a: A, b: B): Add<A, B> {
  return (a + b) as Add<A, B>;
}

/** `a - b` with a type that follows. @throws HdlError if the result is negative. */
export function minus<A extends number, B extends number>(a: A, b: B): Sub<A, B> {
  if (b > a) throw new HdlError(`${a} - ${b} is negative`, { help: 'a width is at least 1' });
  return (a - b) as Sub<A, B>;
}

/** `a * b` with a type that follows. */
export function times<A extends number, B extends number>(a: A, b: B): Mul<A, B> {
  return (a * b) as Mul<A, B>;
}

/** Bits that count 0 .. n - 1, at least 1. */
export function clog2<N extends number>(n: N): Clog2<N> {
  let width = 1;
  while (2 ** width < n) width++;
  return width as Clog2<N>;
}
