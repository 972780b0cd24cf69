import { mux, u } from '../lang/ops.ts';
import type { UInt } from '../lang/values.ts';

/** What follows `count` where 0 .. n - 1 are counted in a circle. */
export function successor<W extends number>(count: UInt<W>, n: number): UInt<W> {
  const next = count.add(1);
  return 2 ** count.width === n ? next : mux(count.eq(n - 1), u(count.width, 0), next);
}
