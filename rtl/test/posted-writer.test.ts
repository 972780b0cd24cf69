import { describe, expect, test } from 'vitest';
import { simulate, type TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import type { PortView } from '../../hdl/src/engine/simulation.ts';
import { Random } from '../../hdl/test/random.ts';
import { Claim } from '../src/endpoint/interfaces.ts';
import { PostedWriter } from '../src/endpoint/posted-writer.ts';
import type { Packet } from '../src/tlp/packet.ts';
import { MemoryWriter, numberOf, setFields, setNumber } from './dma-model.ts';
import { Bars, FunctionModel, randomRequest, run } from './receive-model.ts';
import { beatsOf } from './tlp-model.ts';

/** Sends memory writes as the router does, with pauses unless `rate` is 1. */
class PostedSource {
  readonly queue: Packet[] = [];
  private readonly sim: TypedSimulation<PostedWriter>;
  private readonly random: Random;
  private readonly rate: number;
  private beat = 0;
  private offered = false;

  constructor(sim: TypedSimulation<PostedWriter>, random: Random, rate: number) {
    this.sim = sim;
    this.random = random;
    this.rate = rate;
  }
  drive(): void {
    const { posted } = this.sim.dut;
    const packet = this.queue[0];
    this.offered ||= packet !== undefined && this.random.chance(this.rate);
    this.sim.poke(posted.valid, this.offered ? 1 : 0);
    if (!packet || !this.offered) return;
    const data = this.sim.port(posted.payload.data);
    const bytes = data.width / 8;
    const chunk = new Uint8Array(bytes);
    chunk.set(packet.payload.subarray(this.beat * bytes, (this.beat + 1) * bytes));
    data.words.set(new Uint32Array(chunk.buffer));
    const { length, first_be, last_be, address } = packet;
    setFields(this.sim, posted.payload.header, { length, first_be, last_be, address });
    this.sim.poke(posted.payload.first, this.beat === 0 ? 1 : 0);
    this.sim.poke(posted.payload.last, this.beat === beatsOf(packet, bytes) - 1 ? 1 : 0);
    this.sim.poke(posted.payload.claim, address >= Bars.bar2 ? Claim.bar2 : Claim.bar0);
  }
  sample(): void {
    const packet = this.queue[0];
    if (!packet || !this.offered || !this.sim.peek(this.sim.dut.posted.ready)) return;
    this.offered = false;
    this.beat = (this.beat + 1) % beatsOf(packet, this.sim.dut.p.width / 8);
    if (this.beat === 0) this.queue.shift();
  }
}

/** Registers that take a write at a rate. */
class Registers {
  readonly bytes = new Uint8Array(Bars.bar0_bytes);
  readonly times: number[] = [];
  private readonly views: { readonly [K in 'valid' | 'ready' | 'address' | 'data' | 'mask']: PortView };
  private readonly random: Random;
  private readonly rate: number;

  constructor(sim: TypedSimulation<PostedWriter>, random: Random, rate: number) {
    const { valid, ready, payload } = sim.dut.register_write;
    const { address, data, mask } = payload;
    this.views = {
      valid: sim.port(valid),
      ready: sim.port(ready),
      address: sim.port(address),
      data: sim.port(data),
      mask: sim.port(mask),
    };
    this.random = random;
    this.rate = rate;
  }
  drive(): void {
    setNumber(this.views.ready, this.random.chance(this.rate) ? 1 : 0);
  }
  sample(cycle: number): void {
    const { valid, ready, address, data, mask } = this.views;
    if (!numberOf(valid) || !numberOf(ready)) return;
    this.times.push(cycle);
    const base = Number(numberOf(address));
    expect(base % 4).toBe(0);
    expect(numberOf(mask), 'a write without enabled bytes is left out').not.toBe(0n);
    for (let i = 0; i < 4; i++)
      if ((numberOf(mask) >> BigInt(i)) & 1n) this.bytes[base + i] = Number((numberOf(data) >> BigInt(8 * i)) & 0xffn);
  }
}

function bench(width: number, seed: number, input: number, output: number) {
  const address_width = Math.log2(Bars.bar2_bytes / (width / 8));
  const sim = simulate(() => new PostedWriter({ width, address_width }));
  const random = new Random(seed);
  const source = new PostedSource(sim, random, input);
  const memory = new MemoryWriter(sim, sim.dut.memory_write, new Uint8Array(Bars.bar2_bytes), random, output);
  const registers = new Registers(sim, random, output);
  return { sim, random, source, memory, registers, ends: [source, memory, registers] };
}

describe.each([64, 128, 256, 512])('width %d', width => {
  test.each([
    [1, 1],
    [0.5, 1],
    [1, 0.5],
  ])('C8: writes the enabled bytes and no others: input rate %d, output rate %d', (input, output) => {
    const seed = 3;
    const { sim, random, source, memory, registers, ends } = bench(width, seed, input, output);
    using _ = sim;
    const model = new FunctionModel();
    for (let i = 0; i < 120; i++) {
      const bar2 = random.chance(0.8);
      const dws = random.pick([1, 2, 3, 7, 8, 9, 15, 16, 17, 40]);
      const address = (bar2 ? Bars.bar2 : Bars.bar0) + BigInt(4 * random.below(4096 - dws));
      const packet = randomRequest(random, { address, dws, write: true });
      model.perform(packet);
      source.queue.push(packet);
    }
    run(sim, ends, 20_000, () => source.queue.length === 0);
    run(sim, ends, 50);
    expect(Buffer.compare(memory.bytes, model.memory), `memory, seed ${seed}`).toBe(0);
    expect(Buffer.compare(registers.bytes, model.registers), `registers, seed ${seed}`).toBe(0);
  });

  test('C3: a write of 4 KiB reaches the end of the BAR', () => {
    const { sim, random, source, memory, ends } = bench(width, 1, 1, 1);
    using _ = sim;
    const request = randomRequest(random, { address: Bars.bar2 + BigInt(Bars.bar2_bytes - 4096), dws: 1024, write: true });
    const model = new FunctionModel();
    model.perform(request);
    source.queue.push(request);
    expect(run(sim, ends, 2000, () => source.queue.length === 0)).toBe(32_768 / width);
    run(sim, ends, 3);
    expect(Buffer.compare(memory.bytes, model.memory)).toBe(0);
    expect(memory.times.length).toBe(32_768 / width);
  });
});

test('C8: a write of no bytes reaches no register, and the next one does', () => {
  const { sim, random, source, registers, ends } = bench(256, 1, 1, 1);
  using _ = sim;
  const request = randomRequest(random, { address: Bars.bar0, dws: 1, write: true });
  source.queue.push({ ...request, first_be: 0 }, { ...request, first_be: 2 });
  run(sim, ends, 10);
  expect(registers.times.length).toBe(1);
  expect([...registers.bytes.subarray(0, 4)]).toEqual([0, request.payload[1], 0, 0]);
});

test('register writes: a DW per cycle', () => {
  const { sim, random, source, registers, ends } = bench(256, 1, 1, 1);
  using _ = sim;
  for (let i = 0; i < 4; i++)
    source.queue.push({ ...randomRequest(random, { address: Bars.bar0, dws: 10, write: true }), first_be: 0xf });
  run(sim, ends, 200);
  const { times } = registers;
  expect(times.length).toBe(40);
  expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBe(39);
});
