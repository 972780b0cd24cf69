import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import { DmaOutcome } from '../src/endpoint/dma/job.ts';
import { LocalCopy } from '../src/endpoint/dma/local-copy.ts';
import { LocalDecoder } from '../src/endpoint/dma/local-decoder.ts';
import { BundleSink, BundleSource, resultFields, runUntil, setControls } from './dma-bench.ts';
import { MemoryReader, MemoryWriter, setFields, setNumber, WordSink, WordSource, wordsOf } from './dma-model.ts';

const memoryBytes = 32_768;
const jobFields = ['source', 'target', 'length', 'from_media', 'to_media', 'function', 'id'] as const;

function bench(width: number, seed: number, rate = 1) {
  const sim = simulate(() => new LocalCopy({ width, address_width: Math.log2(memoryBytes / (width / 8)), functions: 2 }));
  const { dut } = sim;
  const random = new Random(seed);
  const memory = random.bytes(memoryBytes);
  const reader = new MemoryReader(sim, { request: dut.memory_request, data: dut.memory_data }, { bytes: memory, random, rate });
  const writer = new MemoryWriter(sim, dut.memory_write, memory, random, rate);
  const media_in = new WordSource(sim, dut.media_in, random, rate);
  const media_out = new WordSink(sim, dut.media_out, random, rate);
  const jobs = new BundleSource(sim, dut.jobs, jobFields, random, rate);
  const results = new BundleSink(sim, dut.results, resultFields, random, rate);
  const ends = [reader, writer, media_in, media_out, jobs, results];
  return { sim, dut, random, memory, reader, writer, media_in, media_out, jobs, results, ends };
}

describe.each([64, 128, 256, 512])('LocalCopy of %i bits', width => {
  const size = width / 8;

  test.each([1, 0.6])('memory and media to memory and media, any alignment, jobs that overlap, rate %f', rate => {
    const seed = width + rate * 10;
    const b = bench(width, seed, rate);
    const expected = b.memory.slice();
    const out: number[][] = [];
    let target = 16_384;
    for (let id = 0; id < 60; id++) {
      const length = b.random.pick([0, 1, 2, 63, 64, 65, b.random.below(100), b.random.below(400)]);
      const source = b.random.below(16_384 - length);
      target += b.random.below(30);
      const from_media = b.random.chance(0.3);
      const to_media = b.random.chance(0.3);
      const data = from_media ? b.random.bytes(length) : b.memory.slice(source, source + length);
      if (from_media) b.media_in.queue.push(...wordsOf(data, width));
      if (to_media) out.push([...data]);
      else expected.set(data, target);
      b.jobs.queue.push({ source, target, length, from_media: from_media ? 1 : 0, to_media: to_media ? 1 : 0, id });
      if (!to_media) target += length;
    }
    runUntil(b.sim, b.ends, () => b.results.received.length === 60);
    expect(b.results.received.map(r => [r.id, r.outcome])).toEqual(Array.from({ length: 60 }, (_, i) => [BigInt(i), 0n]));
    expect(b.memory, `seed ${seed}`).toEqual(expected);
    for (const bytes of out) {
      const words = b.media_out.received.splice(0, Math.ceil(bytes.length / size));
      expect(words.flatMap(w => [...w]).slice(0, bytes.length), `seed ${seed}`).toEqual(bytes);
    }
    expect(b.media_out.received).toEqual([]);
    expect(b.reader.waiting).toBe(0);
    expect(Number(b.sim.peek(b.dut.idle))).toBe(1);
  });

  test('a word per cycle, whatever the alignment and also across jobs; the first written after 4 cycles, or 5', () => {
    for (const [source, target, wait] of [
      [0, 16_384, 4],
      [5, 16_384, 5],
      [0, 16_387, 4],
    ] as const) {
      const b = bench(width, 2);
      b.jobs.queue.push({ source, target, length: 4096 });
      runUntil(b.sim, b.ends, () => b.results.received.length === 1);
      const words = Math.ceil(((target % size) + 4096) / size);
      expect((b.writer.times[0] ?? 0) - (b.jobs.times[0] ?? 0)).toBe(wait);
      expect(b.writer.times).toEqual(Array.from({ length: words }, (_, i) => (b.writer.times[0] ?? 0) + i));
    }
    const b = bench(width, 2);
    for (let i = 0; i < 40; i++) b.jobs.queue.push({ source: 64 * i, target: 16_384 + 64 * i, length: 64 });
    runUntil(b.sim, b.ends, () => b.results.received.length === 40);
    expect(b.writer.times).toEqual(Array.from({ length: (40 * 64) / size }, (_, i) => (b.writer.times[0] ?? 0) + i));
  });

  test('jobs that wait for who takes results are told in their order when somebody does, as many as there were', () => {
    const b = bench(width, 4);
    for (let id = 0; id < 40; id++) {
      const length = id % 3 === 0 ? 1 + b.random.below(20) : 0;
      b.jobs.queue.push({ source: 100 * id, target: 16_384 + 100 * id, length, function: id & 1, id });
    }
    const expected = b.memory.slice();
    for (const { source, target, length } of b.jobs.queue)
      expected.set(b.memory.slice(Number(source), Number(source) + Number(length)), Number(target));
    b.results.rate = 0;
    runUntil(b.sim, b.ends, undefined, 100);
    const waiting = b.jobs.queue.length;
    // It holds some, and takes no more.
    expect(waiting).toBeGreaterThan(20);
    expect(waiting).toBeLessThan(32);
    expect(Number(b.sim.peek(b.dut.idle))).toBe(0);
    b.results.rate = 1;
    runUntil(b.sim, b.ends, () => b.results.received.length === 40);
    const told = b.results.received.map(r => [r.id, r.function, r.outcome].map(Number));
    expect(told).toEqual(Array.from({ length: 40 }, (_, id) => [id, id & 1, 0]));
    expect(b.memory).toEqual(expected);
    runUntil(b.sim, b.ends, undefined, 2);
    expect(Number(b.sim.peek(b.dut.idle))).toBe(1);
  });

  test('C84: an aborted job ends; media that never comes is no obstacle; later jobs work', () => {
    const b = bench(width, 3, 0.8);
    b.jobs.queue.push({ source: 3, target: 16_001, length: 15_000, id: 1 });
    b.jobs.queue.push({ source: 3, target: 16_001, length: 300, from_media: 1, id: 2 });
    b.jobs.queue.push({ source: 9, target: 20_001, length: 300, function: 1, id: 3 });
    runUntil(b.sim, b.ends, undefined, 60);
    setNumber(b.sim.port(b.dut.cancel), 1);
    runUntil(b.sim, b.ends, () => b.results.received.length === 3, 1000);
    expect(b.results.received.map(r => Number(r.outcome))).toEqual([DmaOutcome.refused, DmaOutcome.refused, 0]);
    expect(b.memory.slice(20_001, 20_301)).toEqual(b.memory.slice(9, 309));
    setNumber(b.sim.port(b.dut.cancel), 0);
    b.jobs.queue.push({ source: 100, target: 30_001, length: 900, id: 4 });
    runUntil(b.sim, b.ends, () => b.results.received.length === 4, 1000);
    expect(b.memory.slice(30_001, 30_901)).toEqual(b.memory.slice(100, 1000));
    expect(b.reader.waiting).toBe(0);
  });
});

