import { expect, test } from 'vitest';
import { simulate } from '../../src/engine/simulate.ts';
import { Bundle, input, Module, memory, output, uint } from '../../src/index.ts';

class Pair extends Bundle({ high: uint(8), low: uint(8) }) {}

/** Writes a bundle literal whose fields stand in another order than in the type. */
class Swapped extends Module {
  readonly value = input(uint(8));
  readonly out = output(Pair);
  private readonly words = memory(Pair, { depth: 2 });

  protected override logic() {
    this.words.write(1, { low: this.value, high: 0x5a });
    this.out.set(this.words.peek(1));
  }
}

test('a bundle literal is written to a memory by the names of its fields', () => {
  using sim = simulate(() => new Swapped());
  sim.poke(sim.dut.value, 0x21);
  sim.step();
  expect([sim.peek(sim.dut.out.high), sim.peek(sim.dut.out.low)]).toEqual([0x5an, 0x21n]);
});
