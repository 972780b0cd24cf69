/** A clock of a child that nobody drives. */
import { bool, clockDomain, elaborate, Module, output, reg } from '../../../src/index.ts';

class Stage extends Module {
  readonly slow = clockDomain();
  private readonly value = reg(bool, { init: 0, domain: this.slow });
  readonly q = output(bool);
  protected override logic() {
    this.value.set(this.value.not());
    this.q.set(this.value);
  }
}
class Top extends Module {
  readonly q = output(bool);
  private readonly stage = new Stage();
  protected override logic() {
    this.q.set(this.stage.q);
  }
}

elaborate(() => new Top());
