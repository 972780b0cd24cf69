import { describe, expect, test } from 'vitest';
import {
  bool,
  clockDomain,
  type DomainOptions,
  embedded,
  inDomain,
  input,
  Module,
  memory,
  output,
  reg,
  SimulationError,
  simulate,
  uint,
} from '../../src/index.ts';

/** A counter per clock, and what the second one saw of the first. */
class Counters extends Module<DomainOptions> {
  readonly slow = clockDomain(this.p);
  readonly fast_count = output(uint(8));
  readonly slow_count = output(uint(8));
  readonly seen = output(uint(8));
  private readonly fast_value = reg(uint(8), { init: 0 });
  private readonly slow_value = reg(uint(8), { init: 0, domain: this.slow });
  private readonly sample = reg(uint(8), { domain: this.slow, crossing: true });

  protected override logic() {
    this.fast_value.set(this.fast_value.add(1));
    this.slow_value.set(this.slow_value.add(1));
    this.sample.set(this.fast_value);
    this.fast_count.set(this.fast_value);
    this.slow_count.set(this.slow_value);
    this.seen.set(this.sample);
  }
}

/** What is counted after each of the first cycles. */
function counts(clocks: { readonly [name: string]: { period: number; phase?: number } } | undefined, cycles: number): string[] {
  using sim = simulate(() => new Counters({}), { resetCycles: 0, ...(clocks && { clocks }) });
  const { fast_count, slow_count } = sim.dut;
  return Array.from({ length: cycles }, () => {
    sim.step();
    return `${sim.peek(fast_count)} ${sim.peek(slow_count)}`;
  });
}

describe('a cycle is an instant at which a clock rises', () => {
  test('clocks without timing rise together', () => {
    expect(counts(undefined, 3)).toEqual(['1 1', '2 2', '3 3']);
    expect(counts({ clk: { period: 2 } }, 3)).toEqual(['1 1', '2 2', '3 3']);
  });

  test('a clock of three periods', () => {
    // Edges at 1, 2, 3, ... and at 3, 6, ...
    expect(counts({ clk: { period: 1 }, slow_clk: { period: 3 } }, 6)).toEqual(['1 0', '2 0', '3 1', '4 1', '5 1', '6 2']);
  });

  test('clocks that drift, and phases', () => {
    // Edges at 2, 4, 6, 8, 10 and at 1, 4, 7, 10.
    const drifting = { clk: { period: 2 }, slow_clk: { period: 3, phase: 1 } };
    expect(counts(drifting, 7)).toEqual(['0 1', '1 1', '2 2', '3 2', '3 3', '4 3', '5 4']);
    // A phase of more than a period.
    expect(counts({ clk: { period: 2, phase: 9 }, slow_clk: { period: 4 } }, 4)).toEqual(['0 1', '0 2', '1 2', '2 2']);
  });

  test('clocks that never meet', () => {
    const clocks = { clk: { period: 2, phase: 1 }, slow_clk: { period: 2, phase: 2 } };
    expect(counts(clocks, 4)).toEqual(['1 0', '1 1', '2 1', '2 2']);
  });

  test('times as large as they may be', () => {
    const clocks = { clk: { period: 2 ** 31 - 1 }, slow_clk: { period: 2 ** 31 - 2, phase: 2 ** 31 - 1 } };
    expect(counts(clocks, 3)).toEqual(['1 1', '1 2', '2 2']);
  });
});

test('registers that are clocked at the same instant see each other as before it', () => {
  using sim = simulate(() => new Counters({}), { resetCycles: 0, clocks: { clk: { period: 1 }, slow_clk: { period: 3 } } });
  sim.step(6);
  expect([sim.peek(sim.dut.fast_count), sim.peek(sim.dut.seen), sim.cycle]).toEqual([6n, 5n, 6]);
});

test('a run counts instants and stops at attention of any clock', () => {
  class Stops extends Module {
    readonly slow = clockDomain({ reset: 'none' });
    readonly attention = output(bool);
    private readonly count = reg(uint(4), { domain: this.slow });
    private readonly other = reg(uint(4));
    protected override logic() {
      this.count.set(this.count.add(1));
      this.other.set(this.other.add(1));
      this.attention.set(this.count.eq(2));
    }
  }
  using sim = simulate(() => new Stops(), { clocks: { clk: { period: 2 }, slow_clk: { period: 5 } } });
  // 2, 4, 5, 6, 8, 10: the second edge of the slow clock.
  expect(sim.run(100)).toBe(6);
});

