/** A reset from outside that ends at any time. */
import { bool, checked, clockDomain, elaborate, input, Module, output, reg, resetDomain, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly clock = clockDomain({ clock: 'clk', reset: 'none' });
  readonly rst_n = input(bool, { domain: 'asynchronous' });
  readonly main = resetDomain(this.clock, this.rst_n, { active: 'low', default: true });
  readonly value = output(uint(8));
  private readonly count = reg(uint(8), { init: 0 });
  protected override logic() {
    this.count.set(this.count.add(1));
    this.value.set(this.count);
  }
}

checked(elaborate(() => new Top()).design);
