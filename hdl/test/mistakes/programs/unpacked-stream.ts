/** A word read as a stream. */
import { elaborate, input, Module, output, stream, type UInt, uint, unpack } from '../../../src/index.ts';

class Top extends Module {
  readonly word = input(uint(10));
  readonly q = output(uint(8));
  protected override logic() {
    this.q.set((unpack(stream(uint(8)), this.word) as { payload: UInt<8> }).payload);
  }
}

elaborate(() => new Top());
