import { expect, test } from 'vitest';
import { simulate, type TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { Completer } from '../src/endpoint/completer.ts';
import { Claim } from '../src/endpoint/interfaces.ts';
import type { Packet } from '../src/tlp/packet.ts';
import { type End, MemoryReader, setFields } from './dma-model.ts';
import { Bars, checkReadCompletions, FunctionModel, openState, randomRequest, run, setState } from './receive-model.ts';
import { PacketSink } from './tlp-model.ts';

/** Offers reads of BAR2 as the router's queue does, with pauses unless `rate` is 1. */
class RequestSource implements End {
  readonly queue: Packet[] = [];
  private readonly sim: TypedSimulation<Completer>;
  private readonly random: Random;
  private readonly rate: number;
  private offered = false;

  constructor(sim: TypedSimulation<Completer>, random: Random, rate: number) {
    this.sim = sim;
    this.random = random;
    this.rate = rate;
  }
  drive(): void {
    const { valid, payload } = this.sim.dut.request;
    const packet = this.queue[0];
    this.offered ||= packet !== undefined && this.random.chance(this.rate);
    this.sim.poke(valid, this.offered ? 1 : 0);
    if (!packet) return;
    const { payload: _, ...header } = packet;
    setFields(this.sim, payload.header, header);
    this.sim.poke(payload.claim, Claim.bar2);
  }
  sample(): void {
    if (!this.offered || !this.sim.peek(this.sim.dut.request.ready)) return;
    this.offered = false;
    this.queue.shift();
  }
}

test.each([
  { width: 64, ask: 1, memory: 0.5, tx: 1, latency: 5, mps: 0 },
  { width: 128, ask: 0.4, memory: 0.7, tx: 0.7, latency: 1, mps: 1 },
  { width: 256, ask: 1, memory: 0.5, tx: 0.5, latency: 9, mps: 2 },
  { width: 512, ask: 1, memory: 1, tx: 0.3, latency: 2, mps: 5 },
])('C54 C55 C57: reads any DW and length from a memory that stalls: %j', ({ width, ask, memory: rate, tx, latency, mps }) => {
  const seed = 9;
  const sim = simulate(() => new Completer({ width, address_width: Math.log2(Bars.bar2_bytes / (width / 8)) }));
  using _ = sim;
  const random = new Random(seed);
  const model = new FunctionModel();
  model.mps = mps;
  model.memory.set(random.bytes(Bars.bar2_bytes));
  setState(sim, sim.dut.state, openState(mps));
  const source = new RequestSource(sim, random, ask);
  const sink = new PacketSink(sim, sim.dut.tx, random, tx);
  const ports = { request: sim.dut.memory_request, data: sim.dut.memory_data };
  const memory = new MemoryReader(sim, ports, { bytes: model.memory, random, rate, latency });
  const expected: { readonly request: Packet; readonly answer: Packet[] }[] = [];
  for (let i = 0; i < 120; i++) {
    const dws = i === 7 ? 1024 : random.pick([1, 1, 2, 3, 5, 8, 15, 16, 17, 31, 32, 33, 64, 65, 128, 200]);
    const page = 4096 * random.below(Bars.bar2_bytes / 4096);
    const address = Bars.bar2 + BigInt(page + 4 * random.below(1025 - dws));
    const request = randomRequest(random, { address, dws, write: false });
    source.queue.push(request);
    expected.push({ request, answer: model.perform(request) });
  }
  const total = expected.reduce((sum, { answer }) => sum + answer.length, 0);
  run(sim, [source, sink, memory], 60_000, () => sink.received.length >= total);
  run(sim, [source, sink, memory], 30);
  expect(sink.received.length, `seed ${seed}`).toBe(total);
  expect(memory.waiting, 'words that nobody took').toBe(0);
  for (const { request, answer } of expected) {
    const completions = sink.received.splice(0, answer.length);
    expect(completions, `seed ${seed}`).toEqual(answer);
    checkReadCompletions(request, completions, mps);
  }
});
