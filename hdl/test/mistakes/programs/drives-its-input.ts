/** A module that drives its own input. */
import { bool, elaborate, input, Module, type output } from '../../../src/index.ts';

class Top extends Module {
  readonly a = input(bool);
  protected override logic() {
    (this.a as unknown as ReturnType<typeof output<typeof bool>>).set(1);
  }
}

elaborate(() => new Top());
