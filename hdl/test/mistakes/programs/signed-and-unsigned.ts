/** A signed and an unsigned value in one sum. */
import { elaborate, input, Module, output, sint, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly a = input(uint(8));
  readonly b = input(sint(8));
  readonly sum = output(uint(8));
  protected override logic() {
    this.sum.set(this.a.add(this.b as never));
  }
}

elaborate(() => new Top());
