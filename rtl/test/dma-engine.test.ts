import { expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { WriteDma } from '../src/endpoint/dma/write-dma.ts';
import { setFields, WordSource, wordsOf } from './dma-model.ts';
import { PacketSink } from './tlp-model.ts';

test('a TLP that has begun never waits for who takes results, so it cannot hold up the link', () => {
  const width = 64;
  using sim = simulate(() => new WriteDma({ width, address_width: 8, functions: 1, bars: 1, max_payload: 128 }));
  const { dut } = sim;
  const random = new Random(1);
  const media = new WordSource(sim, dut.media, random);
  const sink = new PacketSink(sim, dut.tx, random);
  setFields(sim, dut.controls[0] as object, { id: 0x0500, bus_master: 1 });
  setFields(sim, dut.jobs.payload, { address: 0x1000, length: 16, memory: 0 });
  sim.poke(dut.jobs.valid, 1);
  const jobs = 20;
  let taken = 0;
  const cycles = (count: number) => {
    for (let i = 0; i < count; i++) {
      sim.poke(dut.jobs.valid, taken < jobs ? 1 : 0);
      media.drive();
      sink.drive();
      sim.settle();
      if (taken < jobs && sim.peek(dut.jobs.ready) === 1n) taken++;
      media.sample();
      sink.sample(sim.cycle);
      sim.step();
    }
  };
  media.queue.push(...wordsOf(random.bytes(16 * jobs), width));
  cycles(400);
  // Nobody takes results: some jobs have no room for theirs, and no TLP is open.
  expect(sink.received.length).toBeLessThan(jobs);
  expect(sink.beats).toBe(2 * sink.received.length);
  sim.poke(dut.results.ready, 1);
  cycles(400);
  expect(sink.received.length).toBe(jobs);
});
