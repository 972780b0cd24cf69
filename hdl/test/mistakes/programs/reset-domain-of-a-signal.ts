/** A clock that is gated by logic. */
import { bool, elaborate, input, Module, resetDomain } from '../../../src/index.ts';

class Top extends Module {
  readonly gated = input(bool);
  readonly rst = input(bool);
  readonly main = resetDomain(this.gated as never, this.rst);
  protected override logic() {}
}

elaborate(() => new Top());
