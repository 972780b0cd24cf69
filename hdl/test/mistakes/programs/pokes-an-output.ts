/** A test bench that drives an output. */
import { Module, output, simulate, uint } from '../../../src/index.ts';

class Top extends Module {
  readonly q = output(uint(4));
  protected override logic() {
    this.q.set(3);
  }
}
const sim = simulate(() => new Top());
sim.poke(sim.dut.q as never, 3);
