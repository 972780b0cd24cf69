/** A number that its register cannot hold. */
import { elaborate, Module, output, reg, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly count = output(uint(4));
  private readonly value = reg(uint(4), { init: 16 });
  protected override logic() {
    this.count.set(this.value);
  }
}

elaborate(() => new Top());
