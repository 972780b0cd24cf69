/** A reset value that is no constant. */
import { elaborate, input, Module, output, reg, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly start = input(uint(4));
  readonly q = output(uint(4));
  private readonly value = reg(uint(4), { init: this.start as never });
  protected override logic() {
    this.q.set(this.value);
  }
}

elaborate(() => new Top());
