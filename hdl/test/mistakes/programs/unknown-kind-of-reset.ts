/** A kind of reset that there is not. */
import { clockDomain, elaborate, Module } from '../../../src/index.ts';

class Top extends Module {
  readonly slow = clockDomain({ reset: { kind: 'asynchronous' as never } });
  protected override logic() {}
}

elaborate(() => new Top());
