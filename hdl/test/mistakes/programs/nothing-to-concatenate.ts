/** A concatenation of nothing. */
import { cat, elaborate, Module, output, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly q = output(uint(4));
  protected override logic() {
    this.q.set(cat() as never);
  }
}

elaborate(() => new Top());
