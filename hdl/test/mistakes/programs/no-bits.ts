/** A type without bits. */
import { elaborate, Module, output, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly q = output(uint(0));
  protected override logic() {}
}

elaborate(() => new Top());
