import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { simulationOf } from '../../src/engine/embedded.ts';
import { wasmMachine } from '../../src/engine/machine.ts';
import { prepared } from '../../src/engine/prepared.ts';
import {
  assert,
  bool,
  Coverage,
  clockDomain,
  connect,
  coverageText,
  embedded,
  input,
  lcov,
  Module,
  match,
  mux,
  output,
  reg,
  SimulationError,
  simulate,
  states,
  uint,
  when,
} from '../../src/index.ts';
import { Random } from '../random.ts';
import { randomDesign } from '../random-design.ts';
import { get, set } from './ports.ts';

/** The first seed; set HDL_RANDOM_SEED to look at others. */
const first = Number(process.env.HDL_RANDOM_SEED ?? 1);

class Counter extends Module {
  readonly en = input(bool);
  readonly value = output(uint(4));
  private readonly count = reg(uint(4), { init: 0 });

  protected override logic() {
    when(this.en, () => this.count.set(this.count.add(1)));
    this.value.set(this.count);
    assert(this.count.le(15), 'always so');
  }
}

const signal = (coverage: Coverage, name: string) => {
  const found = coverage.signals.find(item => `${item.module}.${item.name}` === name);
  return found && [found.rose, found.fell];
};

/** The ways of all decisions of a kind, with their counts. */
const ways = (coverage: Coverage, kind: string) =>
  coverage.decisions.filter(item => item.kind === kind).map(item => item.ways.map(({ way, count }) => `${way}: ${count}`));

test('bits count when they change from one clock edge to the next, conditions at each edge', () => {
  using sim = simulate(() => new Counter(), { coverage: true });
  // The edge of the reset saw 0 and en at 0.
  sim.poke(sim.dut.en, 1);
  sim.step(3);
  // Edges saw 0, 1, 2; the 3 that is there now no edge has seen.
  const coverage = sim.coverage();
  expect(signal(coverage, 'Counter.count')).toEqual([0b11n, 0b01n]);
  expect(signal(coverage, 'Counter.value')).toEqual([0b11n, 0b01n]);
  expect(signal(coverage, 'Counter.en')).toEqual([1n, 0n]);
  expect(ways(coverage, 'when')).toEqual([['when 1: 3', 'when 0: 1']]);
  expect(coverage.signals.map(({ name }) => name)).toEqual(['en', 'value', 'count']);
  expect(coverage.tally()).toEqual({
    toggle: { covered: 3 + 3 + 1, total: 2 * (4 + 4 + 1) },
    condition: { covered: 2, total: 2 },
    state: { covered: 0, total: 0 },
  });
  sim.step(1);
  expect(signal(sim.coverage(), 'Counter.count')).toEqual([0b11n, 0b01n]);
  sim.step(2);
  expect(signal(sim.coverage(), 'Counter.count')).toEqual([0b111n, 0b011n]);
});

class Pair extends Module {
  readonly a = input(bool);
  readonly b = input(bool);
  readonly sum = output(uint(4));
  private readonly left = new Counter();
  private readonly right = new Counter();

  protected override logic() {
    connect(this.left, { en: this.a });
    connect(this.right, { en: this.b });
    this.sum.set(mux(this.a, this.left.value, this.right.value));
  }
}

test('instances of one module add up', () => {
  using sim = simulate(() => new Pair(), { coverage: true });
  const { a, b } = sim.dut;
  sim.poke(a, 1);
  sim.step(2);
  sim.poke(a, 0);
  sim.poke(b, 1);
  sim.step(5);
  const coverage = sim.coverage();
  // Left: edges saw 0, 0, 1, then 2 for good; right: 0 three times, then 0, 1, 2, 3, 4.
  expect(signal(coverage, 'Counter.count')).toEqual([0b111n, 0b011n]);
  expect(ways(coverage, 'when')).toEqual([['when 1: 7', 'when 0: 9']]);
  expect(ways(coverage, 'mux')).toEqual([['mux 1: 2', 'mux 0: 6']]);
  expect(coverage.modules).toEqual(['Counter', 'Pair']);
});

const State = states('Idle', 'Run', 'Pause', 'Broken');

class Machine extends Module {
  readonly go = input(bool);
  readonly halt = input(bool);
  readonly busy = output(bool);
  private readonly state = reg(State, { init: State.Idle });

  protected override logic() {
    this.busy.set(0);
    match(State, this.state, {
      Idle: () => {
        when(this.go, () => this.state.set(State.Run));
      },
      Run: () => {
        this.busy.set(1);
        when(this.halt, () => this.state.set(State.Pause))
          .elsewhen(this.go, () => this.state.set(State.Idle))
          .otherwise(() => this.busy.set(0));
      },
      Pause: () => this.state.set(State.Idle),
      Broken: () => this.state.set(State.Idle),
    });
  }
}

