import { anyOf, type Bool, type UInt } from '@hdl/ts-hdl';
import { at } from '../at.ts';

/**
 * One-hot: the first of `wants` that `served` does not name, else the first of all. Where `served` is what `servedUpTo` gives for the one last chosen,
 * each has its turn.
 */
export function roundRobin(wants: readonly Bool[], served: UInt<number>): Bool[] {
  const fresh = wants.map((want, i) => want.and(served.bit(i).not()));
  const wrap = anyOf(fresh).not();
  const again = lowest(wants);
  return lowest(fresh).map((first, i) => first.or(wrap.and(at(again, i))));
}

/** Numbers 0 to i as a mask. */
export const servedUpTo = (i: number): number => 2 ** (i + 1) - 1;

/** One-hot: the lowest bit that is set. */
export function lowest(bits: readonly Bool[]): Bool[] {
  return bits.map((bit, i) => (i === 0 ? bit : bit.and(anyOf(bits.slice(0, i)).not())));
}
