import { bool, input, Module, mux, output, reg, u, uint } from '@hdl/ts-hdl';
import { dllpBytes } from './link-rate.ts';

/** Bits behind the point: rates are exact to 2^-25 bytes per cycle. */
const fractionBits = 24;

/** A rate in units of the budget. */
const units = (rate: number): number => Math.round(rate * 2 ** fractionBits);

/**
 * What a link may send now, in bytes. It grows by `tlp_rate` in each cycle in which something waits (`busy`) and is 0 on an idle link, which stores no
 * time; what is left after a beat counts for the next one, so that the rate is exact in the long run. A stream can be slower than the link for a while, with
 * TLPs of a beat that cost less than a cycle: up to 4,096 bytes are kept meanwhile, so that mixed traffic gets the whole rate.
 *
 * Flow control updates have bytes of their own, `update_rate` per cycle, up to 64; beyond that they are paid from the budget of TLPs.
 */
export class LinkBudget extends Module<{ readonly tlp_rate: number; readonly update_rate: number }> {
  readonly busy = input(bool);
  /** Bytes of the next beat; `enough` for it. */
  readonly cost = input(uint(7));
  readonly enough = output(bool);
  /** The beat goes; only while `enough`. */
  readonly spend = input(bool);
  /** An update has bytes of its own; there are enough of TLPs for one. */
  readonly update_free = output(bool);
  readonly update_enough = output(bool);
  /** An update goes: if not `update_free`, for bytes of TLPs, while no beat goes. */
  readonly update = input(bool);

  private readonly bytes_left = reg(uint(12 + fractionBits), { init: 0 });
  private readonly reserve = reg(uint(6 + fractionBits), { init: 0 });

  protected override logic() {
    const { bytes_left: budget, reserve, spend, update } = this;
    const free = reserve.part(fractionBits, 6).ge(dllpBytes);
    const bytes = budget.part(fractionBits, 12);
    this.enough.set(bytes.ge(this.cost.zext(12)));
    this.update_free.set(free);
    this.update_enough.set(bytes.ge(dllpBytes));

    const borrowed = mux(update.and(free.not()), u(7, dllpBytes), u(7, 0));
    const paid = mux(spend, this.cost, borrowed);
    const left = budget.sub(paid.zext(budget.width).shl(fractionBits));
    budget.set(mux(this.busy, left.addSat(units(this.p.tlp_rate)), u(budget.width, 0)));
    const reserve_left = reserve.sub(mux(update.and(free), u(reserve.width, dllpBytes * 2 ** fractionBits), u(reserve.width, 0)));
    reserve.set(reserve_left.addSat(units(this.p.update_rate)));
  }
}
