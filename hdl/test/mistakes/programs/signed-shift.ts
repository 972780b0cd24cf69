/** A signed amount of a shift. */
import { elaborate, input, Module, output, sint, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly a = input(uint(8));
  readonly by = input(sint(4));
  readonly q = output(uint(8));
  protected override logic() {
    this.q.set(this.a.shl(this.by as never));
  }
}

elaborate(() => new Top());
