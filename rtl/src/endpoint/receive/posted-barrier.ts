import { bool, input, Module, mux, output, reg, type UInt, uint } from '@hdl/ts-hdl';

/**
 * Keeps non-posted requests behind the posted TLPs that came before them (2.4.1, C60, and what makes a read a flush, C8). Both kinds go through a checker
 * (stage 1) and a router (stage 2); posted beats then through the writer (stage 3), which may take long.
 *
 * Every earlier posted beat was taken by stage 1 at least 2 cycles before the request was offered to it (`LinkReceiver` sees to that). When stage 1 takes
 * the request such a beat is therefore in stage 2 or 3, or it stood still in stage 1. That many beats have to leave stage 3 before the request may go: none
 * if nothing stalled, so the barrier costs no cycle then. Later posted beats may pass, and be waited for if they stood there at that time. Stage 2 holds several
 * requests: what is ahead of the newest one is ahead of all that still wait, so all wait for that.
 */
export class PostedBarrier extends Module {
  /** Stage 1 of the posted TLPs holds a beat, and it moves to stage 2. */
  readonly checked = input(bool);
  readonly checked_moves = input(bool);
  /** Stages 2 and 3 hold a beat. */
  readonly routed = input(bool);
  readonly writing = input(bool);
  /** The beat in stage 3 is done. */
  readonly done = input(bool);
  /** Stage 1 takes a non-posted beat; it moves to stage 2. */
  readonly request_comes = input(bool);
  readonly request_moves = input(bool);
  /** The requests in stage 2 have to wait. */
  readonly closed = output(bool);
  private readonly stood = reg(bool, { init: 0 });
  private readonly ahead_of_first = reg(uint(2), { init: 0 });
  private readonly ahead_of_second = reg(uint(2), { init: 0 });

  protected override logic() {
    this.stood.set(this.checked.and(this.checked_moves.not()));
    const ahead = this.stood.zext(2).add(this.routed.zext(2)).add(this.writing.zext(2));
    const less = (count: UInt<2>): UInt<2> => count.subSat(this.done.zext(2));
    this.ahead_of_first.set(less(mux(this.request_comes, ahead, this.ahead_of_first)));
    this.ahead_of_second.set(less(mux(this.request_moves, this.ahead_of_first, this.ahead_of_second)));
    this.closed.set(this.ahead_of_second.any());
  }
}
