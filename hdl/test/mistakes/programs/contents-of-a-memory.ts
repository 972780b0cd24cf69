/** More words than a memory has. */
import { elaborate, Module, memory, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly store = memory(uint(8), { depth: 2, init: [1, 2, 3] });
  protected override logic() {}
}

elaborate(() => new Top());
