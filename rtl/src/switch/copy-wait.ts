import { allOf, anyOf, bool, clog2, input, Module, mux, output, reg, uint, when } from '@hdl/ts-hdl';

/**
 * Keeps the order where an ingress gets TLPs that are copied, broadcasts and writes to multicast groups (C60, C61): the copies come from somewhere else, so what was
 * before the TLP has to leave before it does (`follows`), and what comes behind it waits until its copies have left (`stalls`).
 *
 * Everything is told in two steps: `came` and what goes with it when a beat comes, the rest a cycle later, when it is known what becomes of it. `stalls` is 1 from the cycle
 * after the last beat of a TLP that may be copied, and goes back to 0 after a cycle if it was dropped. Outputs come from registers. Reset forgets all.
 */
export class CopyWait extends Module<{
  /** Posted headers that the ingress advertises. */
  readonly posted: number;
}> {
  /** A beat comes: the first one; the last one; its TLP is one that is copied, if nothing drops it. */
  readonly came = input(bool);
  readonly first = input(bool);
  readonly last = input(bool);
  readonly copyable = input(bool);
  /** A cycle later: a TLP begins; it goes on its way and is copied; it does and is posted; a further beat of it goes; that is the last one; it was left unfinished. */
  readonly begins = input(bool);
  readonly copies = input(bool);
  readonly posted = input(bool);
  readonly goes_on = input(bool);
  readonly ends = input(bool);
  readonly gives_up = input(bool);
  /** A posted TLP has left the buffer; all copies of the last one have. */
  readonly gone = input(bool);
  readonly copied = input(bool);
  readonly stalls = output(bool);
  readonly follows = output(bool);

  private readonly arriving = reg(bool, { init: 0 });
  private readonly stall = reg(bool, { init: 0 });
  /** In the middle of one that is copied; it is whole, and its copies have not all left. */
  private readonly midway = reg(bool, { init: 0 });
  private readonly copying = reg(bool, { init: 0 });
  /** Posted TLPs in the buffer; there are two at least. */
  private readonly posted_there = reg(uint(Math.max(2, clog2(this.p.posted + 1))), { init: 0 });
  private readonly several = reg(bool, { init: 0 });

  protected override logic() {
    const { arriving, stall, midway, copying, posted_there, several, ends } = this;
    const may = mux(this.first, this.copyable, arriving);
    when(this.came, () => arriving.set(may));
    stall.set(allOf([this.came, this.last, may]));
    this.stalls.set(stall.or(copying));

    const goes_on = this.goes_on.and(ends).or(this.gives_up);
    const over = anyOf([this.copies.and(ends), midway.and(goes_on)]);
    when(this.begins, () => midway.set(this.copies.and(ends.not()))).elsewhen(goes_on, () => midway.set(0));
    when(over, () => copying.set(1)).elsewhen(this.copied, () => copying.set(0));
    const now = posted_there;
    const [comes, goes] = [this.posted.and(this.gone.not()), this.gone.and(this.posted.not())];
    now.set(mux(comes, now.add(1), mux(goes, now.sub(1), now)));
    several.set(mux(comes, now.any(), mux(goes, now.gt(2), now.gt(1))));
    this.follows.set(several);
  }
}
