/** A signed index of a vector. */
import { elaborate, input, Module, output, reg, sint, uint, vec } from '../../../src/index.ts';

class Top extends Module {
  readonly index = input(sint(2));
  readonly q = output(uint(8));
  private readonly bank = reg(vec(4, uint(8)));
  protected override logic() {
    for (const word of this.bank) word.set(0);
    this.q.set(this.bank.at(this.index as never));
  }
}

elaborate(() => new Top());
