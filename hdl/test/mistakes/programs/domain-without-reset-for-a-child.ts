/** A child that wants a reset from a domain that has none. */
import { clockDomain, connect, elaborate, Module } from '../../../src/index.ts';

class Stage extends Module {
  readonly slow = clockDomain({ reset: { kind: 'async' } });
  protected override logic() {}
}
class Top extends Module {
  readonly free = clockDomain({ reset: 'none', default: true });
  private readonly stage = new Stage();
  protected override logic() {
    connect(this.stage, { slow: this.free });
  }
}

elaborate(() => new Top());
