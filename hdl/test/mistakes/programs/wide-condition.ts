/** A word as a condition. */
import { bool, elaborate, input, Module, output, uint, when } from '../../../src/index.ts';

class Top extends Module {
  readonly a = input(uint(4));
  readonly q = output(bool);
  protected override logic() {
    this.q.set(0);
    when(this.a as never, () => this.q.set(1));
  }
}

elaborate(() => new Top());
