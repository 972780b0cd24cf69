/** A mistake in a field of a child: the place is where the child is made, too. */
import { connect, elaborate, input, Module, output, reg, uint } from '../../../src/index.ts';

class Delay<W extends number> extends Module<{ width: W }> {
  readonly d = input(uint(this.p.width));
  private readonly stage = reg(uint(this.p.width), { init: 256 });
  readonly q = output(uint(this.p.width));
  protected override logic() {
    this.stage.set(this.d);
    this.q.set(this.stage);
  }
}
class Top extends Module {
  readonly d = input(uint(8));
  readonly q = output(uint(8));
  private readonly delay = new Delay({ width: 8 });
  protected override logic() {
    connect(this.delay, { d: this.d });
    this.q.set(this.delay.q);
  }
}

elaborate(() => new Top());
