import { Bundle, bool, input, Module, mux, output, reg, s, sint, stream, u, uint, when } from '@hdl/ts-hdl';

class Sample extends Bundle({ value: sint(8), last: bool }) {}
class Sum extends Bundle({ total: sint(16), samples: uint(8) }) {}

/** Adds the samples of each packet. A sample per cycle; the sum follows one cycle after the last one and waits until it is taken. */
export class PacketSum extends Module<{ readonly limit: number }> {
  readonly sample = input(stream(Sample));
  readonly sum = output(stream(Sum));
  private readonly total = reg(sint(16), { init: 0 });
  private readonly samples = reg(uint(8), { init: 0 });
  private readonly done = reg(bool, { init: 0 });

  protected override logic() {
    const { sample, sum, total, samples, done } = this;
    const { value, last } = sample.payload;
    sample.ready.set(done.not().or(sum.ready));
    sum.valid.set(done);
    sum.put({ total, samples });

    const before = mux(done, s(16, 0), total);
    const count = mux(done, u(8, 0), samples).add(1);
    when(sample.fire, () => {
      total.set(before.add(value.sext(16)));
      samples.set(count);
      // A packet ends by itself when it has as many samples as it may have.
      done.set(last.or(count.eq(this.p.limit)));
    }).elsewhen(sum.fire, () => {
      total.set(0);
      samples.set(0);
      done.set(0);
    });
  }
}
