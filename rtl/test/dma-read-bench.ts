/** A read DMA between a completer, a BAR memory and a media sink. */
import { expect } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { ReadDma } from '../src/endpoint/dma/read-dma.ts';
import { BundleSink, BundleSource, type Job, jobFields, resultFields, runUntil, setControls } from './dma-bench.ts';
import { type Behaviour, Completer } from './dma-completer.ts';
import { MemoryWriter, WordSink } from './dma-model.ts';
import { PacketSink, PacketSource } from './tlp-model.ts';

export const memoryBytes = 32_768;
export const functions = 2;
export const ids = [0x0218, 0x0219] as const;
export const lively: Behaviour = { rate: 0.9, latency: [2, 60], boundary: 64, split: 'random', order: 'random' };
export const prompt: Behaviour = { rate: 1, latency: [10, 10], boundary: 128, split: 'whole', order: 'request' };

interface ReadBenchOptions {
  readonly rate?: number;
  readonly tags?: number;
  readonly reserved_tags?: number;
  readonly buffer_bytes?: number;
  readonly behaviour?: Behaviour;
  readonly max_read_request?: number;
  readonly cycles_per_microsecond?: number;
}

export function readBench(width: number, seed: number, options: ReadBenchOptions = {}) {
  const { rate = 1, tags = 32, buffer_bytes = 4096, behaviour = lively, reserved_tags = 0, max_read_request = 512 } = options;
  const address_width = Math.log2(memoryBytes / (width / 8));
  const sim = simulate(
    () =>
      new ReadDma({
        width,
        address_width,
        functions,
        bars: 1,
        tags,
        reserved_tags,
        buffer_bytes,
        max_read_request,
        cycles_per_microsecond: options.cycles_per_microsecond ?? 20,
      }),
  );
  const { dut } = sim;
  const random = new Random(seed);
  const memory = new MemoryWriter(sim, dut.memory_write, random.bytes(memoryBytes), random, rate);
  const media = new WordSink(sim, dut.media, random, rate);
  const jobs = new BundleSource(sim, dut.jobs, jobFields, random, rate);
  const results = new BundleSink(sim, dut.results, resultFields, random, rate);
  const errors = new BundleSink(sim, dut.errors, ['functions', 'kind', 'advisory'], random, 1);
  const source = new PacketSource(sim, dut.completion, random, rate);
  const completer = new Completer(new PacketSink(sim, dut.tx, random, rate), source, random, behaviour);
  ids.forEach((id, i) => {
    setControls(sim, dut.controls, i, { id, bus_master: 1, mrrs: 2, timeout_value: 1 });
  });
  const ends = [memory, media, jobs, results, errors, completer];
  const outcomes = () => results.received.map(r => Number(r.outcome));
  const leakFree = () => {
    expect(Number(sim.peek(dut.unused)), 'no space is held').toBe(1);
    expect(Number(sim.peek(dut.idle))).toBe(3);
  };
  runUntil(sim, ends, undefined, tags + 2);
  return { sim, dut, random, memory, media, jobs, results, errors, source, completer, ends, outcomes, leakFree };
}

export const plain: Job = {
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
