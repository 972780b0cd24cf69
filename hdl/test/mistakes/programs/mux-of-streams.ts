/** A choice between whole streams. */
import { bool, elaborate, input, Module, mux, output, stream, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly a = input(stream(uint(8)));
  readonly b = input(stream(uint(8)));
  readonly pick = input(bool);
  readonly q = output(uint(8));
  protected override logic() {
    this.q.set(mux(this.pick, this.a as never, this.b as never));
  }
}

elaborate(() => new Top());
