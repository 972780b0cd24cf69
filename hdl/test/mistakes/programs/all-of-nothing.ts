/** The conjunction of an empty list. */
import { allOf, bool, elaborate, Module, output } from '../../../src/index.ts';

class Top extends Module {
  readonly ready = output(bool);
  protected override logic() {
    this.ready.set(allOf([]));
  }
}

elaborate(() => new Top());
