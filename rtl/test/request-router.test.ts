import { describe, expect, test } from 'vitest';
import { simulate, type TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { Claim } from '../src/endpoint/interfaces.ts';
import { RequestRouter } from '../src/endpoint/request-router.ts';
import { completion, configRead, configWrite, memoryRead, memoryWrite, type Packet, packetClass } from '../src/tlp/packet.ts';
import { TlpType } from '../src/tlp/tlp.ts';
import { type End, setNumber } from './dma-model.ts';
import { Bars, openState, run, setState } from './receive-model.ts';
import { beatsOf, PacketSink, PacketSource } from './tlp-model.ts';

/** Takes beats or requests of an output at a rate and notes claim, tag and beat kind. */
class Taker implements End {
  readonly taken: { readonly claim: number; readonly tag: number; readonly first: number; readonly data: number }[] = [];
  readonly times: number[] = [];
  rate: number;
  private readonly views;
  private readonly random: Random;

  constructor(sim: TypedSimulation<RequestRouter>, which: 'posted' | 'request', random: Random, rate: number) {
    const { posted, request } = sim.dut;
    const { valid, ready } = sim.dut[which];
    const { claim, header, data } = which === 'posted' ? posted.payload : request.payload;
    this.views = {
      valid: sim.port(valid),
      ready: sim.port(ready),
      claim: sim.port(claim),
      tag: sim.port(header.tag),
      data: sim.port(data),
      first: which === 'posted' ? sim.port(posted.payload.first) : undefined,
    };
    this.random = random;
    this.rate = rate;
  }
  drive(): void {
    setNumber(this.views.ready, this.random.chance(this.rate) ? 1 : 0);
  }
  sample(cycle: number): void {
    const { valid, ready, claim, tag, first, data } = this.views;
    if (!valid.words[0] || !ready.words[0]) return;
    const of = (view: { readonly words: Uint32Array } | undefined) => view?.words[0] ?? 1;
    this.taken.push({ claim: of(claim), tag: of(tag), first: of(first), data: of(data) });
    this.times.push(cycle);
  }
}

function bench(options: { width?: number; bar2_bytes?: number; rate?: number; seed?: number; depth?: number } = {}) {
  const { width = 256, bar2_bytes = Bars.bar2_bytes, rate = 1, seed = 1, depth = 16 } = options;
  const sim = simulate(() => new RequestRouter({ width, request_depth: depth, bar0_bytes: Bars.bar0_bytes, bar2_bytes }));
  const random = new Random(seed);
  const source = new PacketSource(sim, sim.dut.rx, random, rate);
  const posted = new Taker(sim, 'posted', random, rate);
  const request = new Taker(sim, 'request', random, rate);
  const completions = new PacketSink(sim, sim.dut.completion, random, rate);
  setState(sim, sim.dut.state, openState(1));
  return { sim, random, source, posted, request, completions, ends: [source, posted, request, completions] };
}

const by = { requester_id: 5, tag: 1 };
const read = (address: bigint, bytes = 4) => memoryRead({ ...by, address, bytes });
const write = (address: bigint, bytes = 4) => memoryWrite({ ...by, address, data: new Uint8Array(bytes) });
const target = { ...by, kind: 0 as const, bus: 1, device: 2, function: 0, register: 4 };
const { bar0, bar2 } = Bars;
const end0 = bar0 + BigInt(Bars.bar0_bytes);
const end2 = bar2 + BigInt(Bars.bar2_bytes);
const beyond = (packet: Packet, length: number): Packet => ({ ...packet, length });

test.each([
  ['BAR0, first DW', read(bar0), Claim.bar0],
  ['BAR0, last DW', read(end0 - 4n), Claim.bar0],
  ['below BAR0', read(bar0 - 4n), Claim.none],
  ['above BAR0', read(end0), Claim.none],
  ['over the end of BAR0', beyond(read(end0 - 4n), 2), Claim.none],
  ['BAR2, first 4 KiB', read(bar2, 4096), Claim.bar2],
  ['BAR2, last 4 KiB', read(end2 - 4096n, 4096), Claim.bar2],
  ['over the end of BAR2', beyond(read(end2 - 4092n, 4092), 0), Claim.none],
  ['BAR2 in its low 32 bits only', read(bar2 & 0xffff_ffffn), Claim.none],
  ['CfgRd0', configRead(target), Claim.config],
  ['CfgWr0', configWrite({ ...target, data: 0x1234 }), Claim.config],
  ['CfgRd0 to function 1', configRead({ ...target, function: 1 }), Claim.none],
  ['CfgRd1', configRead({ ...target, kind: 1 }), Claim.none],
  ['IOWr into the place of BAR0', { ...write(bar0), type: TlpType.io }, Claim.none],
  ['MRdLk', { ...read(bar0), type: 1 }, Claim.none],
  ['AtomicOp of two beats', { ...write(bar2, 64), type: 0b01110 }, Claim.none],
])('C26 C51: a request is claimed once: %s', (_, packet, claim) => {
  const { sim, source, request, posted, ends } = bench();
  using __ = sim;
  source.queue.push({ ...packet, tag: 77 });
  run(sim, ends, 10);
  expect(request.taken).toMatchObject([{ claim, tag: 77 }]);
  if (packet.type === TlpType.config0 && packet.payload.length > 0) expect(request.taken[0]?.data).toBe(0x1234);
  expect(posted.taken).toEqual([]);
});

test.each([
  ['BAR0', write(bar0 + 8n, 40), Claim.bar0],
  ['BAR2', write(end2 - 128n, 128), Claim.bar2],
])('a write keeps its claim in all beats: %s', (_, packet, claim) => {
  const { sim, source, request, posted, ends } = bench();
  using __ = sim;
  source.queue.push(packet);
  run(sim, ends, 10);
  expect(posted.taken.map(t => t.claim)).toEqual(new Array(beatsOf(packet, 32)).fill(claim));
  expect(request.taken).toEqual([]);
  expect(sim.peek(sim.dut.dropped)).toBe(0n);
});

test('C51: what is posted and not claimed is dropped whole and counted once', () => {
  const { sim, source, request, posted, completions, ends } = bench();
  using _ = sim;
  const message = { ...write(bar2, 64), type: TlpType.message };
  source.queue.push(write(0n, 100), message, { ...message, fmt: 1, payload: new Uint8Array(0) }, write(end2, 4));
  run(sim, ends, 20);
  expect(sim.peek(sim.dut.dropped)).toBe(4n);
  expect([...request.taken, ...posted.taken, ...completions.received]).toEqual([]);
});

test('C83: with memory space disabled, reads are unsupported and writes dropped', () => {
  const { sim, source, request, posted, ends } = bench();
  using _ = sim;
  setState(sim, sim.dut.state, { ...openState(1), memory_enable: 0 });
  source.queue.push(read(bar0), write(bar0), read(bar2), write(bar2, 64));
  run(sim, ends, 20);
  expect(request.taken.map(t => t.claim)).toEqual([Claim.none, Claim.none]);
  expect(posted.taken).toEqual([]);
  expect(sim.peek(sim.dut.dropped)).toBe(2n);
});

test('C83: a write that began goes on when memory space is disabled meanwhile', () => {
  const { sim, source, posted, ends } = bench();
  using _ = sim;
  source.queue.push(write(bar2, 256), write(bar2, 256));
  run(sim, ends, 3);
  setState(sim, sim.dut.state, { ...openState(1), memory_enable: 0 });
  run(sim, ends, 30);
  expect(posted.taken.length).toBe(8);
  expect(sim.peek(sim.dut.dropped)).toBe(1n);
});

test('without BAR2 nothing hits it', () => {
  const { sim, source, request, ends } = bench({ bar2_bytes: 0 });
  using _ = sim;
  source.queue.push(read(bar2), read(bar0));
  run(sim, ends, 20);
  expect(request.taken.map(t => t.claim)).toEqual([Claim.none, Claim.bar0]);
});

describe.each([64, 128, 256, 512])('width %d', width => {
  test.each([1, 0.6])('sorts a mixture without loss, in order per class, rate %d', rate => {
    const seed = 5;
    const { sim, random, source, posted, request, completions, ends } = bench({ width, rate, seed });
    using _ = sim;
    const sent: Packet[] = [];
    for (let i = 0; i < 300; i++) {
      const data = random.bytes(4 * random.pick([1, 2, 8, 20]));
      const kinds = [
        () => write(bar2, data.length),
        () => write(bar0, data.length),
        () => read(bar2, 64),
        () => completion(read(bar2, 64), { completer_id: 3 }, data),
        () => completion(read(bar2, 64), { completer_id: 3, status: 1 }),
      ];
      sent.push({ ...random.pick(kinds)(), tag: i });
    }
    source.queue.push(...sent);
    const beats = sent.reduce((sum, p) => sum + beatsOf(p, width / 8), 0);
    const cycles = run(sim, ends, 20_000, () => source.queue.length === 0);
    run(sim, ends, 100);
    const tags = (kind: string) => sent.filter(p => packetClass(p) === kind).map(p => p.tag);
    expect(
      posted.taken.filter(t => t.first).map(t => t.tag),
      `seed ${seed}`,
    ).toEqual(tags('posted'));
    expect(
      request.taken.map(t => t.tag),
      `seed ${seed}`,
    ).toEqual(tags('non-posted'));
    expect(completions.received, `seed ${seed}`).toEqual(sent.filter(p => packetClass(p) === 'completion'));
    if (rate === 1) expect(cycles).toBe(beats);
  });
});

test('a stalled class does not stop the others while its own next TLP is not first in line', () => {
  const { sim, source, posted, request, completions, ends } = bench({ depth: 4 });
  using _ = sim;
  request.rate = 0;
  source.queue.push(...Array.from({ length: 5 }, () => read(bar2)));
  source.queue.push(write(bar2, 64), completion(read(bar2), { completer_id: 3 }, new Uint8Array(4)));
  source.queue.push(read(bar2), write(bar2, 64));
  run(sim, ends, 50);
  expect([posted.taken.length, completions.received.length]).toEqual([2, 1]);
  expect(source.queue.length).toBe(2);
  request.rate = 1;
  run(sim, ends, 50);
  expect([posted.taken.length, request.taken.length]).toEqual([4, 6]);
});

test('latency: 1 cycle to posted, 2 to request', () => {
  const { sim, source, posted, request, ends } = bench();
  using _ = sim;
  source.queue.push(write(bar2), read(bar2));
  run(sim, ends, 20);
  expect((posted.times[0] ?? 0) - (source.times[0] ?? 0)).toBe(1);
  expect((request.times[0] ?? 0) - (source.times[1] ?? 0)).toBe(2);
});

test('C60: a request waits until the writes before it have left', () => {
  const { sim, source, posted, request, ends } = bench();
  using _ = sim;
  posted.rate = 0;
  source.queue.push(write(bar2), read(bar2));
  run(sim, ends, 20);
  expect(request.taken).toEqual([]);
  posted.rate = 1;
  run(sim, ends, 20);
  expect(request.times[0]).toBe((posted.times[0] ?? 0) + 2);
});
