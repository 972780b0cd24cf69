import { describe, expect, test } from 'vitest';
import {
  bool,
  drawWaves,
  Fifo,
  input,
  log,
  Module,
  match,
  output,
  reg,
  simulate,
  sint,
  states,
  uint,
  WaveRecorder,
  waves,
  when,
} from '../../src/index.ts';

const Phase = states('Idle', 'Work', 'Done');

/** Works for as many cycles as it is asked to. */
class Worker extends Module {
  readonly start = input(bool);
  readonly length = input(uint(4));
  readonly phase = output(Phase);
  readonly busy = output(bool);
  readonly balance = output(sint(8));
  private readonly state = reg(Phase, { init: 'Idle' });
  private readonly left = reg(uint(4), { init: 0 });
  protected override logic() {
    this.phase.set(this.state);
    this.busy.set(this.state.eq('Work'));
    this.balance.set(this.left.asSInt().sext(8));
    match(Phase, this.state, {
      Idle: () =>
        when(this.start, () => {
          this.state.set('Work');
          this.left.set(this.length);
        }),
      Work: () => {
        this.left.set(this.left.sub(1));
        when(this.left.eq(1), () => this.state.set('Done'));
      },
      Done: () => this.state.set('Idle'),
    });
  }
}

/** Logs every odd count. */
class Telling extends Module {
  readonly odd = output(bool);
  private readonly count = reg(uint(8), { init: 0xfd });
  protected override logic() {
    this.odd.set(this.count.bit(0));
    this.count.set(this.count.add(1));
    when(this.odd, () => log`count is ${this.count}`);
  }
}

test('bits are lines, buses are boxes, states have their names and signed values their sign', () => {
  using sim = simulate(() => new Worker());
  const { start, length, phase, busy, balance } = sim.dut;
  const drive = (cycle: number) => {
    sim.poke(start, cycle === 1 || cycle === 6 ? 1 : 0);
    sim.poke(length, cycle < 3 ? 3 : 15);
  };
  expect(waves(sim, { signals: [start, length, phase, busy, balance], cycles: 11, drive })).toMatchInlineSnapshot(`
    "         0    1    2    3    4    5    6    7    8    9    10
    start    ▁▁▁▁▁╱▔▔▔▔╲▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁╱▔▔▔▔╲▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
    length   │3             │f
    phase    │Idle     │Work          │Done│Idle│Work
    busy     ▁▁▁▁▁▁▁▁▁▁╱▔▔▔▔▔▔▔▔▔▔▔▔▔▔╲▁▁▁▁▁▁▁▁▁╱▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔
    balance  │0        │3   │2   │1   │0        │-1  │-2  │-3  │-4"
  `);
});

test('signals inside are drawn by their path', () => {
  using sim = simulate(() => new Fifo({ type: uint(8), depth: 4 }), { signals: true });
  const { in: source, out } = sim.dut;
  const drive = (cycle: number) => {
    sim.poke(source.valid, cycle < 3 ? 1 : 0);
    sim.poke(source.payload, 0xa0 + cycle);
    sim.poke(out.ready, cycle > 3 ? 1 : 0);
  };
  expect(waves(sim, { signals: [source, 'write_pointer', 'word_valid', out], cycles: 8, drive })).toMatchInlineSnapshot(`
    "               0  1  2  3  4  5  6  7
    in_payload     │a0│a1│a2│a3│a4│a5│a6│a7
    in_valid       ▔▔▔▔▔▔▔▔▔╲▁▁▁▁▁▁▁▁▁▁▁▁▁▁
    in_ready       ▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔
    write_pointer  │0 │1 │2 │3
    word_valid     ▁▁▁▁▁▁╱▔▔▔▔▔▔▔▔▔▔▔▔▔▔╲▁▁
    out_payload    │00   │a0      │a1│a2
    out_valid      ▁▁▁▁▁▁╱▔▔▔▔▔▔▔▔▔▔▔▔▔▔╲▁▁
    out_ready      ▁▁▁▁▁▁▁▁▁▁▁▁╱▔▔▔▔▔▔▔▔▔▔▔"
  `);
});

