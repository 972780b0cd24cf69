/** A choice from an empty list. */
import { elaborate, input, Module, output, select, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly index = input(uint(1));
  readonly q = output(uint(4));
  protected override logic() {
    this.q.set(select(this.index, [] as never));
  }
}

elaborate(() => new Top());
