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
  u,
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
    this.balance.set(this.left.asSigned().sext(8));
    match(this.state, {
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

test('bits are lines, buses are boxes, states have their names and signed values their sign', () => {
  using sim = simulate(() => new Worker());
  const { start, length, phase, busy, balance } = sim.dut;
  const drive = (cycle: number) => {
    sim.poke(start, cycle === 1 || cycle === 6 ? 1 : 0);
    sim.poke(length, cycle < 3 ? 3 : 15);
  };
  expect(waves(sim, { signals: [start, length, phase, busy, balance], cycles: 11, drive })).toMatchInlineSnapshot();
});

test('signals inside are drawn by their path', () => {
  using sim = simulate(() => new Fifo({ type: uint(8), depth: 4 }), { signals: true });
  const { in: source, out } = sim.dut;
  const drive = (cycle: number) => {
    sim.poke(source.valid, cycle < 3 ? 1 : 0);
    sim.poke(source.payload, 0xa0 + cycle);
    sim.poke(out.ready, cycle > 3 ? 1 : 0);
  };
  const inside = [...(sim.engine.signals?.keys() ?? [])].filter(name => !name.includes('_'));
  expect(inside.length).toBeGreaterThan(0);
  expect(waves(sim, { signals: [source, ...inside, out], cycles: 8, drive })).toMatchInlineSnapshot(`
    "             1  2  3  4  5  6  7  8
    in_payload   │a0│a1│a2│a3│a4│a5│a6│a7
    in_valid     ▔▔▔▔▔▔▔▔▔╲▁▁▁▁▁▁▁▁▁▁▁▁▁▁
    in_ready     ▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔
    full         ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
    out_payload  │00   │a0      │a1│a2
    out_valid    ▁▁▁▁▁▁╱▔▔▔▔▔▔▔▔▔▔▔▔▔▔╲▁▁
    out_ready    ▁▁▁▁▁▁▁▁▁▁▁▁╱▔▔▔▔▔▔▔▔▔▔▔"
  `);
});
