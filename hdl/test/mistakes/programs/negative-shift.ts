/** A shift the other way round. */
import { elaborate, input, Module, output, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly a = input(uint(8));
  readonly q = output(uint(8));
  protected override logic() {
    this.q.set(this.a.shr(-1));
  }
}

elaborate(() => new Top());
