/** A memory that two clocks write. */
import { checked, clockDomain, elaborate, inDomain, input, Module, memory, output, uint } from '../../../src/index.ts';

class Mailbox extends Module {
  readonly far = clockDomain();
  readonly here = input(uint(8));
  readonly there = input(uint(8), { domain: this.far });
  readonly mail = output(uint(8));
  private readonly words = memory(uint(8), { depth: 2 });
  protected override logic() {
    this.words.write(0, this.here);
    inDomain(this.far, () => this.words.write(1, this.there));
    this.mail.set(this.words.read(0, undefined, { crossing: 'stable' }));
  }
}

checked(elaborate(() => new Mailbox()).design);
