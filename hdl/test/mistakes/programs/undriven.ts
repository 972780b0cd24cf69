/** An output without a driver, and one that lacks bits. */
import { checked, elaborate, input, Module, output, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly a = input(uint(4));
  readonly sum = output(uint(8));
  readonly flags = output(uint(8));
  protected override logic() {
    this.flags.part(0, 4).set(this.a);
  }
}

checked(elaborate(() => new Top()).design);
