/** A number for a whole bundle. */
import { Bundle, bool, elaborate, Module, output, uint } from '../../../src/index.ts';

class Beat extends Bundle({ data: uint(8), last: bool }) {}
class Top extends Module {
  readonly q = output(Beat);
  protected override logic() {
    this.q.set(3 as never);
  }
}

elaborate(() => new Top());
