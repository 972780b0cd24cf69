import { cat, u } from '../lang/ops.ts';
import type { Bool, UInt } from '../lang/values.ts';

/** A bit as an exclusive or of others: the set of their numbers. */
export type Sum = bigint;

/** The bits `first`, `first + 1`, ... of a word, each as itself. */
export function bitsFrom(first: number, count: number): Sum[] {
  return Array.from({ length: count }, (_, i) => 1n << BigInt(first + i));
}

/** The word whose bits are the given sums of the bits of `word`, the lowest first. */
export function sumsOf(word: UInt<number>, sums: readonly Sum[]): UInt<number> {
  return cat(...sums.map(sum => sumOf(word, sum)).toReversed());
}

/** Bits that are written one by one: more are told by a mask. */
const few = 4;

function sumOf(word: UInt<number>, sum: Sum): Bool {
  const bits = word.words(1).filter((_, i) => (sum >> BigInt(i)) & 1n);
  return bits.length <= few ? bits.reduce((a, b) => a.xor(b)) : word.and(u(word.width, sum)).parity();
}
