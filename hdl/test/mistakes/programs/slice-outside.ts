/** Bits beyond the top of a value. */
import { elaborate, input, Module, output, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly address = input(uint(12 as number));
  readonly page = output(uint(8));
  protected override logic() {
    this.page.set(this.address.bits(15, 8).as(8));
  }
}

elaborate(() => new Top());
