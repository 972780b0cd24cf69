import { describe, expect, test } from 'vitest';
import { simulate, type TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import { BarMemory } from '../src/endpoint/bar-memory.ts';
import { numberOf, setNumber, WordSink } from './dma-model.ts';
import { run } from './receive-model.ts';

const size = 2048;

/** Asks for words at a rate, keeps asking for a word until it is accepted, and notes what memory holds at that time. */
class Asker {
  readonly expected: Uint8Array[] = [];
  readonly times: number[] = [];
  private readonly ports;
  private readonly random: Random;
  private readonly rate: number;
  private readonly memory: Uint8Array;
  private offered = false;

  constructor(sim: TypedSimulation<BarMemory>, reader: number, memory: Uint8Array, random: Random, rate: number) {
    const { valid, ready, payload } = at(sim.dut.read, reader);
    this.ports = { valid: sim.port(valid), ready: sim.port(ready), payload: sim.port(payload) };
    this.memory = memory;
    this.random = random;
    this.rate = rate;
  }
  drive(): void {
    const { valid, payload } = this.ports;
    const start = !this.offered && this.random.chance(this.rate);
    if (start) setNumber(payload, this.random.below(2 ** payload.width));
    this.offered ||= start;
    setNumber(valid, this.offered ? 1 : 0);
  }
  sample(cycle: number): void {
    if (!this.offered || numberOf(this.ports.ready) === 0n) return;
    this.offered = false;
    this.times.push(cycle);
    const word = this.memory.length / 2 ** this.ports.payload.width;
    const from = Number(numberOf(this.ports.payload)) * word;
    this.expected.push(this.memory.slice(from, from + word));
  }
}

/** Writes random bytes at a rate; a word is in memory when it is accepted, so writers are sampled after readers. */
class Writer {
  accepted = 0;
  waited = 0;
  private readonly ports;
  private readonly memory: Uint8Array;
  private readonly random: Random;
  private readonly rate: number;
  private offered = false;

  constructor(sim: TypedSimulation<BarMemory>, writer: number, memory: Uint8Array, random: Random, rate: number) {
    const { valid, ready, payload } = at(sim.dut.write, writer);
    const { address, data, mask } = payload;
    this.ports = {
      valid: sim.port(valid),
      ready: sim.port(ready),
      address: sim.port(address),
      data: sim.port(data),
      mask: sim.port(mask),
    };
    this.memory = memory;
    this.random = random;
    this.rate = rate;
  }
  drive(): void {
    const { valid, address, data, mask } = this.ports;
    const start = !this.offered && this.random.chance(this.rate);
    this.offered ||= start;
    setNumber(valid, this.offered ? 1 : 0);
    if (!start) return;
    setNumber(address, this.random.below(2 ** address.width));
    data.words.forEach((_, i) => {
      data.words[i] = this.random.below(2 ** 32);
    });
    mask.words.forEach((_, i) => {
      mask.words[i] = this.random.below(2 ** Math.min(32, mask.width));
    });
  }
  sample(): void {
    const { ready, address, data, mask } = this.ports;
    if (!this.offered) return;
    if (numberOf(ready) === 0n) {
      this.waited++;
      return;
    }
    this.offered = false;
    this.accepted++;
    const bytes = new Uint8Array(data.words.slice().buffer);
    const lanes = numberOf(mask);
    const base = Number(numberOf(address)) * (data.width / 8);
    for (let i = 0; i < data.width / 8; i++) if ((lanes >> BigInt(i)) & 1n) this.memory[base + i] = bytes[i] ?? 0;
  }
}

function bench(width: number, readers: readonly (readonly [ask: number, take: number])[], writes: readonly number[], seed = 1) {
  const sim = simulate(() => new BarMemory({ width, bytes: size, writers: writes.length, readers: readers.length }));
  const memory = new Uint8Array(size);
  const random = new Random(seed);
  const askers = readers.map(([ask], i) => new Asker(sim, i, memory, random, ask));
  const sinks = readers.map(([, take], i) => new WordSink(sim, at(sim.dut.data, i), random, take));
  const writers = writes.map((rate, i) => new Writer(sim, i, memory, random, rate));
  return { sim, askers, sinks, writers, ends: [...askers, ...sinks, ...writers] };
}

describe.each([64, 128, 256, 512])('width %d', width => {
  test.each([
    [[[1, 1]], [0.5]],
    [
      [
        [1, 1],
        [0.7, 0.3],
      ],
      [0.5, 1],
    ],
    [
      [
        [0.5, 0.5],
        [1, 0.2],
        [1, 1],
      ],
      [0.3, 0.3, 0.9],
    ],
  ] as [[number, number][], number[]][])('every reader gets its words in order: readers %j, writers %j', (readers, writes) => {
    const seed = 1;
    const { sim, askers, sinks, ends } = bench(width, readers, writes, seed);
    using _ = sim;
    run(sim, ends, 1500);
    sinks.forEach(({ received }, i) => {
      const { expected } = at(askers, i);
      expect(received.length).toBeGreaterThan(150);
      expect(expected.length - received.length).toBeLessThanOrEqual(4);
      received.forEach((word, n) => {
        expect([...word], `word ${n} of reader ${i}, seed ${seed}`).toEqual([...at(expected, n)]);
      });
    });
  });
});

test('a word per cycle for one reader, 2 cycles after the request, also while another reader does not take its words', () => {
  const { sim, askers, sinks, ends } = bench(
    256,
    [
      [1, 1],
      [1, 0],
    ],
    [0],
  );
  using _ = sim;
  run(sim, ends, 200);
  expect(at(askers, 1).times.length).toBe(4);
  const late = at(askers, 0).times.filter(t => t > 20);
  expect(late.length).toBe(sim.cycle - 21);
  expect(at(sinks, 0).times).toEqual(
    at(askers, 0)
      .times.map(t => t + 2)
      .slice(0, at(sinks, 0).times.length),
  );
});

test('readers that want more than there is share it evenly', () => {
  const { sim, sinks, ends } = bench(
    128,
    [
      [1, 1],
      [1, 1],
      [1, 1],
    ],
    [0],
  );
  using _ = sim;
  run(sim, ends, 303);
  for (const { received } of sinks) expect(received.length).toBeGreaterThanOrEqual(100);
});

test('writer 0 never waits; the others wait for those before them', () => {
  const { sim, writers, ends } = bench(256, [[0.1, 1]], [0.7, 0.6, 1]);
  using _ = sim;
  run(sim, ends, 1000);
  const [first, second, third] = writers;
  expect(first?.waited).toBe(0);
  expect(second?.waited).toBeGreaterThan(300);
  expect(third?.waited).toBeGreaterThan(second?.waited ?? 0);
  expect(writers.reduce((sum, w) => sum + w.accepted, 0)).toBeGreaterThanOrEqual(999);
});

test('a size that is no power of two is refused', () => {
  expect(() => simulate(() => new BarMemory({ width: 256, bytes: 3000, writers: 1, readers: 1 }))).toThrow(/power of two.*3000/);
});
