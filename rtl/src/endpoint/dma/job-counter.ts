import { type Bool, bool, cat, clog2, input, Module, output, reg, uint, vec, when } from '@hdl/ts-hdl';
import { at } from '../../at.ts';

/**
 * Counts the jobs of each function that an engine has taken and not yet answered. `idle` says so a cycle later, a bit per function: at a function
 * level reset it is over when the bit is 1 (C84). Reset sets all to 0.
 */
export class JobCounter extends Module<{
  readonly functions: number;
  /** Jobs that are inside at the most. */
  readonly jobs: number;
}> {
  /** A job of `taken_function` was taken, one of `answered_function` was answered. */
  readonly taken = input(bool);
  readonly taken_function = input(uint(3));
  readonly answered = input(bool);
  readonly answered_function = input(uint(3));
  readonly idle = output(uint(this.p.functions));
  private readonly counts = reg(vec(this.p.functions, uint(clog2(this.p.jobs + 1))), { init: 0 });

  protected override logic() {
    const idle: Bool[] = Array.from({ length: this.p.functions }, (_, i) => {
      const count = at(this.counts, i);
      const mine = (valid: Bool, index: typeof this.taken_function) => (this.p.functions === 1 ? valid : valid.and(index.eq(i)));
      const up = mine(this.taken, this.taken_function);
      const down = mine(this.answered, this.answered_function);
      when(up.and(down.not()), () => count.set(count.add(1))).elsewhen(down.and(up.not()), () => count.set(count.sub(1)));
      return count.any().not();
    });
    this.idle.set(cat(...idle.toReversed()));
  }
}
