/** A reset value in a domain without reset. */
import { clockDomain, elaborate, Module, output, reg, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly free = clockDomain({ reset: 'none', default: true });
  readonly q = output(uint(4));
  private readonly value = reg(uint(4), { init: 3 });
  protected override logic() {
    this.q.set(this.value);
  }
}

elaborate(() => new Top());
