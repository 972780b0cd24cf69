/** An arm that the subject never has. */
import { bool, decode, elaborate, input, Module, output, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly op = input(uint(2));
  readonly q = output(bool);
  protected override logic() {
    this.q.set(0);
    decode(this.op, [[4, () => this.q.set(1)]]);
  }
}

elaborate(() => new Top());
