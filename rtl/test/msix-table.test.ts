import { describe, expect, test } from 'vitest';
import { type Engine, simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { testOnEngines } from '../../sim/testbench/src/on-engines.ts';
import { Msix } from '../src/endpoint/registers/msix.ts';
import { numberOf, one } from './dma-model.ts';

interface Sent {
  readonly vector: number;
  readonly address: bigint;
  readonly cycle: number;
}

/** A table whose entry of vector v has the data v and an address of its own; messages are noted, and checked to be posted writes of one DW. */
class Bench implements Disposable {
  readonly sim;
  readonly sent: Sent[] = [];
  takeRate = 1;
  private readonly random: Random;
  private readonly ports;

  constructor(vectors: number, seed = 1, width = 64, engine?: Engine) {
    this.random = new Random(seed);
    this.sim = simulate(() => new Msix({ width, vectors }), engine ? { engine } : {});
    const { sim } = this;
    const { header, first, last, data } = sim.dut.tx.payload;
    this.ports = {
      valid: sim.port(sim.dut.tx.valid),
      ready: sim.port(sim.dut.tx.ready),
      fixed: [header.type, header.length, header.first_be, header.last_be, header.requester_id, header.attr, first, last].map(s =>
        sim.port(s),
      ),
      fmt: sim.port(header.fmt),
      address: sim.port(header.address),
      data: sim.port(data),
    };
    sim.poke(sim.dut.id, 0x1203);
    while (sim.peek(sim.dut.busy) === 1n) this.cycle();
  }
  cycle(): void {
    const { sim, ports } = this;
    ports.ready.words[0] = this.random.chance(this.takeRate) ? 1 : 0;
    sim.settle();
    if (one(ports.valid) && one(ports.ready)) {
      expect(ports.fixed.map(port => port.words[0])).toEqual([0, 1, 15, 0, 0x1203, 0, 1, 1]);
      const address = numberOf(ports.address);
      expect(ports.fmt.words[0]).toBe(address >> 32n === 0n ? 2 : 3);
      this.sent.push({ vector: Number(numberOf(ports.data)), address, cycle: sim.cycle });
    }
    sim.step();
  }
  cycles(n: number): void {
    for (let i = 0; i < n; i++) this.cycle();
  }
  write(dword: number, data: number, mask = 15): void {
    const { sim } = this;
    const { write, write_index, write_data, write_mask } = sim.dut;
    sim.poke(write, 1);
    sim.poke(write_index, dword);
    sim.poke(write_data, data >>> 0);
    sim.poke(write_mask, mask);
    this.cycle();
    sim.poke(write, 0);
  }
  read(dword: number, what: 'read_table' | 'read_pending' = 'read_table'): number {
    const { sim } = this;
    sim.poke(sim.dut[what], 1);
    sim.poke(sim.dut.read_index, dword);
    this.cycle();
    sim.poke(sim.dut[what], 0);
    return Number(sim.peek(sim.dut.word));
  }
  mask(vector: number, masked: number): void {
    this.write(4 * vector + 3, masked, 1);
  }
  trigger(vector: number): void {
    const { sim } = this;
    sim.poke(sim.dut.trigger, 1);
    sim.poke(sim.dut.trigger_vector, vector);
    this.cycle();
    sim.poke(sim.dut.trigger, 0);
  }
  interval(vector: number, cycles: number): void {
    const { sim } = this;
    sim.poke(sim.dut.set_interval, 1);
    sim.poke(sim.dut.interval_vector, vector);
    sim.poke(sim.dut.interval, cycles);
    this.cycle();
    sim.poke(sim.dut.set_interval, 0);
  }
  enable(on: number): void {
    this.sim.poke(this.sim.dut.enable, on);
  }
  /** Entries for all vectors, all of them open. */
  prepare(vectors: number): void {
    for (let v = 0; v < vectors; v++) {
      this.write(4 * v, 0xfee0_0000 + 16 * v);
      this.write(4 * v + 1, v % 3);
      this.write(4 * v + 2, v);
      this.mask(v, 0);
    }
  }
  taken(): number[] {
    return this.sent.splice(0).map(({ vector, address }) => {
      expect(address).toBe((BigInt(vector % 3) << 32n) | BigInt(0xfee0_0000 + 16 * vector));
      return vector;
    });
  }
  [Symbol.dispose](): void {
    this.sim[Symbol.dispose]();
  }
}

test.each([64, 128, 256, 512])('all bits of addresses and data count (%i bits)', width => {
  const random = new Random(width);
  using b = new Bench(4, width, width);
  b.enable(1);
  for (let turn = 0; turn < 24; turn++) {
    const [v, low, high, data] = [random.below(4), 4 * random.below(2 ** 30), random.below(2 ** 32), random.below(2 ** 32)];
    [low, high, data].forEach((word, i) => {
      b.write(4 * v + i, word);
    });
    b.mask(v, 0);
    b.trigger(v);
    b.cycles(24);
    const address = (BigInt(high) << 32n) | BigInt(low);
    expect(b.sent.splice(0).map(({ vector, address }) => [vector, address])).toEqual([[data, address]]);
  }
});

describe.each([1, 8, 33, 100])('%d vectors', vectors => {
  test('C92: the table is memory with byte enables; all vectors are masked after reset', () => {
    using b = new Bench(vectors, vectors);
    const random = new Random(vectors);
    const model = new Uint8Array(16 * vectors);
    for (let v = 0; v < vectors; v++) {
      for (let dword = 0; dword < 3; dword++) b.write(4 * v + dword, 0);
      expect(b.read(4 * v + 3)).toBe(1);
      model[16 * v + 12] = 1;
    }
    const view = new DataView(model.buffer);
    for (let i = 0; i < 600; i++) {
      const dword = random.below(4 * vectors);
      if (random.chance(0.5)) {
        const [data, mask] = [Number(random.bits(32)), random.below(16)];
        b.write(dword, data, mask);
        for (let byte = 0; byte < 4; byte++) {
          if (((mask >> byte) & 1) === 0) continue;
          const control = dword % 4 === 3;
          if (!control || byte === 0) model[4 * dword + byte] = (data >>> (8 * byte)) & (control ? 1 : 0xff);
        }
      }
      const at = random.below(4 * vectors);
      expect(b.read(at)).toBe(view.getUint32(4 * at, true));
    }
    for (let dword = 4 * vectors; dword < 4 * 2 ** Math.ceil(Math.log2(Math.max(2, vectors))); dword++) {
      b.write(dword, 0xffff_ffff);
      expect(b.read(dword)).toBe(0);
    }
  });

  test('C92: masked, disabled: pending; then sent once, and not pending', () => {
    using b = new Bench(vectors, vectors);
    b.prepare(vectors);
    const all = Array.from({ length: vectors }, (_, v) => v);
    for (const v of all) if (v % 2 === 1) b.mask(v, 1);
    for (const v of [...all, ...all]) b.trigger(v);
    b.trigger(2 ** Math.ceil(Math.log2(Math.max(2, vectors))) - 1);
    b.cycles(50);
    expect(b.taken()).toEqual([]);
    const pending = (wanted: (v: number) => boolean) =>
      Array.from({ length: Math.ceil(vectors / 32) }, (_, word) =>
        all.filter(v => v >> 5 === word && wanted(v)).reduce((mask, v) => mask + 2 ** (v % 32), 0),
      );
    const read = () => pending(() => true).map((_, word) => b.read(word, 'read_pending'));
    expect(read()).toEqual(pending(() => true));
    b.enable(1);
    b.cycles(10 + 5 * vectors);
    expect(b.taken().sort((x, y) => x - y)).toEqual(all.filter(v => v % 2 === 0));
    expect(read()).toEqual(pending(v => v % 2 === 1));
    for (const v of all) b.mask(v, 0);
    b.cycles(10 + 5 * vectors);
    expect(b.taken().sort((x, y) => x - y)).toEqual(all.filter(v => v % 2 === 1));
    expect(read()).toEqual(pending(() => false));
  });

  test('C92: a reset masks all vectors and forgets what is pending and the intervals', () => {
    using b = new Bench(vectors, vectors);
    b.prepare(vectors);
    b.interval(0, 5000);
    for (let v = 0; v < vectors; v++) b.trigger(v);
    b.sim.poke(b.sim.dut.reset, 1);
    b.cycle();
    expect(b.sim.peek(b.sim.dut.busy)).toBe(1n);
    b.enable(1);
    b.trigger(0);
    while (b.sim.peek(b.sim.dut.busy) === 1n) b.cycle();
    b.sim.poke(b.sim.dut.reset, 0);
    for (let v = 0; v < vectors; v++) expect(b.read(4 * v + 3)).toBe(1);
    for (let word = 0; word < vectors / 32; word++) expect(b.read(word, 'read_pending')).toBe(0);
    b.prepare(vectors);
    b.cycles(20 + vectors);
    expect(b.taken()).toEqual([]);
    for (let i = 0; i < 2; i++) {
      b.trigger(0);
      b.cycles(20 + vectors);
    }
    expect(b.taken()).toEqual([0, 0]);
  });
});

test('C92: 4 cycles from the trigger to the message, one message each 3 cycles', () => {
  using b = new Bench(8);
  b.prepare(8);
  b.enable(1);
  const start = b.sim.cycle;
  b.trigger(5);
  b.cycles(8);
  expect(b.sent.map(({ cycle }) => cycle - start)).toEqual([4]);
  b.taken();
  for (let v = 0; v < 8; v++) b.trigger(v);
  b.cycles(30);
  const times = b.sent.map(({ cycle }) => cycle);
  expect(times.slice(1).map((cycle, i) => cycle - (times[i] ?? 0))).toEqual([3, 3, 3, 3, 3, 3, 3]);
});

test.each([0, 1, 2, 3, 4])('C92: a trigger %d cycles after the cycle in which its vector is picked is a second message', wait => {
  using b = new Bench(4);
  b.prepare(4);
  b.enable(1);
  b.trigger(2);
  b.cycles(wait);
  b.trigger(2);
  b.cycles(20);
  expect(b.taken()).toEqual([2, 2]);
});

test.each([64, 128, 256, 512])('C92: messages in beats of %d bits, in the order of the table', width => {
  using b = new Bench(4, 1, width);
  b.prepare(4);
  for (const v of [3, 1, 2]) b.trigger(v);
  b.enable(1);
  b.cycles(20);
  expect(b.taken()).toEqual([1, 2, 3]);
});

test('C92: 2,048 vectors, a trigger in every cycle: none is lost, none is sent twice', () => {
  using b = new Bench(2048);
  b.prepare(2048);
  b.enable(1);
  const order = Array.from({ length: 2048 }, (_, i) => (i * 1021) % 2048);
  b.sim.poke(b.sim.dut.trigger, 1);
  for (const v of order) {
    b.sim.poke(b.sim.dut.trigger_vector, v);
    b.cycle();
  }
  b.sim.poke(b.sim.dut.trigger, 0);
  b.cycles(3 * 2048 + 200);
  expect(b.taken().sort((x, y) => x - y)).toEqual(Array.from({ length: 2048 }, (_, v) => v));
});

test('C92: a vector that is triggered all the time does not keep others waiting', () => {
  using b = new Bench(64);
  b.prepare(64);
  b.enable(1);
  b.sim.poke(b.sim.dut.trigger, 1);
  for (let i = 0; i < 600; i++) {
    b.sim.poke(b.sim.dut.trigger_vector, i < 500 ? ([0, 1, 2, 40][i % 4] ?? 0) : 63);
    b.cycle();
  }
  const counts = [0, 1, 2, 40].map(v => b.sent.filter(({ vector }) => vector === v).length);
  for (const count of counts) expect(count).toBeGreaterThan(35);
});

test('C92: moderation: at least the interval between messages of a vector, pending meanwhile, others are not held back', () => {
  using b = new Bench(4);
  b.prepare(4);
  b.enable(1);
  b.interval(1, 100);
  b.sim.poke(b.sim.dut.trigger, 1);
  for (let i = 0; i < 1000; i++) {
    b.sim.poke(b.sim.dut.trigger_vector, i % 2 === 0 ? 1 : 2);
    b.cycle();
    if (i % 7 === 0) b.read(7);
  }
  b.sim.poke(b.sim.dut.trigger, 0);
  const times = b.sent.filter(({ vector }) => vector === 1).map(({ cycle }) => cycle);
  const gaps = times.slice(1).map((cycle, i) => cycle - (times[i] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(100);
  expect(Math.max(...gaps)).toBeLessThan(100 + 8 + 12);
  expect(b.sent.filter(({ vector }) => vector === 2).length).toBeGreaterThan(150);
  b.cycles(300);
  b.sent.length = 0;
  b.trigger(1);
  b.cycles(10);
  b.trigger(1);
  b.cycles(60);
  expect([b.read(0, 'read_pending'), b.sent.length]).toEqual([2, 1]);
  b.cycles(60);
  expect([b.read(0, 'read_pending'), b.sent.length]).toEqual([0, 2]);
});

test('C92: intervals of any length of each of 2,048 vectors: one message now, the next one is pending', () => {
  const vectors = 2048;
  const seed = 4;
  using b = new Bench(vectors, seed);
  const random = new Random(seed);
  b.prepare(vectors);
  b.enable(1);
  for (let v = 0; v < vectors; v++) {
    // Longer than this test, and so short that it does not look like a time that has passed.
    b.interval(v, 2 ** 20 + random.below(2 ** 24 - 2 ** 20));
    b.trigger(v);
    b.cycles(4);
  }
  b.cycles(2 * vectors);
  expect(b.taken()).toEqual(Array.from({ length: vectors }, (_, v) => v));
  for (let v = 0; v < vectors; v++) b.trigger(v);
  b.cycles(2 * vectors);
  expect(b.taken()).toEqual([]);
  for (let word = 0; word < vectors / 32; word++) expect(b.read(word, 'read_pending')).toBe(2 ** 32 - 1);
});

testOnEngines(
  'C92: random triggers, masks, enables and stalls: every trigger is followed by a message, none is made up',
  engine => {
    const vectors = 40;
    for (const seed of [1, 2, 3]) {
      using b = new Bench(vectors, seed, 128, engine);
      const random = new Random(seed);
      b.prepare(vectors);
      const last = new Map<number, number>();
      const triggers = new Array<number>(vectors).fill(0);
      const masked = new Array<number>(vectors).fill(0);
      const { dut } = b.sim;
      for (let i = 0; i < 3000; i++) {
        if (i % 100 === 0) b.takeRate = random.pick([0, 0.1, 0.5, 1]);
        if (i % 50 === 0) b.enable(random.below(2));
        if (i % 500 === 0) b.interval(random.below(vectors), random.below(100));
        const vector = random.chance(0.5) ? random.below(vectors) : random.below(3);
        const fires = random.chance(0.6);
        b.sim.poke(dut.trigger, fires ? 1 : 0);
        b.sim.poke(dut.trigger_vector, vector);
        if (fires) {
          last.set(vector, b.sim.cycle);
          triggers[vector] = (triggers[vector] ?? 0) + 1;
        }
        if (random.chance(0.1)) {
          const other = random.below(vectors);
          masked[other] = random.below(2);
          b.mask(other, masked[other] ?? 0);
        } else if (random.chance(0.2)) b.read(random.below(4 * vectors));
        else b.cycle();
      }
      b.sim.poke(dut.trigger, 0);
      b.takeRate = 1;
      b.enable(1);
      for (let v = 0; v < vectors; v++) b.mask(v, 0);
      b.cycles(2000);
      for (let v = 0; v < vectors; v++) {
        const mine = b.sent.filter(({ vector }) => vector === v);
        expect(mine.length, `seed ${seed}, vector ${v}`).toBeLessThanOrEqual(triggers[v] ?? 0);
        expect(mine.at(-1)?.cycle ?? 0, `seed ${seed}, vector ${v}`).toBeGreaterThan(last.get(v) ?? -1);
      }
      b.taken();
      expect([b.read(0, 'read_pending'), b.read(1, 'read_pending')], `seed ${seed}`).toEqual([0, 0]);
    }
  },
);

test.each([1, 2, 2048])('C92: the first and the last of %i vectors have intervals of their own', vectors => {
  using b = new Bench(vectors);
  b.prepare(vectors);
  b.enable(1);
  const last = vectors - 1;
  const chosen = vectors === 1 ? [0] : [last, 0];
  // A vector may rest for longer: by as much as a look at all takes.
  const slack = 3 * vectors + 100;
  for (const [round, cycles] of [400, 0, 900].entries()) {
    for (const v of chosen) b.interval(v, v === 0 ? cycles : 2 * cycles);
    b.cycles(6 * vectors + 4000);
    b.sent.length = 0;
    for (const v of chosen)
      for (let i = 0; i < 2; i++) {
        b.trigger(v);
        b.cycles(60);
      }
    b.cycles(2 * cycles + 2 * slack);
    for (const v of chosen) {
      const [first = 0, second = 0, ...more] = b.sent.filter(({ vector }) => vector === v).map(({ cycle }) => cycle);
      const interval = v === 0 ? cycles : 2 * cycles;
      expect(more, `${v} in round ${round}`).toEqual([]);
      expect(second - first).toBeGreaterThanOrEqual(interval);
      expect(second - first).toBeLessThan(Math.max(interval, 60) + slack);
    }
  }
});

test.each([0, 2049, 1.5])('%d vectors are refused', vectors => {
  expect(() => simulate(() => new Msix({ width: 64, vectors }))).toThrow('1 to 2048 MSI-X vectors');
});
