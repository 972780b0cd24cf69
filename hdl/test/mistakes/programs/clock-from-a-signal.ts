/** A signal as a clock. */
import { bool, clockDomain, connect, elaborate, input, Module } from '../../../src/index.ts';

class Stage extends Module {
  readonly slow = clockDomain();
  protected override logic() {}
}
class Top extends Module {
  readonly strobe = input(bool);
  private readonly stage = new Stage();
  protected override logic() {
    connect(this.stage, { slow: this.strobe } as never);
  }
}

elaborate(() => new Top());
