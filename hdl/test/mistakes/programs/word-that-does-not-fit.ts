/** A word size that does not divide the value that a signal chooses from. */
import { elaborate, input, Module, output, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly data = input(uint(20 as number));
  readonly index = input(uint(1));
  readonly first = output(uint(8));
  protected override logic() {
    this.first.set(this.data.word(this.index, 8).as(8));
  }
}

elaborate(() => new Top());
