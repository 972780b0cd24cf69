/** A signed type with a fraction of a bit. */
import { elaborate, Module, output, sint } from '../../../src/index.ts';

class Top extends Module {
  readonly q = output(sint(2.5));
  protected override logic() {}
}

elaborate(() => new Top());
