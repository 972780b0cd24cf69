/** A signed index of a bit. */
import { bool, elaborate, input, Module, output, sint, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly word = input(uint(8));
  readonly index = input(sint(3));
  readonly q = output(bool);
  protected override logic() {
    this.q.set(this.word.bit(this.index as never));
  }
}

elaborate(() => new Top());
