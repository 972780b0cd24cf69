/** A domain with the clock of a domain of the child. */
import { bool, clockDomain, elaborate, input, Module, resetDomain } from '../../../src/index.ts';

class Part extends Module {
  readonly outside = clockDomain({ reset: 'none' });
  protected override logic() {}
}
class Top extends Module {
  readonly rst = input(bool);
  private readonly part = new Part();
  readonly main = resetDomain(this.part.outside, this.rst);
  protected override logic() {}
}

elaborate(() => new Top());
