/** The first module: what it looks like, the Verilog that it becomes, and a simulation of it. Run with `npx tsx examples/counter.ts`. */
import { bool, emitText, input, Module, output, reg, simulate, uint, when } from '@hdl/ts-hdl';

/** Counts enabled cycles; wraps. */
class Counter<W extends number> extends Module<{ width: W }> {
  readonly en = input(bool);
  readonly count = output(uint(this.p.width));
  private readonly value = reg(uint(this.p.width), { init: 0 });

  protected override logic() {
    when(this.en, () => this.value.set(this.value.add(1)));
    this.count.set(this.value);
  }
}

using sim = simulate(() => new Counter({ width: 3 }));
console.log(emitText(sim.design));

sim.poke(sim.dut.en, 1);
sim.step(9);
console.log(`after 9 enabled cycles a counter of 3 bits holds ${sim.peek(sim.dut.count)}`);
