import {
  assert,
  bool,
  clockDomain,
  cover,
  hex,
  inDomain,
  input,
  log,
  Module,
  output,
  reg,
  simulate,
  uint,
  when,
} from '@hdl/ts-hdl';
import { expect, test } from 'vitest';
import { verilator } from '../src/index.ts';

/** Properties and log lines at the edges of two clocks, one of which only they need, and an output that ends `run`. */
class Watched extends Module {
  readonly slow = clockDomain({ reset: { kind: 'async', active: 'low' } });
  readonly go = input(bool);
  readonly attention = output(bool);
  readonly value = output(uint(40));
  private readonly count = reg(uint(40), { init: 0 });

  protected override logic() {
    this.value.set(this.count);
    this.attention.set(this.count.eq(9));
    when(this.go, () => {
      this.count.set(this.count.add(1));
      log`count ${this.count}, ${hex(this.count)}`;
      assert(this.count.ne(12), 'never twelve');
    });
    inDomain(this.slow, () => {
      when(this.go, () => log`slow ${this.count}`);
      cover(this.count.eq(5), 'five at a slow edge');
      cover(this.count.eq(6), 'six at a slow edge');
    });
  }
}

/** All that the caller sees. */
function story(engine: Parameters<typeof simulate>[1]): readonly unknown[] {
  const told: unknown[] = [];
  const clocks = { clk: { period: 1 }, slow_clk: { period: 4 } };
  using sim = simulate(() => new Watched(), { ...engine, clocks, onLog: (line, cycle) => told.push(`${cycle}: ${line}`) });
  told.push([...sim.engine.ports.keys()]);
  sim.step(3);
  sim.poke(sim.dut.go, 1);
  told.push(sim.run(100), sim.cycle);
  try {
    sim.step(100);
  } catch (error) {
    told.push(error instanceof Error ? error.message : error);
  }
  told.push(sim.cycle, sim.peek(sim.dut.value), sim.covers);
  return told;
}

test('properties and log lines are the same under Verilator and in-process', () => {
  const told = story({ engine: verilator });
  expect(told).toEqual(story({}));
  expect(told).toContain('7: slow 0');
  expect(told.find(line => typeof line === 'string' && line.includes('never twelve'))).toMatch(
    /assertion failed in cycle 19: never twelve[\s\S]*events\.test\.ts:\d+/,
  );
});
