/** A parent that drives what its child drives. */
import { bool, elaborate, Module, output } from '../../../src/index.ts';

class Source extends Module {
  readonly q = output(bool);
  protected override logic() {
    this.q.set(1);
  }
}
class Top extends Module {
  private readonly source = new Source();
  protected override logic() {
    this.source.q.set(0);
  }
}

elaborate(() => new Top());
