/** An output that has a value under a condition only. */
import { bool, checked, elaborate, input, Module, output, uint, when } from '../../../src/index.ts';

class Top extends Module {
  readonly enable = input(bool);
  readonly d = input(uint(8));
  readonly q = output(uint(8));
  protected override logic() {
    when(this.enable, () => this.q.set(this.d));
  }
}

checked(elaborate(() => new Top()).design);
