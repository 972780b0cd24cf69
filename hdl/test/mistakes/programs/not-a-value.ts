/** A fraction where a signal or a whole number belongs. */
import { elaborate, Module, output, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly level = output(uint(8));
  protected override logic() {
    this.level.set(1.5);
  }
}

elaborate(() => new Top());
