/** A result that is set as if it were a wire. */
import { elaborate, input, Module, output, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly a = input(uint(4));
  readonly q = output(uint(4));
  protected override logic() {
    this.q.set(0);
    (this.a.add(1) as unknown as typeof this.q).set(3);
  }
}

elaborate(() => new Top());
