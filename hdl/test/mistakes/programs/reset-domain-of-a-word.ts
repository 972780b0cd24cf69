/** A reset of two bits. */
import { elaborate, input, Module, ownDomain, resetDomain, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly resets = input(uint(2));
  readonly main = resetDomain(ownDomain, this.resets as never);
  protected override logic() {}
}

elaborate(() => new Top());
