/** A cell with fewer stages than it needs. */
import { bool, connect, elaborate, input, Module, output, Synchroniser, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly d = input(bool, { domain: 'asynchronous' });
  readonly q = output(uint(1));
  private readonly synchroniser = new Synchroniser({ width: 1, stages: 1 });
  protected override logic() {
    connect(this.synchroniser, { in: this.d });
    this.q.set(this.synchroniser.out);
  }
}

elaborate(() => new Top());
