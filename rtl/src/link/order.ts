import { type Bool, clog2, type UInt } from '@hdl/ts-hdl';

/**
 * How order between classes is kept (2.4.1, rule C60): whatever must not pass posted TLPs is stamped with the number of posted TLPs that entered before
 * it, and waits until that many have gone on.
 */

/**
 * Bits of the two counts and of a stamp where at most `posted` posted TLPs wait: four times as many as can wait. So a TLP that was held up while many
 * posted ones passed it waits in error for at most a quarter of the time, until its stamp no longer looks like one of a TLP that waits.
 */
export const stampBits = (posted: number): number => clog2(posted + 1) + 2;

/** Whether posted TLPs that entered before the stamped one still wait: `entered` and `gone` count those that entered and went on. */
export function mustWait(stamp: UInt<number>, entered: UInt<number>, gone: UInt<number>): Bool {
  const ahead = stamp.sub(gone);
  return ahead.any().and(ahead.le(entered.sub(gone)));
}