test('a memory is written at the edges of the clock of the write', () => {
  class Written extends Module {
    readonly slow = clockDomain({ reset: 'none' });
    readonly data = input(uint(8), { domain: this.slow });
    readonly word = output(uint(8));
    private readonly words = memory(uint(8), { depth: 2 });
    private readonly busy = reg(bool);
    protected override logic() {
      this.busy.set(this.busy.not());
      inDomain(this.slow, () => this.words.write(1, this.data));
      this.word.set(this.words.peek(1));
    }
  }
  using sim = simulate(() => new Written(), { clocks: { slow_clk: { period: 4 } } });
  sim.poke(sim.dut.data, 7);
  sim.step();
  expect(sim.peek(sim.dut.word)).toBe(0n);
  sim.step();
  expect(sim.peek(sim.dut.word)).toBe(7n);
});

describe('reset by simulate', () => {
  test('lasts until each clock has risen so often; then all are inactive', () => {
    using sim = simulate(() => new Counters({ reset: { active: 'low' } }), {
      resetCycles: 2,
      clocks: { clk: { period: 1 }, slow_clk: { period: 5 } },
    });
    expect(sim.cycle).toBe(10);
    expect([sim.engine.ports.get('rst')?.words[0], sim.engine.ports.get('slow_rst_n')?.words[0]]).toEqual([0, 1]);
    expect([sim.peek(sim.dut.fast_count), sim.peek(sim.dut.slow_count)]).toEqual([0n, 0n]);
    sim.step(5);
    expect([sim.peek(sim.dut.fast_count), sim.peek(sim.dut.slow_count)]).toEqual([5n, 1n]);
  });
});

describe('clocks that do not exist and times that are none', () => {
  const made = (clocks: { readonly [name: string]: { period: number; phase?: number } }) => () =>
    simulate(() => new Counters({}), { clocks });
  test.each([
    [{ slow: { period: 2 } }, "The design has no clock 'slow': its clocks are clk, slow_clk."],
    [{ clk: { period: 0 } }, "The period of the clock 'clk' is a whole number of at least 1, not 0."],
    [{ clk: { period: 1.5 } }, "The period of the clock 'clk' is a whole number of at least 1, not 1.5."],
    [{ slow_clk: { period: 1, phase: 0 } }, "The phase of the clock 'slow_clk' is a whole number of at least 1, not 0."],
    [{ clk: { period: 2 ** 31 } }, "The period of the clock 'clk' is a whole number of at least 1, not 2147483648."],
  ])('%o', (clocks, message) => {
    expect(made(clocks)).toThrow(SimulationError);
    expect(made(clocks)).toThrow(message);
  });

  test('a design without state has no clock', () => {
    class Wire extends Module {
      readonly a = input(bool);
      readonly b = output(bool);
      protected override logic() {
        this.b.set(this.a);
      }
    }
    expect(() => simulate(() => new Wire(), { clocks: { clk: { period: 1 } } })).toThrow("no clock 'clk': it has none");
    using sim = simulate(() => new Wire());
    sim.poke(sim.dut.a, 1);
    sim.step(3);
    expect([sim.peek(sim.dut.b), sim.cycle]).toEqual([1n, 3]);
  });
});

test('with gating, many instants are the same as one by one', () => {
  const clocks = { clk: { period: 3 }, slow_clk: { period: 7, phase: 2 } };
  using plain = simulate(() => new Counters({}), { clocks, engine: (d, o) => embedded(d, { ...o, gating: 'never' }) });
  using gated = simulate(() => new Counters({}), { clocks, engine: (d, o) => embedded(d, { ...o, gating: 'always' }) });
  for (const cycles of [1, 100, 1, 37]) {
    for (let i = 0; i < cycles; i++) plain.step();
    gated.step(cycles);
    for (const name of ['fast_count', 'slow_count', 'seen'] as const)
      expect(gated.peek(gated.dut[name])).toBe(plain.peek(plain.dut[name]));
  }
});
