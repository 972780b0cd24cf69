import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { DmaOutcome } from '../src/endpoint/dma/job.ts';
import { EcrcFilter } from '../src/endpoint/ecrc-filter.ts';
import { blockDevice } from '../src/endpoint/endpoint-params.ts';
import { memoryRead, memoryWrite, type Packet } from '../src/tlp/packet.ts';
import { digestIsRight, withDigest } from '../src/tlp/wire.ts';
import { EndpointBench, firmware, memoryOf, registersOf } from './endpoint-bench.ts';
import { hostId } from './link-host.ts';

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
const wrong = (packet: Packet): Packet => ({ ...withDigest(packet), digest: (withDigest(packet).digest ?? 0) ^ 0x100 });
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
