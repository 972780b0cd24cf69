/** Lanes that do not divide a word. */
import { elaborate, Module, memory, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly store = memory(uint(32), { depth: 16, lane: 12 });
  protected override logic() {}
}

elaborate(() => new Top());
