/** A parent that reads a register of its child. */
import { elaborate, Module, output, reg, uint } from '../../../src/index.ts';

class Counter extends Module {
  readonly value = reg(uint(4), { init: 0 });
  protected override logic() {
    this.value.set(this.value.add(1));
  }
}
class Top extends Module {
  readonly q = output(uint(4));
  private readonly counter = new Counter();
  protected override logic() {
    this.q.set(this.counter.value);
  }
}

elaborate(() => new Top());
