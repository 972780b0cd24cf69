/** A level of a reset that there is not. */
import { clockDomain, elaborate, Module } from '../../../src/index.ts';

class Top extends Module {
  readonly slow = clockDomain({ reset: { active: 'negative' as never } });
  protected override logic() {}
}

elaborate(() => new Top());
