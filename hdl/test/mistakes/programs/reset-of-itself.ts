/** A counter that resets itself at once when it is full. */
import { checked, clockDomain, elaborate, Module, output, reg, resetDomain, uint, wire } from '../../../src/index.ts';

class Top extends Module {
  readonly clock = clockDomain({ clock: 'clk', reset: 'none' });
  private readonly full = wire(uint(1));
  readonly main = resetDomain(this.clock, this.full, { default: true });
  readonly value = output(uint(8));
  private readonly count = reg(uint(8), { init: 0 });
  protected override logic() {
    this.full.set(this.count.eq(100));
    this.count.set(this.count.add(1));
    this.value.set(this.count);
  }
}

checked(elaborate(() => new Top()).design);
