/** A number packed as if it were a value of hardware. */
import { elaborate, Module, output, pack, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly q = output(uint(8));
  protected override logic() {
    this.q.set(pack(8 as never).as(8));
  }
}

elaborate(() => new Top());
