/** A register that no field holds. */
import { bool, elaborate, Module, output, reg } from '../../../src/index.ts';

class Top extends Module {
  readonly q = output(bool);
  protected override logic() {
    const toggle = reg(bool, { init: 0 });
    toggle.set(toggle.not());
    this.q.set(toggle);
  }
}

elaborate(() => new Top());
