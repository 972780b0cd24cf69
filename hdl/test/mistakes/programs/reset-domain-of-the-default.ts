/** The default domain has the clock of the default domain. */
import { bool, elaborate, input, Module, ownDomain, resetDomain } from '../../../src/index.ts';

class Top extends Module {
  readonly rst = input(bool);
  readonly main = resetDomain(ownDomain, this.rst, { default: true });
  protected override logic() {}
}

elaborate(() => new Top());
