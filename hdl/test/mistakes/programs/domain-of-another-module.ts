/** A register in a domain of the parent. */
import { bool, type ClockDomain, clockDomain, elaborate, Module, reg } from '../../../src/index.ts';

class Stage extends Module<{ domain: ClockDomain }> {
  readonly value = reg(bool, { init: 0, domain: this.p.domain });
  protected override logic() {
    this.value.set(this.value.not());
  }
}
class Top extends Module {
  readonly fast = clockDomain();
  readonly stage = new Stage({ domain: this.fast });
  protected override logic() {}
}

elaborate(() => new Top());
