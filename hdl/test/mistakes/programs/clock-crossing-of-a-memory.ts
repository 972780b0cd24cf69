/** A memory written by one clock and read by another. */
import { checked, clockDomain, elaborate, inDomain, input, Module, memory, output, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly far = clockDomain();
  readonly address = input(uint(4));
  readonly data = input(uint(8), { domain: this.far });
  readonly q = output(uint(8));
  private readonly store = memory(uint(8), { depth: 16 });
  protected override logic() {
    inDomain(this.far, () => this.store.write(this.address, this.data));
    this.q.set(this.store.read(this.address));
  }
}

checked(elaborate(() => new Top()).design);
