/** A seed that never moves. */
import { elaborate, Lfsr, Module } from '../../../src/index.ts';

class Top extends Module {
  readonly random = new Lfsr({ width: 8, seed: 0 });
  protected override logic() {}
}

elaborate(() => new Top());
