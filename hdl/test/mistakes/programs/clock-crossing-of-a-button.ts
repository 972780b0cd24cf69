/** A bit from outside that belongs to no clock. */
import { bool, checked, elaborate, input, Module, output, reg, when } from '../../../src/index.ts';

class Top extends Module {
  readonly button = input(bool, { domain: 'asynchronous' });
  readonly pressed = output(bool);
  private readonly seen = reg(bool, { init: 0 });
  protected override logic() {
    when(this.button, () => this.seen.set(1));
    this.pressed.set(this.seen);
  }
}

checked(elaborate(() => new Top()).design);
