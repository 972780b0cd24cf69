/** One clock domain in two fields. */
import { clockDomain, elaborate, Module } from '../../../src/index.ts';

class Top extends Module {
  readonly fast = clockDomain({ default: true });
  readonly slow = this.fast;
  protected override logic() {}
}

elaborate(() => new Top());
