import type { Bool, UInt } from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { roundRobin } from '../link/round-robin.ts';
import { some, upTo, word } from './trees.ts';

/**
 * Turns, chosen fast: whose turn it is among a few is kept as one bit for each two of them, so that each compares itself with every other at once. That costs the
 * square of their number in LUTs; of more than `few` the turns are kept and chosen as in `roundRobin`.
 */
const few = 10;

/** Each two of `count`, the lower one first. */
const pairs = (count: number): (readonly [number, number])[] =>
  Array.from({ length: count }, (_, b) => Array.from({ length: b }, (_, a) => [a, b] as const)).flat();

/** Bits that keep whose turn it is among `count`. All 0: the lowest comes first. */
export const turnBits = (count: number): number => (count > few ? count : pairs(count).length);

/** The turns after the one of `chosen` had its turn, one-hot: it comes last, and who was behind it first. */
export const turnsAfter = (chosen: readonly Bool[]): UInt<number> =>
  chosen.length > few ? upTo(chosen) : word(pairs(chosen.length).map(([a, b]) => some(chosen.slice(a, b))));

/** One-hot: who of `wants` has its turn. */
export function inTurn(wants: readonly Bool[], turns: UInt<number>): Bool[] {
  if (wants.length > few) return roundRobin(wants, turns);
  const ahead = wants.map((): Bool[] => []);
  pairs(wants.length).forEach(([a, b], i) => {
    // The bit is 1 where the last turn lies between the two: then the upper one comes first.
    at(ahead, a).push(at(wants, b).and(turns.bit(i)));
    at(ahead, b).push(at(wants, a).and(turns.bit(i).not()));
  });
  return wants.map((want, i) => want.and(some(at(ahead, i)).not()));
}
