/** A memory that a child reads from its parent. */
import { elaborate, type Memory, Module, memory, output, uint } from '../../../src/index.ts';

class Reader extends Module<{ store: Memory }> {
  readonly q = output(uint(8));
  protected override logic() {
    this.q.set(this.p.store.peek(0) as never);
  }
}
class Top extends Module {
  readonly q = output(uint(8));
  private readonly store = memory(uint(8), { depth: 4 });
  private readonly reader = new Reader({ store: this.store });
  protected override logic() {
    this.store.write(0, 1);
    this.q.set(this.reader.q);
  }
}

elaborate(() => new Top());