/** Idle (reset), Idle, Run, Run, Pause, Idle. */
function machineRun(): Coverage {
  using sim = simulate(() => new Machine(), { coverage: true });
  const { go, halt } = sim.dut;
  sim.poke(go, 1);
  sim.step();
  sim.poke(go, 0);
  sim.step();
  sim.poke(halt, 1);
  sim.step(3);
  return sim.coverage();
}

/** Idle twice, Run, and a stop by `go`: Idle. */
function otherRun(): Coverage {
  using sim = simulate(() => new Machine(), { coverage: true });
  sim.poke(sim.dut.go, 1);
  sim.step(3);
  return sim.coverage();
}

test('states and their changes count, and conditions only where they are asked', () => {
  const coverage = machineRun();
  expect(coverage.states[0]?.states).toEqual([
    { state: 'Idle', cycles: 3 },
    { state: 'Run', cycles: 2 },
    { state: 'Pause', cycles: 1 },
    { state: 'Broken', cycles: 0 },
  ]);
  expect(coverage.states[0]?.transitions).toEqual([
    { from: 'Idle', to: 'Run', count: 1 },
    { from: 'Run', to: 'Pause', count: 1 },
    { from: 'Pause', to: 'Idle', count: 1 },
  ]);
  expect(ways(coverage, 'match')).toEqual([['Idle: 3', 'Run: 2', 'Pause: 1', 'Broken: 0']]);
  expect(ways(coverage, 'when')).toEqual([
    ['when 1: 1', 'when 0: 2'],
    ['when 1: 1', 'when 0: 1', 'elsewhen 1: 0', 'elsewhen 0: 1'],
  ]);
});

test('runs merge, also by way of text', () => {
  const runs = [machineRun(), Coverage.parse(JSON.stringify(otherRun()))];
  const both = Coverage.merge(...runs);
  expect(ways(both, 'when')).toEqual([
    ['when 1: 3', 'when 0: 3'],
    ['when 1: 1', 'when 0: 2', 'elsewhen 1: 1', 'elsewhen 0: 1'],
  ]);
  expect(both.states[0]?.states.map(({ cycles }) => cycles)).toEqual([6, 3, 1, 0]);
  expect(both.states[0]?.transitions).toContainEqual({ from: 'Run', to: 'Idle', count: 1 });
  expect(signal(runs[0] as Coverage, 'Machine.halt')).toEqual([1n, 0n]);
  for (const merged of [both, Coverage.merge(...runs.toReversed())]) {
    expect(signal(merged, 'Machine.halt')).toEqual([1n, 0n]);
    expect(signal(merged, 'Machine.go')).toEqual([1n, 1n]);
  }
  const counter = (() => {
    using sim = simulate(() => new Counter(), { coverage: true });
    sim.step(1);
    return sim.coverage();
  })();
  expect(Coverage.merge(both, counter).modules).toEqual(['Machine', 'Counter']);
  expect(Coverage.merge(both).tally()).toEqual(both.tally());
});

test('the text has shares and what is missing, with places', () => {
  const text = coverageText(machineRun()).replace(/(\S*coverage\.test\.ts):\d+:\d+/g, 'coverage.test.ts');
  expect(text).toMatchInlineSnapshot(`
    "              toggle    condition       state
    Machine  9/10 90.0 %  8/10 80.0 %  3/4 75.0 %
    total    9/10 90.0 %  8/10 80.0 %  3/4 75.0 %

    not covered:
    coverage.test.ts Machine.halt never fell
    coverage.test.ts Machine.state was never Broken
    coverage.test.ts Machine: match was never Broken
    coverage.test.ts Machine: never elsewhen 1
    "
  `);
  expect(coverageText(Coverage.merge(machineRun(), otherRun()).waive('Machine.state', '*.halt'))).not.toMatch(
    /Machine.(state|halt)/,
  );
});

test('what is covered in full has no list of what is missing', () => {
  const place = undefined;
  const full = new Coverage({
    signals: [{ module: 'A', name: 'x', place, width: 2, rose: 3n, fell: 3n }],
    decisions: [],
    states: [],
  });
  expect(coverageText(full)).toMatchInlineSnapshot(`
    "            toggle  condition  state
    A      4/4 100.0 %          -      -
    total  4/4 100.0 %          -      -
    "
  `);
});

