/** Select bits with a hole. */
import { bool, elaborate, input, Module, muxOneHot, output, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly a = input(uint(4));
  readonly b = input(uint(4));
  readonly pick = input(bool);
  readonly q = output(uint(4));
  protected override logic() {
    this.q.set(muxOneHot([this.pick, undefined as never], [this.a, this.b]));
  }
}

elaborate(() => new Top());
