/** A word as a property. */
import { assert, elaborate, input, Module, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly a = input(uint(4));
  protected override logic() {
    assert(this.a as never, 'a is never 0');
  }
}

elaborate(() => new Top());
