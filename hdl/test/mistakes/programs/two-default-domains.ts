/** Two domains that both want to be the default. */
import { clockDomain, elaborate, Module } from '../../../src/index.ts';

class Top extends Module {
  readonly fast = clockDomain({ default: true });
  readonly slow = clockDomain({ default: true });
  protected override logic() {}
}

elaborate(() => new Top());
