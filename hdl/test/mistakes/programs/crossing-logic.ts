/** A Gray code that is computed between the registers of two clocks, and a bit of two buttons. */
import {
  checked,
  clockDomain,
  connect,
  elaborate,
  inDomain,
  input,
  Module,
  output,
  reg,
  Synchroniser,
  toGray,
  uint,
} from '../../../src/index.ts';

class Position extends Module {
  readonly gray = output(uint(4));
  private readonly count = reg(uint(4), { init: 0 });
  protected override logic() {
    this.count.set(this.count.add(1));
    this.gray.set(toGray(this.count));
  }
}

class Top extends Module {
  readonly far = clockDomain();
  readonly buttons = input(uint(2), { domain: 'asynchronous' });
  readonly seen = output(uint(4));
  readonly pressed = output(uint(1));
  private readonly position = new Position();
  private readonly from_clk = inDomain(this.far, () => new Synchroniser({ width: 4 }));
  private readonly either = reg(uint(1), { init: 0, domain: this.far, crossing: true });
  protected override logic() {
    connect(this.from_clk, { in: this.position.gray });
    this.either.set(this.buttons.any());
    this.seen.set(this.from_clk.out);
    this.pressed.set(this.either);
  }
}

checked(elaborate(() => new Top()).design);
