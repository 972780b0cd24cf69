import { describe, expect, test } from 'vitest';
import {
  assert,
  assume,
  binary,
  bool,
  clockDomain,
  connect,
  cover,
  type Engine,
  embedded,
  hex,
  inDomain,
  input,
  log,
  Module,
  output,
  reg,
  type SimulateOptions,
  SimulationError,
  simulate,
  sint,
  states,
  uint,
  when,
} from '../../src/index.ts';

const Phase = states('Idle', 'Run');

/** Counts, and has something to say of it. */
class Watched extends Module<{ readonly most: number } | undefined> {
  readonly go = input(bool);
  readonly value = output(uint(8));
  private readonly count = reg(uint(8), { init: 0 });
  private readonly low = reg(sint(4), { init: 0 });
  private readonly phase = reg(Phase, { init: 'Idle' });

  protected override logic() {
    this.value.set(this.count);
    when(this.go, () => {
      this.count.set(this.count.add(1));
      this.low.set(this.low.sub(1));
      this.phase.set('Run');
      log`count ${this.count}, hex ${hex(this.count)}, binary ${binary(this.count)}, signed ${this.low}, in ${this.phase}`;
      assert(this.count.lt(this.p?.most ?? 255), 'the count stays low');
    });
    cover(this.count.eq(2), 'two was counted');
    cover(this.count.eq(77), 'many were counted');
  }
}

class Two extends Module {
  readonly go = input(bool);
  readonly first = new Watched(undefined);
  readonly second = new Watched({ most: 3 });
  readonly value = output(uint(8));
  protected override logic() {
    connect(this.first, { go: 0 });
    connect(this.second, { go: this.go });
    this.value.set(this.second.value);
  }
}

function failure(work: () => void): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(SimulationError);
    return error instanceof Error ? error.message : '';
  }
  return 'no error';
}

const engines: readonly (readonly [string, Engine])[] = [
  ['as usual', embedded],
  ['gated', (design, options) => embedded(design, { ...options, gating: 'always' })],
];

