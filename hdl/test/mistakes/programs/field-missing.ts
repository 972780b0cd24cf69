/** A value of a bundle that lacks a field. */
import { Bundle, bool, elaborate, Module, output, uint } from '../../../src/index.ts';

class Beat extends Bundle({ data: uint(8), last: bool }) {}
class Top extends Module {
  readonly q = output(Beat);
  protected override logic() {
    this.q.set({ data: 3 } as never);
  }
}

elaborate(() => new Top());
