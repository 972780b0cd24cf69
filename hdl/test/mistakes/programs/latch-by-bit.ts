/** An output of which one bit has a value under a condition only. */
import { bool, checked, elaborate, input, Module, output, uint, when } from '../../../src/index.ts';

class Top extends Module {
  readonly index = input(uint(3));
  readonly enable = input(bool);
  readonly one_hot = output(uint(8));
  readonly flags = output(uint(2));
  protected override logic() {
    this.one_hot.bit(this.index).set(1);
    this.flags.bit(0).set(1);
    when(this.enable, () => this.flags.set(2));
  }
}

checked(elaborate(() => new Top()).design);
