import { cat, u } from '../lang/ops.ts';
import type { UInt } from '../lang/values.ts';

/** A bit as an exclusive or of others: the set of their numbers. */
export type Sum = bigint;

/** The bits `first`, `first + 1`, ... of a word, each as itself. */
export function bitsFrom(first: number, count: number): Sum[] {
  return Array.from({ length: count }, (_, i) => 1n << BigInt(first + i));
}

/** The word whose bits are the given sums of the bits of `word`, the lowest first. */
export function sumsOf(word: UInt<number>, sums: readonly Sum[]): UInt<number> {
  return cat(...sums.map(sum => word.and(u(word.width, sum)).parity()).toReversed());
}
