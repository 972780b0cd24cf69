import { expect, test } from 'vitest';
import { clockDomain, Module, output, reg, simulate, uint } from '../../src/index.ts';
import type { Reset } from '../../src/ir/ir.ts';

/** Counts from 5; `free` has no reset value. */
class Counter extends Module<Pick<Reset, 'kind' | 'active'>> {
  readonly main = clockDomain({ default: true, clock: 'clk', reset: { ...this.p, name: 'reset' } });
  readonly value = output(uint(8));
  readonly twice = output(uint(8));
  readonly free = output(uint(8));
  private readonly count = reg(uint(8), { init: 5 });
  private readonly other = reg(uint(8));

  protected override logic() {
    this.count.set(this.count.add(1));
    this.other.set(this.other.add(this.count));
    this.value.set(this.count);
    this.twice.set(this.count.add(this.count));
    this.free.set(this.other);
  }
}

const all = (['sync', 'async'] as const).flatMap(kind => (['high', 'low'] as const).map(active => ({ kind, active })));

function made({ kind, active }: (typeof all)[number]) {
  const sim = simulate(() => new Counter({ kind, active }));
  const words = sim.engine.ports.get('reset')?.words ?? new Uint32Array(1);
  const reset = (on: boolean) => {
    words[0] = on === (active === 'high') ? 1 : 0;
  };
  const values = () => [sim.peek(sim.dut.value), sim.peek(sim.dut.twice), sim.peek(sim.dut.free)].map(Number);
  return { sim, reset, values };
}

test.each(all)('$kind, active $active: after simulate() registers have their reset values and the reset is inactive', kind => {
  const { sim, values } = made(kind);
  expect(values().slice(0, 2)).toEqual([5, 10]);
  sim.step(3);
  expect(values().slice(0, 2)).toEqual([8, 16]);
});

test.each(all)('$kind, active $active: when a reset acts and when it ends', kind => {
  const { sim, reset, values } = made(kind);
  sim.step(3);
  const before = values();
  const asynchronous = kind.kind === 'async';
  reset(true);
  // Without an edge, only an asynchronous reset is seen, and what depends on the register with it.
  expect(values()).toEqual(asynchronous ? [5, 10, before[2]] : before);
  sim.step(2);
  const held = (before[2] ?? 0) + (asynchronous ? 5 + 5 : 8 + 5);
  expect(values()).toEqual([5, 10, held]);
  reset(false);
  expect(values()).toEqual([5, 10, held]);
  sim.step();
  expect(values()).toEqual([6, 12, held + 5]);
});

test.each(all)('$kind, active $active: a reset that begins and ends between two edges', kind => {
  const { sim, reset, values } = made(kind);
  sim.step(3);
  const [, , free = 0] = values();
  reset(true);
  sim.settle();
  reset(false);
  const value = kind.kind === 'async' ? 5 : 8;
  expect(values()).toEqual([value, 2 * value, free]);
  sim.step();
  expect(values()).toEqual([value + 1, 2 * value + 2, free + value]);
});

test('before simulate() resets, an asynchronous reset that is active low acts, as its port is 0', () => {
  const at = (kind: (typeof all)[number]) => {
    using sim = simulate(() => new Counter(kind), { resetCycles: 0 });
    return sim.peek(sim.dut.value);
  };
  expect(all.map(at)).toEqual([0n, 0n, 0n, 5n]);
});

test('with several clocks, an asynchronous reset of one of them leaves the others alone', () => {
  class Two extends Module {
    readonly other = clockDomain({ reset: { kind: 'async' } });
    readonly a = output(uint(8));
    readonly b = output(uint(8));
    private readonly first = reg(uint(8), { init: 1 });
    private readonly second = reg(uint(8), { init: 2, domain: this.other });
    protected override logic() {
      this.first.set(this.first.add(1));
      this.second.set(this.second.add(1));
      this.a.set(this.first);
      this.b.set(this.second);
    }
  }
  using sim = simulate(() => new Two(), { clocks: { clk: { period: 2 }, other_clk: { period: 6 } } });
  const values = () => [Number(sim.peek(sim.dut.a)), Number(sim.peek(sim.dut.b))];
  const port = sim.engine.ports.get('other_rst')?.words ?? new Uint32Array(1);
  sim.step(6);
  expect(values()).toEqual([7, 4]);
  port[0] = 1;
  expect(values()).toEqual([7, 2]);
  expect(sim.cycle).toBe(9);
  port[0] = 0;
  // The settling in between was no cycle: the other clock rises in the third one from here.
  sim.step(2);
  expect(values()).toEqual([9, 2]);
  sim.step();
  expect(values()).toEqual([10, 3]);
});
