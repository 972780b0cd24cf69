/** A signal with the name of a clock. */
import { bool, checked, clockDomain, elaborate, input, Module, output, reg } from '../../../src/index.ts';

class Top extends Module {
  readonly far = clockDomain({ clock: 'strobe' });
  readonly strobe = input(bool);
  readonly q = output(bool);
  private readonly value = reg(bool, { domain: this.far });
  protected override logic() {
    this.value.set(this.value.not());
    this.q.set(this.value.and(this.strobe));
  }
}

checked(elaborate(() => new Top()).design);
