/** A vector driven by fewer values. */
import { bool, elaborate, Module, output, vec } from '../../../src/index.ts';

class Top extends Module {
  readonly q = output(vec(4, bool));
  protected override logic() {
    this.q.set([1, 0, 1] as never);
  }
}

elaborate(() => new Top());
