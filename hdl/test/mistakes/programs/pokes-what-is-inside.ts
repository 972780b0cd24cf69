/** A test bench that drives a register. */
import { Module, output, reg, simulate, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly value = reg(uint(4), { init: 0 });
  readonly q = output(uint(4));
  protected override logic() {
    this.value.set(this.value.add(1));
    this.q.set(this.value);
  }
}
const sim = simulate(() => new Top());
sim.poke(sim.dut.value as never, 3);
