/** A domain whose reset the child makes is named in connect. */
import { bool, clockDomain, connect, elaborate, input, Module, ownDomain, resetDomain } from '../../../src/index.ts';

class Part extends Module {
  readonly outside = clockDomain({ reset: 'none' });
  readonly rst = input(bool);
  readonly main = resetDomain(this.outside, this.rst);
  protected override logic() {}
}
class Top extends Module {
  private readonly part = new Part();
  protected override logic() {
    connect(this.part, { outside: ownDomain, rst: 0, main: ownDomain } as never);
  }
}

elaborate(() => new Top());
