/** A write DMA between jobs, a BAR memory, a media source and a sink of TLPs. */
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { WriteDma } from '../src/endpoint/dma/write-dma.ts';
import { BundleSink, BundleSource, type Job, jobFields, resultFields, setControls } from './dma-bench.ts';
import { MemoryReader, WordSource } from './dma-model.ts';
import { PacketSink } from './tlp-model.ts';

export const memoryBytes = 32_768;
export const functions = 2;

interface Options {
  readonly rate?: number;
  readonly max_payload?: number;
}

export function writeBench(width: number, seed: number, { rate = 1, max_payload = 512 }: Options = {}) {
  const address_width = Math.log2(memoryBytes / (width / 8));
  const sim = simulate(() => new WriteDma({ width, address_width, functions, bars: 1, max_payload }));
  const { dut } = sim;
  const random = new Random(seed);
  const memory = new MemoryReader(
    sim,
    { request: dut.memory_request, data: dut.memory_data },
    { bytes: random.bytes(memoryBytes), random, rate },
  );
  const media = new WordSource(sim, dut.media, random, rate);
  const jobs = new BundleSource(sim, dut.jobs, jobFields, random, rate);
  const results = new BundleSink(sim, dut.results, resultFields, random, rate);
  const tx = new PacketSink(sim, dut.tx, random, rate);
  for (let i = 0; i < functions; i++) setControls(sim, dut.controls, i, { id: 0x0218 + i, bus_master: 1, mps: 1 });
  const ends = [memory, media, jobs, results, tx];
  return { sim, dut, random, memory, media, jobs, results, tx, ends };
}

export const plainJob: Job = {
  address: 0n,
  offset: 0,
  length: 0,
  memory: 1,
  function: 0,
  relaxed_ordering: 0,
  no_snoop: 0,
  at: 0,
  id: 0,
};
