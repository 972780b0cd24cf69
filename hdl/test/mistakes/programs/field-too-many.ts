/** A value of a bundle with a field that it does not have. */
import { Bundle, bool, elaborate, Module, output, uint } from '../../../src/index.ts';

class Beat extends Bundle({ data: uint(8), last: bool }) {}
class Top extends Module {
  readonly q = output(Beat);
  protected override logic() {
    this.q.set({ data: 3, last: 0, first: 1 } as never);
  }
}

elaborate(() => new Top());
