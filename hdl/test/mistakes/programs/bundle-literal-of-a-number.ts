/** A literal of a bundle from a field that is no value. */
import { Bundle, bool, elaborate, Module, output, uint } from '../../../src/index.ts';

class Beat extends Bundle({ data: uint(8), last: bool }) {}
class Top extends Module {
  readonly q = output(Beat);
  protected override logic() {
    this.q.set(Beat.of({ data: {}, last: 0 } as never));
  }
}

elaborate(() => new Top());
