/** A word as the condition of a mux. */
import { elaborate, input, Module, mux, output, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly a = input(uint(4));
  readonly q = output(uint(4));
  protected override logic() {
    this.q.set(mux(this.a as never, this.a, this.a.not()));
  }
}

elaborate(() => new Top());
