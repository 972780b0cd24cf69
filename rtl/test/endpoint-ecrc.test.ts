import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import { ErrorKind } from '../src/config/error-report.ts';
import { DmaOutcome } from '../src/endpoint/dma/job.ts';
import { EcrcFilter } from '../src/endpoint/ecrc-filter.ts';
import { blockDevice } from '../src/endpoint/endpoint-params.ts';
import { fcClasses } from '../src/link/fc-update.ts';
import { memoryRead, memoryWrite, type Packet } from '../src/tlp/packet.ts';
import { digestIsRight, withDigest } from '../src/tlp/wire.ts';
import { BundleSink } from './dma-bench.ts';
import { EndpointBench, firmware, memoryOf, registersOf } from './endpoint-bench.ts';
import { randomPacket } from './link-bench.ts';
import { hostId } from './link-host.ts';
import { PacketSink, PacketSource, withAnyFields } from './tlp-model.ts';

const memory = memoryOf(0);
const make = (width: number) => {
  const params = blockDevice(
    { device_id: 0xe001, memory_bytes: 65_536, max_payload: 256 },
    { width, tags: 32, cycles_per_microsecond: 2, max_read_request: 256, ecrc: true },
  );
  const host = new EndpointBench(params, width, 0.8);
  host.enumerate();
  let aer = 0x100;
  while ((host.config(0, aer).value & 0xffff) !== 1) aer = host.config(0, aer).value >>> 20;
  return { host, aer };
};
const wrong = (packet: Packet): Packet => ({ ...withDigest(packet), digest: ((withDigest(packet).digest ?? 0) ^ 0x100) >>> 0 });
const write = (address: bigint, data: Uint8Array) => memoryWrite({ requester_id: hostId, tag: 0, address, data });

describe.each([64, 128, 256, 512])('digests, %d bits', width => {
  test('C71c: while enabled everything that leaves has a right one, of each kind and length', () => {
    const { host, aer } = make(width);
    using _ = host;
    expect(host.config(0, aer + 0x18).value & 0x1e0).toBe(0xa0);
    host.configure(0, aer + 0x18, 0x40);
    for (const bytes of [4, 12, 100, 256]) {
      const data = host.random.bytes(bytes);
      host.write(memory, data);
      host.out.non_posted.queue.push(memoryRead({ requester_id: hostId, tag: 1, address: memory, bytes }));
      host.until(() => host.in.completion.received.length > 0);
      const got = host.in.completion.received.splice(0);
      expect(got.every(packet => packet.td === 1 && digestIsRight(packet))).toBe(true);
      expect(got.flatMap(({ payload }) => [...payload])).toEqual([...data]);
    }
    expect(host.run('write_dma', { address: 0x1_0000_0ff1n, offset: 1, length: 600, memory: true })).toBe(0);
    host.poke(firmware.post_data.offset, 3);
    expect(host.run('read_dma', { address: 0x1_0000_0ff1n, offset: 1, length: 600, memory: true })).toBe(0);
    const left = [...host.written, ...host.asked];
    expect(left.length).toBeGreaterThan(6);
    expect(left.every(packet => packet.td === 1 && digestIsRight(packet))).toBe(true);
    host.configure(0, aer + 0x18, 0);
    host.written.splice(0);
    host.poke(firmware.post_data.offset, 4);
    host.until(() => host.written.length > 0);
    expect(host.written[0]?.td).toBe(0);
  });

  test('C71c C87: a TLP with a wrong digest is dropped whole and reported; what is right passes, in order', () => {
    const { host, aer } = make(width);
    using _ = host;
    const status = () => host.config(0, aer + 4).value;
    const old = host.random.bytes(256);
    const next = host.random.bytes(256);
    host.write(memory, old);
    // Without the enable a digest is not looked at.
    host.out.posted.queue.push(wrong(write(memory, next)));
    expect(host.read(memory, 256).data).toEqual(next);
    expect(status() & (1 << 19)).toBe(0);
    host.configure(0, aer + 0x18, 0x100);
    host.out.posted.queue.push(wrong(write(memory, old)), withDigest(write(memory + 256n, old)), write(memory + 512n, old));
    host.out.posted.queue.push(wrong(write(memory, old)));
    const read = (at: bigint) => host.ask(from => withDigest(memoryRead({ ...from, address: at, bytes: 256 }))).data;
    expect([read(memory), read(memory + 256n), read(memory + 512n)]).toEqual([next, old, old]);
    expect(status() & (1 << 19)).toBe(1 << 19);
    host.configure(0, aer + 4, 0x8_0000);

    // A read behind many writes, registers among them, sees them all.
    for (let round = 0; round < 6; round++) {
      const data = host.random.bytes(64);
      for (let i = 0; i < 4; i++) host.out.posted.queue.push(withDigest(write(registersOf(0) + 0x400n + BigInt(64 * i), data)));
      expect(host.ask(from => memoryRead({ ...from, address: registersOf(0) + 0x4fcn, bytes: 4 })).data).toEqual(data.slice(60));
    }

    // Nobody answers a request that is dropped; a completion that is dropped is missing.
    host.out.non_posted.queue.push(wrong(memoryRead({ requester_id: hostId, tag: 7, address: memory, bytes: 4 })));
    host.steps(100);
    expect(host.in.completion.received).toEqual([]);
    host.misbehave = packet => host.answersOf(packet).map(withDigest);
    expect(host.run('read_dma', { address: 0x1_0000_0101n, offset: 0, length: 700, memory: true })).toBe(0);
    expect(host.read(memory, 256).data).toEqual(host.bytes(0x1_0000_0101n, 256));
    host.configure(0, host.capability(0, 0x10) + 0x28, 1);
    host.misbehave = packet => host.answersOf(packet).map((answer, i) => (i === 1 ? wrong(answer) : withDigest(answer)));
    expect(host.run('read_dma', { address: 0x1_0000_0100n, offset: 0, length: 256, memory: true })).toBe(DmaOutcome.timeout);
    expect(status() & (1 << 19)).toBe(1 << 19);
  });
});

