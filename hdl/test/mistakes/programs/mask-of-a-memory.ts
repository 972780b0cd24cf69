/** A mask with a bit too few. */
import { elaborate, input, Module, memory, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly byte_enable = input(uint(2));
  private readonly store = memory(uint(32), { depth: 16, lane: 8 });
  protected override logic() {
    this.store.write(0, 0, this.byte_enable);
  }
}

elaborate(() => new Top());
