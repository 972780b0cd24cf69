import { Bundle, bool, connect, input, Lfsr, Module, output, reg, uint, when } from '@hdl/ts-hdl';

/** How often a stream is held up. */
export class StallControl extends Bundle({
  /** In a cycle without a beat that may go, the next one may not either with a probability of `closed` / 256. */
  closed: uint(8),
  /** With a probability of `burst` / 4096 per cycle nothing goes for up to 255 cycles. */
  burst: uint(8),
}) {}

/**
 * Says when a stream may move: a beat that was offered while `open` was 1 finds it 1 until it `fires`. With `free` all may pass, from the next cycle on.
 * Reset begins the same sequence anew, which `salt` changes.
 */
export class Stall extends Module<{ seed: number }> {
  readonly fires = input(bool);
  readonly open = output(bool);
  readonly control = input(StallControl);
  readonly salt = input(uint(32));
  readonly free = input(bool);
  private readonly lfsr = new Lfsr({ width: 32, steps: 9, seed: this.p.seed });
  private readonly opened = reg(bool, { init: 0 });
  /** Cycles of a burst that are left. */
  private readonly left = reg(uint(8), { init: 0 });

  protected override logic() {
    const { opened, left, control } = this;
    connect(this.lfsr, { en: 1 });
    const random = this.lfsr.value.xor(this.salt);
    when(left.any(), () => left.set(left.sub(1))).elsewhen(random.part(8, 12).lt(control.burst.zext(12)), () =>
      left.set(random.part(20, 8)),
    );
    when(opened.not().or(this.fires), () => {
      opened.set(this.free.or(left.any().not().and(random.part(0, 8).ge(control.closed))));
    });
    this.open.set(opened);
  }
}