test.each([
  1, 20, 64, 65, 100, 127, 128, 200, 256, 500,
])('a request that %d posted TLPs passed while it stood leaves when it may', passing => {
  using sim = simulate(() => new EcrcFilter({ width: 256, functions: 1, max_payload: 512 }));
  const { dut } = sim;
  const set = (signal: Parameters<typeof sim.poke>[0], value: number) => sim.poke(signal, value);
  const one = (stream: typeof dut.posted) => {
    set(stream.payload.first, 1);
    set(stream.payload.last, 1);
  };
  one(dut.posted);
  one(dut.non_posted);
  set(dut.out_posted.ready, 1);
  set(dut.non_posted.valid, 1);
  sim.step();
  set(dut.non_posted.valid, 0);
  set(dut.posted.valid, 1);
  for (let i = 0; i < passing; i++) {
    expect(sim.peek(dut.posted.ready)).toBe(1n);
    sim.step();
  }
  set(dut.posted.valid, 0);
  sim.step(20);
  expect(sim.peek(dut.out_non_posted.valid)).toBe(1n);
});

describe.each([
  [64, 8, 512],
  [128, 1, 256],
  [512, 3, 256],
])('EcrcFilter of %i bits for %i functions, payloads of %i bytes', (width, functions, max_payload) => {
  test('C71c C87: of any traffic what is wrong goes, and is told to the functions that look, with its header; the rest leaves as it came, without its digest, and behind the posted TLPs before it', () => {
    using sim = simulate(() => new EcrcFilter({ width, functions, max_payload }));
    const { dut } = sim;
    const random = new Random(width);
    const rate = 0.8;
    const sources = [dut.posted, dut.non_posted, dut.completion].map(stream => new PacketSource(sim, stream, random, rate));
    const sinks = [dut.out_posted, dut.out_non_posted, dut.out_completion].map(
      stream => new PacketSink(sim, stream, random, rate),
    );
    const told = new BundleSink(sim, dut.error, ['functions', 'kind', 'advisory'], random, 0.7);
    const headers = new BundleSink(
      sim,
      { ...dut.error, payload: dut.error.payload.header } as never,
      ['requester_id', 'tag', 'address', 'td', 'ep'],
      random,
      0.7,
    );
    // Both look at the same stream: one of them says when it moves.
    headers.drive = () => undefined;
    const ends = [...sources, ...sinks, told, headers];
    for (let phase = 0; phase < 40; phase++) {
      // In some phases nobody takes completions for long.
      const held = phase % 10 === 9;
      const most = { posted: 60, non_posted: 12, completion: held ? 400 : 12 };
      const enable = random.chance(0.2) ? 0 : random.below(2 ** functions);
      sim.poke(dut.enable, enable);
      const sent = fcClasses.map(name =>
        Array.from({ length: random.below(most[name]) }, (_, i): Packet => {
          const { digest: _digest, ...plain } = randomPacket(random, name, i, held ? 1 : 64);
          const packet = { ...withAnyFields(random, { ...plain, address: random.bits(64) }), td: 0, tag: random.below(2 ** 10) };
          const bare = Object.fromEntries(Object.entries(packet).filter(([key]) => key !== 'digest')) as unknown as Packet;
          return random.pick([bare, withDigest(bare), wrong(bare)]);
        }),
      );
      const fails = (packet: Packet) => enable !== 0 && packet.td === 1 && !digestIsRight(packet);
      const arrived = sent.map(list => list.filter(packet => !fails(packet)));
      const bad = sent.flatMap(list => list.filter(fails));
      sources.forEach((source, i) => {
        source.queue.push(...at(sent, i));
      });
      for (const end of [...sources, ...sinks]) end.times.length = 0;
      for (let quiet = 0, cycle = 0; quiet < 60; cycle++) {
        if (cycle > 20_000) throw new RangeError(`seed ${width}, phase ${phase}: no end`);
        const moved = sinks.reduce((sum, { beats }) => sum + beats, 0);
        for (const end of ends) end.drive();
        if (held && cycle < 500) sim.poke(dut.out_completion.ready, 0);
        sim.settle();
        for (const end of ends) end.sample(sim.cycle);
        sim.step();
        const rests =
          sources.every(({ queue }) => queue.length === 0) && moved === sinks.reduce((sum, { beats }) => sum + beats, 0);
        quiet = rests && !(held && cycle < 500) ? quiet + 1 : 0;
      }
      const where = `seed ${width}, phase ${phase}`;
      const stripped = ({ digest: _, ...packet }: Packet): Packet => ({ ...packet, td: 0 });
      sinks.forEach(({ received }, i) => {
        const expected = at(arrived, i).map(packet => (enable !== 0 && packet.td === 1 ? stripped(packet) : packet));
        expect(received.splice(0), where).toEqual(expected);
      });
      const crossings = sinks.map(({ times }, i) => {
        const entered = at(sources, i).times.filter((_, k) => !fails(at(at(sent, i), k)));
        return times.map((left, k) => ({ entered: at(entered, k), left }));
      });
      const [posted = [], ...behind] = crossings;
      for (const one of behind.flat())
        expect(
          posted.every(({ entered, left }) => entered >= one.entered || left < one.left),
          where,
        ).toBe(true);
      const reports = told.received.splice(0).map(error => [error.functions, error.kind, error.advisory].map(Number));
      expect(
        reports.every(report => report.join() === [enable, ErrorKind.ecrc, 0].join()),
        where,
      ).toBe(true);
      // Reports that wait are joined: there are as many as there were errors, or fewer.
      expect(reports.length > 0, where).toBe(bad.length > 0);
      const name = (h: { readonly [K in 'requester_id' | 'tag' | 'address' | 'ep']: number | bigint }) =>
        [h.requester_id, h.tag, h.address, h.ep].map(Number).join();
      const known = new Set(bad.map(packet => name(packet)));
      expect(
        headers.received.splice(0).every(header => known.has(name(header as never))),
        where,
      ).toBe(true);
      expect(sim.peek(dut.no_completion), where).toBe(1n);
    }
  });
});