describe.each(engines)('the embedded engine %s', (_, engine) => {
  const made = <M extends Module<never> | Module<unknown>>(make: () => M, options: SimulateOptions = {}) => {
    const lines: string[] = [];
    const onLog = (line: string, cycle: number) => lines.push(`${cycle}: ${line}`);
    return { sim: simulate(make, { engine, onLog, ...options }), lines };
  };

  test('lines come in the cycle in which they are written, with the values before its edge', () => {
    const { sim, lines } = made(() => new Watched(undefined));
    sim.step(2);
    expect(lines).toEqual([]);
    sim.poke(sim.dut.go, 1);
    sim.step(2);
    sim.poke(sim.dut.go, 0);
    sim.step(10);
    expect(lines).toEqual([
      '3: count 0, hex 00, binary 00000000, signed 0, in Idle',
      '4: count 1, hex 01, binary 00000001, signed -1, in Run',
    ]);
    expect(sim.peek(sim.dut.value)).toBe(2n);
  });

  test('a failed assertion stops the run before the edge, and says what, where and when', () => {
    const { sim } = made(() => new Two());
    sim.poke(sim.dut.go, 1);
    const message = failure(() => sim.step(100));
    expect(message).toContain('assertion failed in cycle 4 in second: the count stays low');
    expect(message).toMatch(/events\.test\.ts:\d+:\d+/);
    expect(message).toContain("assert(this.count.lt(this.p?.most ?? 255), 'the count stays low');");
    expect([sim.cycle, sim.peek(sim.dut.value)]).toEqual([4, 3n]);
    // It goes on failing as long as it is reached, and no longer.
    expect(failure(() => sim.run(1))).toContain('in cycle 4');
    sim.poke(sim.dut.go, 0);
    sim.step(5);
    expect(sim.cycle).toBe(9);
  });

  test('covers are told of once they have held', () => {
    const { sim } = made(() => new Two());
    const covered = () => sim.covers.map(({ message, path, covered: is }) => `${path} ${message} ${is}`);
    expect(covered()).toEqual([
      'first two was counted false',
      'first many were counted false',
      'second two was counted false',
      'second many were counted false',
    ]);
    sim.poke(sim.dut.go, 1);
    sim.step(2);
    // Two is there, but no edge has seen it.
    expect(covered()[2]).toBe('second two was counted false');
    sim.step(1);
    expect(covered().filter(line => line.endsWith('true'))).toEqual(['second two was counted true']);
  });

  test('covers count the edges at which they hold, but for those in reset, and stop no run', () => {
    class Counted extends Module {
      readonly far = clockDomain({ reset: { kind: 'async', active: 'low' } });
      readonly here = input(bool);
      readonly there = input(bool, { domain: this.far });
      readonly out = output(bool);
      private readonly held = reg(bool, { init: 0 });
      protected override logic() {
        this.held.set(this.here);
        this.out.set(this.held);
        cover(this.here, 'here');
        cover(this.held, 'held');
        when(this.there, () => inDomain(this.far, () => cover(this.there, 'there')));
      }
    }
    const { sim } = made(() => new Counted(), { clocks: { clk: { period: 1 }, far_clk: { period: 5 } } });
    const counts = () => sim.covers.map(({ count, covered }) => `${count} ${covered}`);
    const words = (name: string) => sim.engine.ports.get(name)?.words ?? new Uint32Array(1);
    sim.poke(sim.dut.here, 1);
    sim.poke(sim.dut.there, 1);
    expect(counts()).toEqual(['0 false', '0 false', '0 false']);
    const start = sim.cycle;
    expect(sim.run(1000)).toBe(1000);
    const edges = Math.floor((start + 1000) / 5) - Math.floor(start / 5);
    expect(counts()).toEqual(['1000 true', '999 true', `${edges} true`]);
    words('rst')[0] = 1;
    sim.step(10);
    words('rst')[0] = 0;
    words('far_rst_n')[0] = 0;
    sim.step(1);
    const state = sim.save();
    expect(counts()).toEqual(['1001 true', '999 true', `${edges + 2} true`]);
    sim.step(20);
    expect(counts()).toEqual(['1021 true', '1019 true', `${edges + 2} true`]);
    sim.restore(state);
    expect(counts()).toEqual(['1001 true', '999 true', `${edges + 2} true`]);
  });

  test('nothing is looked at while the reset is active', () => {
    class Picky extends Module {
      readonly other = clockDomain({ reset: { kind: 'async', active: 'low' } });
      readonly bad = input(bool);
      readonly out = output(bool);
      private readonly held = reg(bool, { init: 0 });
      protected override logic() {
        this.held.set(this.bad);
        this.out.set(this.held);
        assume(this.bad.not(), 'good to me');
        inDomain(this.other, () => log`other sees ${this.bad}`);
      }
    }
    const { sim, lines } = made(() => new Picky(), { resetCycles: 3 });
    expect(lines).toEqual([]);
    const ports = sim.engine.ports;
    expect([...ports.keys()]).toEqual(['rst', 'other_rst_n', 'bad', 'out']);
    const words = (name: string) => ports.get(name)?.words ?? new Uint32Array(1);
    words('rst')[0] = 1;
    sim.poke(sim.dut.bad, 1);
    sim.step(2);
    expect(lines).toEqual(['3: other sees 1', '4: other sees 1']);
    words('rst')[0] = 0;
    words('other_rst_n')[0] = 0;
    expect(failure(() => sim.step())).toContain('assumption failed in cycle 5: good to me');
    expect(lines.length).toBe(2);
  });

  test('with several clocks, events are those of the edges of their own clock', () => {
    class Slow extends Module {
      readonly slow = clockDomain({ reset: 'none' });
      readonly out = output(uint(8));
      private readonly count = reg(uint(8), { init: 0 });
      protected override logic() {
        this.count.set(this.count.add(1));
        this.out.set(this.count);
        inDomain(this.slow, () => {
          log`slow`;
          cover(this.count.eq(2), 'two at a slow edge');
          cover(this.count.eq(3), 'three at a slow edge');
        });
      }
    }
    // After the cycle of the reset the fast clock rises at 2, 3, ...; the slow one, which only events need, at 4, 8 and 12.
    const { sim, lines } = made(() => new Slow(), { clocks: { clk: { period: 1 }, slow_clk: { period: 4 } } });
    const before = sim.cycle;
    sim.step(12 - before);
    expect([sim.cycle, lines]).toEqual([12, ['3: slow', '7: slow', '11: slow']]);
    expect(sim.covers.map(({ covered }) => covered)).toEqual([false, true]);
  });

  test('events of a child are at the edges and under the reset of the domain that it was given', () => {
    class Talks extends Module {
      readonly out = output(uint(4));
      private readonly count = reg(uint(4), { init: 0 });
      protected override logic() {
        this.count.set(this.count.add(1));
        this.out.set(this.count);
        log`child ${this.count}`;
      }
    }
    class Parent extends Module {
      readonly slow = clockDomain();
      readonly out = output(uint(4));
      readonly busy = output(bool);
      private readonly child = inDomain(this.slow, () => new Talks());
      private readonly flag = reg(bool, { init: 0 });
      protected override logic() {
        this.flag.set(this.flag.not());
        this.busy.set(this.flag);
        this.out.set(this.child.out);
      }
    }
    const { sim, lines } = made(() => new Parent(), { clocks: { clk: { period: 1 }, slow_clk: { period: 3 } } });
    expect([sim.cycle, lines]).toEqual([3, []]);
    sim.step(3);
    const reset = sim.engine.ports.get('slow_rst')?.words ?? new Uint32Array(1);
    reset[0] = 1;
    sim.step(3);
    reset[0] = 0;
    sim.step(6);
    expect(lines).toEqual(['5: child 0', '11: child 0', '14: child 1']);
  });

  test('a run stops at attention of the design, and events before it are told', () => {
    class Attentive extends Module {
      readonly attention = output(bool);
      private readonly count = reg(uint(4), { init: 0 });
      protected override logic() {
        this.count.set(this.count.add(1));
        this.attention.set(this.count.eq(9));
        when(this.count.bits(1, 0).eq(1), () => log`at ${this.count}`);
      }
    }
    const { sim, lines } = made(() => new Attentive());
    expect(sim.run(100)).toBe(9);
    expect(lines).toEqual(['2: at 1', '6: at 5']);
    expect([...sim.engine.ports.keys()]).toEqual(['rst', 'attention']);
    expect(sim.peek(sim.dut.attention)).toBe(1n);
    expect(sim.run(100)).toBe(0);
    sim.step(1);
    expect(lines.length).toBe(3);
    expect(sim.run(100)).toBe(15);
  });

  test('something else that is called attention is an error', () => {
    class Busy extends Module {
      readonly attention = input(bool);
      readonly out = output(bool);
      private readonly held = reg(bool, { init: 0 });
      protected override logic() {
        this.held.set(this.attention);
        this.out.set(this.held);
        assert(this.held.not(), 'never');
      }
    }
    expect(failure(() => simulate(() => new Busy(), { engine }))).toContain(
      "Busy has properties or log lines, and the simulation tells of them by an output 'attention' of the top module.",
    );
  });
});

test('lines go to the console where nobody else gets them', () => {
  const written: unknown[] = [];
  const before = console.log;
  console.log = (...args: unknown[]) => written.push(args);
  try {
    using sim = simulate(() => new Watched(undefined));
    sim.poke(sim.dut.go, 1);
    sim.step();
  } finally {
    console.log = before;
  }
  expect(written).toEqual([['count 0, hex 00, binary 00000000, signed 0, in Idle']]);
});
