/** A statement where no module is described. */
import { bool, Module, output } from '../../../src/index.ts';

class Source extends Module {
  readonly q = output(bool);
  protected override logic() {}
}
const source = new Source();
source.q.set(1);
