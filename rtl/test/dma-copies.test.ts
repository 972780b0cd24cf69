import { expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import { CopyEngines } from '../src/endpoint/dma/copy-engines.ts';
import { BundleSink, BundleSource, resultFields, runUntil } from './dma-bench.ts';
import { MemoryReader, MemoryWriter, WordSink, WordSource, wordsOf } from './dma-model.ts';

const memoryBytes = 32_768;
const width = 128;
const jobFields = ['source', 'target', 'length', 'from_media', 'to_media', 'function', 'id'] as const;

test.each([
  0.2, 0.6, 1,
])('copies of two sources, from memory and from media: each is told once, to who gave it, and no result changes while it waits (rate %f)', rate => {
  const seed = 10 * rate;
  const sim = simulate(
    () => new CopyEngines({ width, sources: 2, functions: 2, address_width: Math.log2(memoryBytes / (width / 8)) }),
  );
  using _ = sim;
  const { dut } = sim;
  const random = new Random(seed);
  const memory = random.bytes(memoryBytes);
  const expected = memory.slice();
  const reader = new MemoryReader(
    sim,
    { request: dut.memory_request, data: dut.memory_data },
    { bytes: memory, random, rate: 1 },
  );
  const writers = dut.memory_write.map(write => new MemoryWriter(sim, write, memory, random, 1));
  const media_in = new WordSource(sim, dut.media_in, random, 1);
  const media_out = new WordSink(sim, dut.media_out, random, 1);
  const jobs = dut.jobs.map(stream => new BundleSource(sim, stream, jobFields, random, 1));
  const results = dut.results.map(stream => new BundleSink(sim, stream, resultFields, random, rate));
  sim.poke(dut.in_may, 1);
  sim.poke(dut.out_may, 1);
  // Function 1 for what comes from media: so a result says of which kind it is.
  const wanted = [
    [0, 0],
    [0, 0],
  ];
  let target = memoryBytes / 2;
  // Media words are taken in the order of the jobs, so one source alone gives those.
  for (let i = 0; i < 80; i++) {
    const source = random.below(memoryBytes / 2 - 64);
    const owner = i % 2;
    const from_media = owner === 0 && random.chance(0.5) ? 1 : 0;
    const length = 1 + random.below(40);
    const data = from_media === 1 ? random.bytes(length) : memory.slice(source, source + length);
    if (from_media === 1) media_in.queue.push(...wordsOf(data, width));
    expected.set(data, target);
    at(jobs, owner).queue.push({ source, target, length, from_media, to_media: 0, function: from_media, id: owner });
    const count = at(wanted, owner);
    count[from_media] = (count[from_media] ?? 0) + 1;
    target += length;
  }
  const told = () => results.map(({ received }) => [0, 1].map(kind => received.filter(r => r.function === BigInt(kind)).length));
  runUntil(
    sim,
    [reader, ...writers, media_in, media_out, ...jobs, ...results],
    () =>
      told()
        .flat()
        .reduce((a, b) => a + b) === 80,
  );
  expect(told(), `seed ${seed}`).toEqual(wanted);
  for (const [i, { received }] of results.entries())
    expect(received.every(r => r.id === BigInt(i) && r.outcome === 0n)).toBe(true);
  expect(memory, `seed ${seed}`).toEqual(expected);
  expect(sim.peek(dut.idle)).toBe(0b11n);
});
