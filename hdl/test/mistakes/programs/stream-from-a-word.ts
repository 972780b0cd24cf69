/** A stream connected to a plain word. */
import { connect, elaborate, Fifo, input, Module, output, stream, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly in = input(uint(8));
  readonly out = output(stream(uint(8)));
  private readonly fifo = new Fifo({ type: uint(8), depth: 4 });
  protected override logic() {
    connect(this.fifo, { in: this.in } as never);
    this.out.from(this.fifo.out);
  }
}

elaborate(() => new Top());
