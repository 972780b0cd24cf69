/** A child with the name of something inside it. */
import { checked, elaborate, Module, output, reg, uint } from '../../../src/index.ts';

class Counter extends Module {
  readonly count = output(uint(4));
  private readonly value = reg(uint(4), { init: 0 });
  protected override logic() {
    this.value.set(this.value.add(1));
    this.count.set(this.value);
  }
}
class Top extends Module {
  readonly q = output(uint(4));
  private readonly count = new Counter();
  protected override logic() {
    this.q.set(this.count.count);
  }
}

checked(elaborate(() => new Top()).design);
