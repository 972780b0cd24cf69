/** A number beyond the range of a signed output. */
import { elaborate, Module, output, sint } from '../../../src/index.ts';

class Top extends Module {
  readonly level = output(sint(8));
  protected override logic() {
    this.level.set(-129);
  }
}

elaborate(() => new Top());
