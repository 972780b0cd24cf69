import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { Drain, Fill } from '../src/endpoint/local-move.ts';
import { MediaRouter } from '../src/endpoint/media-router.ts';
import { MemoryReader, MemoryWriter, numberOf, runEngine, setNumber, WordSink, WordSource, wordsOf } from './dma-model.ts';

const memoryBytes = 8192;
const rates = [
  [1, 1],
  [0.4, 1],
  [1, 0.4],
] as const;

describe.each([64, 128, 256, 512])('%d bits', width => {
  const unit = width / 8;
  const address_width = Math.log2(memoryBytes / unit);

  test.each(rates)('Fill writes exactly the bytes: media %d, memory %d', (mediaRate, memoryRate) => {
    using sim = simulate(() => new Fill({ width, address_width }));
    const random = new Random(31);
    const media = new WordSource(sim, sim.dut.media, random, mediaRate);
    const memory = new MemoryWriter(sim, sim.dut.memory_write, random.bytes(memoryBytes), random, memoryRate);
    for (let i = 0; i < 12; i++) {
      const length = random.pick([0, 1 + random.below(2 * unit), 1 + random.below(2000)]);
      const offset = unit * random.below(4096 / unit);
      const data = random.bytes(length);
      const expected = memory.bytes.slice();
      expected.set(data, offset);
      media.queue.push(...wordsOf(data, width));
      const before = memory.times.length;
      const end = runEngine(sim, sim.dut, { offset, length }, [media, memory]);
      expect(Buffer.compare(memory.bytes, expected), `run ${i}: ${length} bytes at ${offset}`).toBe(0);
      expect(media.queue).toEqual([]);
      const times = memory.times.slice(before);
      const last = times.at(-1);
      if (last !== undefined) expect(end).toBe(last + 1);
      if (mediaRate === 1 && memoryRate === 1 && last !== undefined) expect(last - (times[0] ?? 0)).toBe(times.length - 1);
    }
  });

  test.each(rates)('Drain gives exactly the words: memory %d, media %d', (memoryRate, mediaRate) => {
    using sim = simulate(() => new Drain({ width, address_width }));
    const random = new Random(32);
    const media = new WordSink(sim, sim.dut.media, random, mediaRate);
    const ports = { request: sim.dut.memory_request, data: sim.dut.memory_data };
    const memory = new MemoryReader(sim, ports, { bytes: random.bytes(memoryBytes), random, rate: memoryRate, latency: 3 });
    for (let i = 0; i < 12; i++) {
      const length = random.pick([0, 1 + random.below(2 * unit), 1 + random.below(2000)]);
      const offset = unit * random.below(4096 / unit);
      media.times.length = 0;
      const end = runEngine(sim, sim.dut, { offset, length }, [media, memory]);
      const words = Math.ceil(length / unit);
      const got = media.received.splice(0).flatMap(word => [...word]);
      expect(got).toEqual([...memory.bytes.slice(offset, offset + words * unit)]);
      expect(memory.waiting).toBe(0);
      const last = media.times.at(-1);
      if (last !== undefined) expect(end).toBe(last + 2);
      if (memoryRate === 1 && mediaRate === 1 && last !== undefined) expect(last - (media.times[0] ?? 0)).toBe(words - 1);
    }
  });
});

test('MediaRouter joins each direction to the engine that works from media', () => {
  const width = 64;
  using sim = simulate(() => new MediaRouter({ width }));
  const { dut } = sim;
  const random = new Random(33);
  const media = new WordSource(sim, dut.media_in, random, 0.7);
  const write = new WordSink(sim, dut.to_write, random, 0.7);
  const fill = new WordSink(sim, dut.to_fill, random, 0.7);
  const read = new WordSource(sim, dut.from_read, random, 0.7);
  const drain = new WordSource(sim, dut.from_drain, random, 0.7);
  const out = new WordSink(sim, dut.media_out, random, 0.7);
  for (const active of [0, 1]) {
    setNumber(sim.port(dut.write_active), active);
    setNumber(sim.port(dut.read_active), active);
    const sent = wordsOf(random.bytes(160), width);
    const words = { read: wordsOf(random.bytes(160), width), drain: wordsOf(random.bytes(160), width) };
    media.queue.push(...sent);
    read.queue.splice(0, read.queue.length, ...words.read);
    drain.queue.splice(0, drain.queue.length, ...words.drain);
    const ends = [media, write, fill, read, drain, out];
    for (let i = 0; i < 100; i++) {
      for (const end of ends) end.drive();
      sim.settle();
      for (const end of ends) end.sample(sim.cycle);
      sim.step();
    }
    expect([write.received.splice(0), fill.received.splice(0)]).toEqual(active ? [sent, []] : [[], sent]);
    expect(out.received.splice(0)).toEqual(active ? words.read : words.drain);
    expect([read.queue.length, drain.queue.length]).toEqual(active ? [0, 20] : [20, 0]);
  }
  expect(numberOf(sim.port(dut.to_fill.valid))).toBe(0n);
});
