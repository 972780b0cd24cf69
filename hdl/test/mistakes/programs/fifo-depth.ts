/** A cell with a parameter that it cannot have. */
import {
  AsyncFifo,
  clockDomain,
  connect,
  elaborate,
  input,
  Module,
  output,
  ownDomain,
  stream,
  uint,
} from '../../../src/index.ts';

class Top extends Module {
  readonly far = clockDomain();
  readonly in = input(stream(uint(8)), { domain: this.far });
  readonly out = output(stream(uint(8)));
  private readonly fifo = new AsyncFifo({ type: uint(8), depth: 5 });
  protected override logic() {
    connect(this.fifo, { in: this.in, from: this.far, to: ownDomain });
    this.out.from(this.fifo.out);
  }
}

elaborate(() => new Top());
