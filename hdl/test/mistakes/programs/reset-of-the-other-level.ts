/** A child whose reset has the other level. */
import { clockDomain, connect, elaborate, Module, ownDomain } from '../../../src/index.ts';

class Stage extends Module {
  readonly slow = clockDomain({ reset: { active: 'low' } });
  protected override logic() {}
}
class Top extends Module {
  private readonly stage = new Stage();
  protected override logic() {
    connect(this.stage, { slow: ownDomain });
  }
}

elaborate(() => new Top());
