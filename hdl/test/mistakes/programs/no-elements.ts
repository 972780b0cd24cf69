/** A vector without elements. */
import { bool, elaborate, Module, output, vec } from '../../../src/index.ts';

class Top extends Module {
  readonly q = output(vec(0, bool));
  protected override logic() {}
}

elaborate(() => new Top());