test('patterns waive signals and state registers', () => {
  const coverage = machineRun();
  const names = (c: Coverage) => [...c.signals, ...c.states].map(({ module, name }) => `${module}.${name}`);
  expect(names(coverage)).toEqual(['Machine.go', 'Machine.halt', 'Machine.busy', 'Machine.state', 'Machine.state']);
  expect(names(coverage.waive('*.state'))).toEqual(['Machine.go', 'Machine.halt', 'Machine.busy']);
  expect(names(coverage.waive('Mach*.*a*', 'Machine.g?'))).toEqual(['Machine.go', 'Machine.busy']);
  expect(coverage.waive('*').decisions).toEqual(coverage.decisions);
});

test('LCOV has a record per file and the counts at the lines of the source', () => {
  const text = lcov(machineRun());
  const source = readFileSync(new URL(import.meta.url), 'utf8').split('\n');
  const line = (part: string) => source.findIndex(content => content.includes(part)) + 1;
  expect(text).toMatch(/^TN:\nSF:.*coverage\.test\.ts\n/);
  const decision = line('when(this.halt, () => this.state');
  expect(
    [...text.matchAll(new RegExp(`^BRDA:${decision},\\d+,(\\d),(\\d+)$`, 'gm'))].map(([, branch, count]) => [branch, count]),
  ).toEqual([
    ['0', '1'],
    ['1', '1'],
    ['2', '0'],
    ['3', '1'],
  ]);
  expect(text).toContain(`DA:${line('match(State, this.state, {')},3\n`);
  expect(text).toContain(`DA:${line('readonly halt = input')},1\n`);
  const number = (key: string) => Number(new RegExp(`^${key}:(\\d+)$`, 'm').exec(text)?.[1]);
  // Two branches per signal, four of the match, two and four of the whens, four states.
  expect(number('BRF')).toBe(4 * 2 + 4 + 2 + 4 + 4);
  expect(number('LF')).toBe([...text.matchAll(/^DA:/gm)].length);
  expect(number('BRH')).toBe([...text.matchAll(/^BRDA:.*,[1-9]\d*$/gm)].length);
  expect(text.endsWith('end_of_record\n')).toBe(true);
});

class Asynchronous extends Module {
  readonly clk = clockDomain({ reset: { kind: 'async' } });
  readonly go = input(bool, { domain: this.clk });
  readonly busy = output(bool);
  private readonly state = reg(State, { init: State.Idle, domain: this.clk });

  protected override logic() {
    when(this.go, () => this.state.set(State.Run));
    this.busy.set(this.state.eq(State.Run));
  }
}

test('a register with an asynchronous reset has its states, and no settling counts as a cycle', () => {
  using sim = simulate(() => new Asynchronous(), { coverage: true });
  sim.poke(sim.dut.go, 1);
  for (let i = 0; i < 5; i++) sim.settle();
  sim.step(2);
  const coverage = sim.coverage();
  expect(coverage.states[0]?.states.slice(0, 2).map(({ cycles }) => cycles)).toEqual([2, 1]);
  expect(ways(coverage, 'when')).toEqual([['when 1: 2', 'when 0: 1']]);
});

test('what a restored state changes is no change of a bit', () => {
  using sim = simulate(() => new Counter(), { coverage: true });
  const start = sim.save();
  sim.poke(sim.dut.en, 1);
  sim.step(8);
  sim.restore(start);
  sim.poke(sim.dut.en, 0);
  sim.step(2);
  // The edges saw 0 to 7, and then 0 again.
  expect(signal(sim.coverage(), 'Counter.count')).toEqual([0b111n, 0b011n]);
  expect(signal(sim.coverage(), 'Counter.en')).toEqual([1n, 0n]);
});

test('coverage is to be asked for', () => {
  using sim = simulate(() => new Counter());
  expect(() => sim.coverage()).toThrow(SimulationError);
  expect(() => sim.coverage()).toThrow('make it with { coverage: true }');
});

