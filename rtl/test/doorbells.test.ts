import { expect, test } from 'vitest';
import { type Engine, simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { testOnEngines } from '../../sim/testbench/src/on-engines.ts';
import { Doorbells, doorbellBytes } from '../src/endpoint/registers/doorbells.ts';

/** Events as they have to be: at most one for each doorbell, in the order of the first ring, with the last value. */
class Model {
  readonly queue: number[] = [];
  readonly values: Uint32Array;
  coalesced = 0;
  constructor(count: number) {
    this.values = new Uint32Array(count);
  }
  ring(doorbell: number, data: number, mask: number): void {
    if (mask === 0) return;
    for (let byte = 0; byte < 4; byte++) {
      const bits = 0xff * 2 ** (8 * byte);
      if ((mask >> byte) & 1) this.values[doorbell] = (((this.values[doorbell] ?? 0) & ~bits) | (data & bits)) >>> 0;
    }
    if (this.queue.includes(doorbell)) this.coalesced++;
    else this.queue.push(doorbell);
  }
}

function bench(count: number, stride: number, engine?: Engine) {
  const sim = simulate(() => new Doorbells({ count, stride }), engine ? { engine } : {});
  const { dut } = sim;
  while (sim.peek(dut.busy) === 1n) sim.step();
  return {
    sim,
    dut,
    /** A cycle with a write to a DW, or none, and perhaps a take; says what was taken. */
    cycle(write?: { dword: number; data: number; mask?: number }, take = false): number | undefined {
      sim.poke(dut.ring, write ? 1 : 0);
      if (write) {
        sim.poke(dut.ring_dword, write.dword);
        sim.poke(dut.ring_data, write.data >>> 0);
        sim.poke(dut.ring_mask, write.mask ?? 15);
      }
      sim.poke(dut.take, take ? 1 : 0);
      const next = take && sim.peek(dut.next_valid) === 1n ? Number(sim.peek(dut.next)) : undefined;
      sim.step();
      sim.poke(dut.ring, 0);
      sim.poke(dut.take, 0);
      return next;
    },
    [Symbol.dispose]: () => sim[Symbol.dispose](),
  };
}

function compare(count: number, stride: number, engine?: Engine): void {
  const seed = count;
  using b = bench(count, stride, engine);
  const random = new Random(seed);
  const model = new Model(count);
  let taken = 0;
  for (let i = 0; i < 3000; i++) {
    const dense = Math.floor(i / 500) % 2 === 0;
    const doorbell = random.below(random.chance(0.3) ? Math.min(3, count) : count);
    const spacing = stride / 4;
    const off = random.chance(0.1) && spacing > 1 ? 1 + random.below(spacing - 1) : 0;
    const write = random.chance(dense ? 1 : 0.2)
      ? { dword: doorbell * spacing + off, data: Number(random.bits(32)), mask: random.below(16) }
      : undefined;
    const next = b.cycle(write, random.chance(dense ? 0.3 : 0.6));
    // What is taken was rung before this cycle; a write in the cycle is new.
    if (next !== undefined) {
      expect(next, `${count} doorbells, cycle ${i}`).toBe(model.queue.shift());
      expect(Number(b.sim.peek(b.dut.value)), `${count} doorbells, cycle ${i}`).toBe(model.values[next]);
      taken++;
    }
    if (write && off === 0) model.ring(doorbell, write.data, write.mask);
    expect(Number(b.sim.peek(b.dut.coalesced))).toBe(Math.min(model.coalesced, 0xffff));
  }
  for (let i = 0; i < 4 * count + 20; i++) {
    const next = b.cycle(undefined, true);
    if (next !== undefined) expect(next).toBe(model.queue.shift());
  }
  expect(model.queue).toEqual([]);
  expect(taken).toBeGreaterThan(count === 1 ? 100 : 500);
}

test.each([
  [1, 4],
  [16, 4],
  [100, 64],
])('doorbells: %d of them, %d bytes apart: random writes and takes as in the model, in every cycle', (count, stride) => {
  compare(count, stride);
});

testOnEngines('doorbells: 5 of them, 8 bytes apart, as in the model on both engines', engine => {
  compare(5, 8, engine);
});

test('doorbells: a write again while pending is one event with the last value; events keep their order', () => {
  using b = bench(8, 4);
  b.cycle({ dword: 6, data: 1 });
  b.cycle({ dword: 2, data: 10 });
  b.cycle({ dword: 6, data: 2 });
  b.cycle({ dword: 6, data: 0xaa00, mask: 0b0010 });
  for (let i = 0; i < 4; i++) b.cycle();
  expect(Number(b.sim.peek(b.dut.coalesced))).toBe(2);
  expect(b.cycle(undefined, true)).toBe(6);
  expect(b.sim.peek(b.dut.value)).toBe(0xaa02n);
  b.cycle({ dword: 6, data: 3 });
  b.cycle();
  expect(b.sim.peek(b.dut.value)).toBe(0xaa02n);
  expect(b.cycle(undefined, true)).toBe(2);
  b.cycle();
  b.cycle();
  expect(b.cycle(undefined, true)).toBe(6);
  expect(b.sim.peek(b.dut.value)).toBe(3n);
  expect(b.cycle(undefined, true)).toBe(undefined);
});

test('doorbells: all rung again and again in every cycle: no event is lost', () => {
  using b = bench(64, 4);
  for (let i = 0; i < 640; i++) b.cycle({ dword: (i * 13) % 64, data: i });
  const found: number[] = [];
  for (let i = 0; i < 300; i++) {
    const next = b.cycle(undefined, true);
    if (next !== undefined) found.push(next);
  }
  expect(found).toEqual(Array.from({ length: 64 }, (_, i) => (i * 13) % 64));
});

test('doorbells: the count of events that were joined stops at its largest value', () => {
  using b = bench(4, 4);
  b.cycle({ dword: 3, data: 1 });
  b.sim.poke(b.dut.ring, 1);
  b.sim.step(0xfffe);
  expect(b.sim.peek(b.dut.coalesced)).toBe(0xfffen);
  b.sim.step(5);
  expect(b.sim.peek(b.dut.coalesced)).toBe(0xffffn);
  b.sim.poke(b.dut.ring, 0);
  b.sim.poke(b.dut.reset, 1);
  b.sim.step();
  b.sim.poke(b.dut.reset, 0);
  b.sim.step();
  expect(b.sim.peek(b.dut.coalesced)).toBe(0n);
});

test('C84: a reset drops events and values', () => {
  using b = bench(8, 4);
  b.cycle({ dword: 1, data: 0xffff_ffff });
  for (let i = 0; i < 4; i++) b.cycle();
  b.sim.poke(b.dut.reset, 1);
  b.cycle();
  expect(b.sim.peek(b.dut.busy)).toBe(1n);
  while (b.sim.peek(b.dut.busy) === 1n) b.cycle();
  b.sim.poke(b.dut.reset, 0);
  expect([b.sim.peek(b.dut.next_valid), b.sim.peek(b.dut.coalesced)]).toEqual([0n, 0n]);
  b.cycle({ dword: 1, data: 0x11, mask: 1 });
  for (let i = 0; i < 4; i++) b.cycle();
  expect([b.cycle(undefined, true), b.sim.peek(b.dut.value)]).toEqual([1, 0x11n]);
});

test('doorbells: a write is an event 2 cycles later; parameters that cannot be', () => {
  using b = bench(8, 4);
  b.cycle({ dword: 1, data: 0 });
  const seen: bigint[] = [];
  for (let i = 0; i < 3; i++) {
    seen.push(b.sim.peek(b.dut.next_valid));
    b.cycle();
  }
  expect(seen).toEqual([0n, 1n, 1n]);
  expect(doorbellBytes({ count: 5, stride: 8 })).toBe(64);
  expect(() => bench(0, 4)).toThrow('there are 0 doorbells');
  expect(() => bench(4, 6)).toThrow('doorbells stand 6 bytes apart');
});
