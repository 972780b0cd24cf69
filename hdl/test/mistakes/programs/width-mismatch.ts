/** Two widths that only meet when the program runs. */
import { elaborate, input, Module, output, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly a = input(uint(8 as number));
  readonly sum = output(uint(4 as number));
  protected override logic() {
    this.sum.set(this.a);
  }
}

elaborate(() => new Top());
