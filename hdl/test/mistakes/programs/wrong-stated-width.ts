/** A width that is stated, but is another. */
import { elaborate, input, Module, output, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly a = input(uint(8 as number));
  readonly q = output(uint(4));
  protected override logic() {
    this.q.set(this.a.as(4));
  }
}

elaborate(() => new Top());
