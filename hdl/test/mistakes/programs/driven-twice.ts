/** An output that gets two values. */
import { checked, elaborate, input, Module, output, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly a = input(uint(8));
  readonly b = input(uint(8));
  readonly sum = output(uint(8));
  protected override logic() {
    this.sum.set(this.a);
    this.sum.set(this.b);
  }
}

checked(elaborate(() => new Top()).design);
