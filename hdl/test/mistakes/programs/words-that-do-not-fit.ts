/** A word size that does not divide the value. */
import { elaborate, input, Module, output, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly data = input(uint(20 as number));
  readonly first = output(uint(8));
  protected override logic() {
    const [first] = this.data.words(8);
    this.first.set(first?.as(8) ?? 0);
  }
}

elaborate(() => new Top());
