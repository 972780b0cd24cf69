import { bool, input, Module, output, reg, u, uint, when } from '@hdl/ts-hdl';
import { mix } from './content.ts';

/** A random number per cycle; `load` begins a sequence that follows from `seed` and the module's own number. */
export class RandomNumbers extends Module<{ readonly own: number }> {
  readonly load = input(bool);
  readonly seed = input(uint(32));
  readonly value = output(uint(32));
  private readonly count = reg(uint(32));

  protected override logic() {
    this.count.set(this.count.add(0x9e37_79b9));
    when(this.load, () => this.count.set(this.seed.xor(u(32, Math.imul(this.p.own + 1, 0x0101_6b37) >>> 0))));
    this.value.set(mix(this.count));
  }
}
