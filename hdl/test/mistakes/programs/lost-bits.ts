/** An extension that would lose bits. */
import { elaborate, input, Module, output, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly a = input(uint(8 as number));
  readonly low = output(uint(4 as number));
  protected override logic() {
    this.low.set(this.a.zext(4 as number));
  }
}

elaborate(() => new Top());
