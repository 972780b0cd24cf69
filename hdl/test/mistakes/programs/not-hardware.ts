/** A plain number where a signal belongs. */
import { bool, elaborate, Module, output, when } from '../../../src/index.ts';

class Top extends Module {
  readonly q = output(bool);
  protected override logic() {
    this.q.set(0);
    when(1 as never, () => this.q.set(1));
  }
}

elaborate(() => new Top());
