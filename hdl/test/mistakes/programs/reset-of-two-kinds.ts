/** One reset that acts at once in a child and at the clock edge around it. */
import { checked, clockDomain, connect, elaborate, Module, output, ownDomain, reg, uint } from '../../../src/index.ts';

class Blinker extends Module {
  readonly main = clockDomain({ default: true, clock: 'clk', reset: { kind: 'async' } });
  readonly on = output(uint(1));
  private readonly state = reg(uint(1), { init: 1 });
  protected override logic() {
    this.state.set(this.state.not());
    this.on.set(this.state);
  }
}

class Top extends Module {
  readonly on = output(uint(1));
  private readonly blinker = new Blinker();
  private readonly last = reg(uint(1), { init: 0 });
  protected override logic() {
    connect(this.blinker, { main: ownDomain });
    this.last.set(this.blinker.on);
    this.on.set(this.last);
  }
}

checked(elaborate(() => new Top()).design);