describe('LocalDecoder', () => {
  const regions = [
    { function: 0, bar: 1, base: 0 },
    { function: 1, bar: 0, base: 0x1_0000 },
  ];
  const bars = [
    { base: 0x10_0001_0000n, bytes: 0x1_0000n },
    { base: 0xf000_0000n, bytes: 0x4000n },
  ];
  const sim = simulate(() => new LocalDecoder({ functions: 2, bars: 2, regions }));
  const { dut } = sim;
  regions.forEach(({ function: owner, bar }, i) => {
    const { base, bytes } = at(bars, i);
    setFields(sim, at(at(dut.controls, owner).bars, bar), { base, compare: ((1n << 52n) - 1n) ^ (bytes / 4096n - 1n) });
    setControls(sim, dut.controls, owner, { memory_enable: 1 });
  });
  const decode = (owner: number, address: bigint, length: number) => {
    setFields(sim, dut, { owner, address, length });
    return sim.peek(dut.hit) === 1n ? Number(sim.peek(dut.offset)) : undefined;
  };

  test('a transfer is inside if its first and last byte are', () => {
    regions.forEach(({ function: owner, base: place }, i) => {
      const { base, bytes } = at(bars, i);
      expect(decode(owner, base, 1)).toBe(place);
      expect(decode(owner, base + 5n, Number(bytes) - 5)).toBe(place + 5);
      expect(decode(owner, base + 5n, Number(bytes) - 4)).toBeUndefined();
      expect(decode(owner, base - 1n, 1)).toBeUndefined();
      expect(decode(owner, base - 1n, 2)).toBeUndefined();
      expect(decode(owner, base + bytes, 1)).toBeUndefined();
      expect(decode(owner, base, 0)).toBeUndefined();
      expect(decode(owner, base ^ (1n << 40n), 1)).toBeUndefined();
    });
  });

  test('C83: not with memory space disabled; a BAR of size 0 has no bytes', () => {
    setControls(sim, dut.controls, 0, { memory_enable: 0 });
    expect(decode(0, at(bars, 0).base, 4)).toBeUndefined();
    setControls(sim, dut.controls, 0, { memory_enable: 1 });
    setFields(sim, at(at(dut.controls, 0).bars, 1), { base: 0, compare: 0 });
    expect(decode(0, 0x1234n, 4)).toBeUndefined();
    const { base, bytes } = at(bars, 0);
    setFields(sim, at(at(dut.controls, 0).bars, 1), { base, compare: ((1n << 52n) - 1n) ^ (bytes / 4096n - 1n) });
  });

  test('C74 C77: redirect or egress control of the requesting function sends requests for another function up the link', () => {
    const { base } = at(bars, 1);
    expect(decode(0, base, 8)).toBe(0x1_0000);
    for (const acs of [0b000_0100, 0b010_0000]) {
      setControls(sim, dut.controls, 0, { acs });
      expect(decode(0, base, 8)).toBeUndefined();
      expect(decode(1, base, 8)).toBe(0x1_0000);
    }
    setControls(sim, dut.controls, 0, { acs: 0b101_1011 });
    expect(decode(0, base, 8)).toBe(0x1_0000);
  });
});
