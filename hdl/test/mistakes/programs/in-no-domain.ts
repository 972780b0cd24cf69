/** A name where a domain belongs. */
import { bool, elaborate, inDomain, Module, reg } from '../../../src/index.ts';

class Top extends Module {
  private readonly value = inDomain('slow' as never, () => reg(bool));
  protected override logic() {
    this.value.set(1);
  }
}

elaborate(() => new Top());
