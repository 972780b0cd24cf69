/** A memory without words. */
import { elaborate, Module, memory, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly store = memory(uint(8), { depth: 0 });
  protected override logic() {}
}

elaborate(() => new Top());
