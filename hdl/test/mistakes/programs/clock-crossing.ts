/** A counter read from another clock, by way of a child. */
import { checked, clockDomain, connect, elaborate, input, Module, output, reg, uint, wire } from '../../../src/index.ts';

class Follower extends Module {
  readonly d = input(uint(8));
  readonly q = output(uint(8));
  private readonly seen = reg(uint(8), { init: 0 });
  protected override logic() {
    this.seen.set(this.d);
    this.q.set(this.seen);
  }
}
class Top extends Module {
  readonly fast = clockDomain({ default: true });
  readonly slow = clockDomain();
  readonly q = output(uint(8));
  private readonly count = reg(uint(8), { init: 0, domain: this.slow });
  private readonly next = wire(uint(8));
  private readonly follower = new Follower();
  protected override logic() {
    this.next.set(this.count.add(1));
    this.count.set(this.next);
    connect(this.follower, { d: this.next });
    this.q.set(this.follower.q);
  }
}

checked(elaborate(() => new Top()).design);