test('all ports are drawn if no signals are named, and a recorder goes on where it was', () => {
  using sim = simulate(() => new Worker());
  sim.step(3);
  const recorder = new WaveRecorder(sim);
  sim.poke(sim.dut.start, 1);
  recorder.step(2);
  sim.poke(sim.dut.length, 2);
  recorder.step();
  expect(recorder.text()).toMatchInlineSnapshot(`
    "         0    1    2
    start    ▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔
    length   │0        │2
    phase    │Idle│Work
    busy     ▁▁▁▁▁╱▔▔▔▔▔▔▔▔▔
    balance  │00       │ff"
  `);
});

test('cycles that do not fit into a line follow below', () => {
  const rows = [
    { name: 'bit', kind: 'line', values: [...'0011010'] },
    { name: 'bus', kind: 'box', values: ['1', '1', '1', '2', '2', 'abc', 'abc'] },
  ] as const;
  expect(drawWaves(rows, { width: 11 })).toMatchInlineSnapshot(`
    "     0 1 2
    bit  ▁▁▁▁╱▔
    bus  │1

         3 4 5
    bit  ▔▔╲▁╱▔
    bus  │2  │…

         6
    bit  ╲▁
    bus  │…"
  `);
  expect(drawWaves(rows)).toMatchInlineSnapshot(`
    "     0 1 2 3 4 5 6
    bit  ▁▁▁▁╱▔▔▔╲▁╱▔╲▁
    bus  │1    │2  │abc"
  `);
});

test('a long value that does not last shows its end', () => {
  const values = ['00112233445566778899', '00112233445566778899', '0123456789abcdef'];
  expect(drawWaves([{ name: 'wide', kind: 'box', values }], { first: 98 })).toMatchInlineSnapshot(`
    "      98          99          100
    wide  │00112233445566778899   │…6789abcdef"
  `);
});

test('nothing to draw is an empty text', () => {
  expect(drawWaves([])).toBe('');
  expect(drawWaves([{ name: 'bit', kind: 'line', values: [] }])).toBe('');
});

describe('what cannot be drawn', () => {
  test('lines that are too short', () => {
    const rows = [{ name: 'signal', kind: 'line', values: ['0'] }] as const;
    expect(() => drawWaves(rows, { width: 9 })).toThrow(
      'A wave with these signals needs lines of at least 10 characters, not 9.',
    );
    expect(drawWaves(rows, { width: 10 })).toContain('signal');
  });

  test('what is no port', () => {
    using sim = simulate(() => new Worker());
    using other = simulate(() => new Fifo({ type: bool, depth: 2 }));
    expect(() => waves(sim, { signals: [other.dut.out.valid], cycles: 1 })).toThrow(
      "'out_valid' is not a port of the top module",
    );
  });

  test('a path without the option, and one of no signal', () => {
    using plain = simulate(() => new Worker());
    expect(() => waves(plain, { signals: ['state'], cycles: 1 })).toThrow(
      "'state' cannot be read: only ports can, unless the simulation is made with { signals: true }",
    );
    using sim = simulate(() => new Worker(), { signals: true });
    expect(() => waves(sim, { signals: ['stat'], cycles: 1 })).toThrow(
      "The design has no signal 'stat'. Did you mean start, state, left?",
    );
  });
});

test('a design with assertions and log lines can be looked into', () => {
  using sim = simulate(() => new Telling(), { signals: true, onLog: () => {} });
  expect(waves(sim, { signals: ['count', sim.dut.odd], cycles: 5 })).toMatchInlineSnapshot(`
    "       0  1  2  3  4
    count  │fd│fe│ff│00│01
    odd    ▔▔▔╲▁▁╱▔▔╲▁▁╱▔▔"
  `);
});