describe('random designs', () => {
  test('toggle as their signals do, and compute the same as without coverage, with a waveform or not', () => {
    const folder = mkdtempSync(join(tmpdir(), 'coverage-'));
    for (let seed = first; seed < first + 5; seed++) {
      const design = randomDesign(seed, { expressions: 25 });
      const random = new Random(seed);
      using plain = embedded(design, { signals: true });
      using covered = embedded(design, { coverage: true });
      using traced = embedded(design, { coverage: true, trace: join(folder, 'w.vcd') });
      // A path says the module by its instances.
      const modules = new Map<string, string>();
      const enter = (module: typeof design.top, path: string) => {
        for (const { name, kind } of module.signals) if (kind !== 'parameter') modules.set(path + name, `${module.name}.${name}`);
        for (const { name, module: child } of module.instances) enter(child, `${path}${name}.`);
      };
      enter(design.top, '');
      const seen = new Map<string, [bigint, bigint]>();
      const last = new Map<string, bigint>();
      for (let cycle = 0; cycle < 12; cycle++) {
        for (const { name, direction, width } of plain.ports.values()) {
          if (direction === 'output') continue;
          const value = random.bits(width);
          for (const sim of [plain, covered, traced]) set(sim, name, value);
        }
        plain.settle();
        for (const [path, view] of plain.signals ?? []) {
          const now = view.words.reduceRight((high, word) => (high << 32n) | BigInt(word), 0n);
          const before = last.get(path) ?? now;
          last.set(path, now);
          const key = modules.get(path);
          if (key === undefined) continue;
          const [rose, fell] = seen.get(key) ?? [0n, 0n];
          seen.set(key, [rose | (now & ~before), fell | (before & ~now)]);
        }
        for (const sim of [plain, covered, traced]) sim.step();
        for (const { name } of plain.ports.values())
          for (const sim of [covered, traced])
            expect(get(sim, name), `seed ${seed}, cycle ${cycle}, ${name}`).toBe(get(plain, name));
      }
      const coverage = covered.coverage();
      expect(coverage.signals.length, `seed ${seed}`).toBe(seen.size);
      for (const { module, name, rose, fell } of coverage.signals)
        expect([rose, fell], `seed ${seed}, ${module}.${name}`).toEqual(seen.get(`${module}.${name}`));
      expect(traced.coverage(), `seed ${seed}`).toEqual(coverage);
    }
    expect(readFileSync(join(folder, 'w.vcd'), 'utf8')).not.toContain('decision');
    rmSync(folder, { recursive: true });
  });
});

describe('counted by the machine itself and in JavaScript', () => {
  /** What both count, with restores and runs that an output ends in between. */
  function counted(design: Parameters<typeof embedded>[0], seed: number): readonly (readonly string[])[] {
    const ready = prepared(design, { coverage: true });
    using inside = embedded(design, { coverage: true });
    using outside = simulationOf('outside', wasmMachine(ready.design, ready.signals, 'never'), {}, ready);
    return [inside, outside].map(simulation => {
      const random = new Random(seed);
      const told: string[] = [];
      let state = simulation.save();
      for (let i = 0; i < 60; i++) {
        for (const { name, direction, width } of simulation.ports.values())
          if (direction === 'input' && random.chance(0.4)) set(simulation, name, random.bits(width));
        if (random.chance(0.1)) simulation.restore(state);
        if (random.chance(0.1)) state = simulation.save();
        if (random.chance(0.3)) told.push(`${simulation.run(random.below(20))} ${simulation.cycle}`);
        else simulation.step(random.below(5));
        if (random.chance(0.1)) told.push(text(simulation.coverage()));
      }
      return [...told, text(simulation.coverage())];
    });
  }

  /** Transitions in one order. */
  function text(coverage: Coverage): string {
    const { signals, decisions, states: registers } = coverage;
    const sorted = registers.map(register => ({
      ...register,
      transitions: register.transitions.map(({ from, to, count }) => `${from} ${to} ${count}`).sort(),
    }));
    return JSON.stringify({ signals, decisions, sorted }, (_, value) => (typeof value === 'bigint' ? `${value}` : value));
  }

  test.each(Array.from({ length: 12 }, (_, i) => first + i))('the same, of a random design, seed %i', seed => {
    const [inside, outside] = counted(randomDesign(seed), seed);
    expect(inside).toEqual(outside);
  });

  test('the same, of states, with two clocks and a reset that acts at once', () => {
    const Phase = states('Idle', 'Run', 'Drain', 'Stop');
    class Phases extends Module {
      readonly far = clockDomain({ reset: { kind: 'async' } });
      readonly go = input(bool);
      readonly level = input(uint(3), { domain: this.far });
      readonly phase = output(Phase);
      readonly other = output(Phase);
      readonly attention = output(bool);
      private readonly now = reg(Phase, { init: 'Idle' });
      private readonly there = reg(Phase, { init: 'Drain', domain: this.far });
      protected override logic() {
        this.phase.set(this.now);
        this.other.set(this.there);
        this.attention.set(this.now.is('Stop'));
        match(Phase, this.now, {
          Idle: () => when(this.go, () => this.now.set('Run')),
          Run: () => when(this.go, () => this.now.set('Drain')).otherwise(() => this.now.set('Stop')),
          Drain: () => this.now.set('Idle'),
          Stop: () => this.now.set('Idle'),
        });
        when(this.level.gt(5), () => this.there.set('Stop')).elsewhen(this.level.gt(2), () => this.there.set('Run'));
      }
    }
    for (let seed = first; seed < first + 4; seed++) {
      const [inside, outside] = counted(simulate(() => new Phases()).design, seed);
      expect(inside, `seed ${seed}`).toEqual(outside);
      expect(inside?.at(-1)).toMatch(/Run Drain [1-9]/);
    }
  });
});
