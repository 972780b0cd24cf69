import { describe, expect, test } from 'vitest';
import { DmaOutcome } from '../src/endpoint/dma/job.ts';
import { blockDevice } from '../src/endpoint/endpoint-params.ts';
import { atomic, completion, type Packet, poisoned } from '../src/tlp/packet.ts';
import { TlpType } from '../src/tlp/tlp.ts';
import { wordsOf } from './dma-model.ts';
import { EndpointBench, Event, firmware, memoryOf } from './endpoint-bench.ts';
import { hostId } from './link-host.ts';

const KiB = 1024;
const memory = memoryOf(0);
const make = (width: number, rate = 1) => {
  const params = blockDevice(
    { device_id: 0xe001, memory_bytes: 64 * KiB, max_payload: 256, more: { atomic_requester: true, atomic_completer: true } },
    { width, tags: 32, cycles_per_microsecond: 2, max_read_request: 256 },
  );
  const host = new EndpointBench(params, width, rate);
  host.enumerate();
  return host;
};
/** An Unsupported Request, or other failure. */
const failure = (packet: Packet, status: number) =>
  completion(packet, { completer_id: hostId, status, byte_count: 4, lower_address: 0 });
const random = (host: EndpointBench, bytes: number) => host.random.bytes(bytes);
const load = (host: EndpointBench, address: bigint, data: Uint8Array) =>
  data.forEach((byte, i) => void host.memory.set(address + BigInt(i), byte));

describe.each([
  [64, 0.7],
  [128, 1],
  [256, 0.6],
  [512, 1],
])('engines of the firmware, %d bits, rate %f', (width, rate) => {
  test('C5 C8: data goes in and out by all four, with any alignment, and each tells its end', () => {
    using host = make(width, rate);
    const bytes = 1 + 300 * 3;
    const data = random(host, bytes);
    load(host, 0x1_0000_0fefn, data);
    expect(host.run('read_dma', { address: 0x1_0000_0fefn, offset: 0x203, length: bytes, memory: true })).toBe(0);
    expect(host.events()).toBe(Event.read_dma);
    expect(host.run('write_dma', { address: 0x2_0000_0ffdn, offset: 0x203, length: bytes, memory: true })).toBe(0);
    expect(host.events()).toBe(Event.write_dma);
    // A read that the endpoint answers comes behind what it wrote before.
    host.read(memory, 4);
    expect(host.bytes(0x2_0000_0ffdn, bytes)).toEqual(data);
    expect(host.read(memory + 0x203n, 256).data).toEqual(data.slice(0, 256));

    host.mediaIn.queue.push(...wordsOf(data, width));
    expect(host.run('fill', { offset: 0x1001, length: bytes })).toBe(0);
    expect(host.events()).toBe(Event.fill);
    expect(host.run('drain', { offset: 0x1001, length: bytes })).toBe(0);
    expect(host.events()).toBe(Event.drain);
    const words = Math.ceil((8 * bytes) / width);
    host.until(() => host.mediaOut.received.length === words);
    const got = host.mediaOut.received.splice(0).flatMap(word => [...word]);
    expect(Uint8Array.from(got.slice(0, bytes))).toEqual(data);

    host.mediaIn.queue.push(...wordsOf(data, width));
    expect(host.run('write_dma', { address: 0x3_0000_0002n, length: bytes })).toBe(0);
    host.read(memory, 4);
    expect(host.bytes(0x3_0000_0002n, bytes)).toEqual(data);
    expect(host.run('read_dma', { address: 0x3_0000_0002n, length: bytes })).toBe(0);
    host.until(() => host.mediaOut.received.length === words);
    expect(Uint8Array.from(host.mediaOut.received.flatMap(word => [...word]).slice(0, bytes))).toEqual(data);
    expect(host.events()).toBe(Event.write_dma | Event.read_dma);
  });

  test('C8 C11 C63: a write that flushes ends only when a read of nothing behind its data was answered', () => {
    using host = make(width, rate);
    host.poke(firmware.event_enable.offset, Event.write_dma);
    const held: Packet[] = [];
    host.misbehave = packet => {
      held.push(packet);
      return [];
    };
    const flush = 1 << 9;
    const translated = 2 << 7;
    const start = (control: number, length = 600) =>
      host.start('write_dma', { address: 0x2_0000_0fd3n, offset: 0x123, length, memory: true, control });
    start(flush | translated | (1 << 5));
    host.until(() => held.length === 1);
    // All data has left before the read.
    expect(host.bytes(0x2_0000_0fd3n, 600)).toEqual(host.read(memory + 0x100n, 635 + 128).data.slice(0x23, 0x23 + 600));
    const [back] = held.splice(0);
    expect([back?.fmt, back?.type, back?.address, back?.length, back?.first_be, back?.last_be, back?.tag]).toEqual([
      1,
      0,
      0x2_0000_0fd0n,
      1,
      0,
      0,
      8,
    ]);
    expect([back?.at, back?.attr]).toEqual([2, 0]);
    host.steps(200);
    expect([host.busy('write_dma'), host.interrupt]).toEqual([true, false]);
    const answer = (packet: Packet | undefined, status = 0) => {
      if (!packet) throw new Error('there is a read');
      const told = { completer_id: hostId, status, byte_count: status === 0 ? 1 : 4, lower_address: 0x50 };
      host.out.completion.queue.push(completion(packet, told, status === 0 ? new Uint8Array(4) : undefined));
    };
    answer(back);
    expect(host.finish('write_dma')).toBe(0);
    expect([host.interrupt, host.events()]).toEqual([true, Event.write_dma]);

    // A read that fails is the outcome; data of no bytes is read back all the same.
    for (const [status, length] of [
      [1, 0],
      [4, 5],
    ] as const) {
      start(flush, length);
      host.until(() => held.length === 1);
      answer(held.pop(), status);
      expect(host.finish('write_dma')).toBe(status);
    }
    // Without the flag, inside, and where nothing may be sent, nothing is read.
    start(0);
    expect(host.finish('write_dma')).toBe(0);
    host.start('write_dma', { address: memory, offset: 0x2000, length: 50, memory: true, control: flush });
    expect(host.finish('write_dma')).toBe(0);
    host.configure(0, 4, 2);
    start(flush);
    expect(host.finish('write_dma')).toBe(DmaOutcome.refused);
    expect(held).toEqual([]);
  });

  test('what lies in the own memory moves inside: no TLP leaves, for jobs and AtomicOps alike', () => {
    using host = make(width, rate);
    const data = random(host, 500);
    for (let at = 0; at < 500; at += 250) host.write(memory + 0x100n + BigInt(at), data.slice(at, at + 250));
    host.read(memory, 4);
    expect(host.run('read_dma', { address: memory + 0x100n, offset: 0x2003, length: 500, memory: true })).toBe(0);
    expect(host.run('write_dma', { address: memory + 0x3005n, offset: 0x2003, length: 500, memory: true })).toBe(0);
    expect(host.run('write_dma', { address: memory + 0x4000n, offset: 0x3005, length: 0, memory: true })).toBe(0);
    expect(host.run('read_dma', { address: memory + 0x3005n, length: 500 })).toBe(0);
    const words = Math.ceil(4000 / width);
    host.until(() => host.mediaOut.received.length === words);
    expect(Uint8Array.from(host.mediaOut.received.flatMap(word => [...word]).slice(0, 500))).toEqual(data);
    host.mediaIn.queue.push(...wordsOf(data, width));
    expect(host.run('write_dma', { address: memory + 0x5001n, length: 500 })).toBe(0);
    expect(host.read(memory + 0x5001n, 250).data).toEqual(data.slice(0, 250));

    host.poke(firmware.atomic_address_low.offset, Number((memory + 0x104n) & 0xffff_ffffn));
    host.poke(firmware.atomic_address_high.offset, Number(memory >> 32n));
    host.poke(firmware.atomic_operand_0.offset, 5);
    host.poke(firmware.atomic_control.offset, 1);
    host.until(() => (host.peek(firmware.events.offset) & Event.atomic) !== 0);
    const old = new DataView(data.buffer).getUint32(4, true);
    expect([host.peek(firmware.atomic_status.offset), host.peek(firmware.atomic_result_0.offset)]).toEqual([0, old]);
    expect(host.readDword(memory + 0x104n)).toBe((old + 5) >>> 0);
    // Misaligned: refused inside too.
    host.poke(firmware.atomic_address_low.offset, Number((memory + 0x106n) & 0xffff_ffffn));
    host.poke(firmware.atomic_control.offset, 1);
    host.until(() => (host.peek(firmware.atomic_status.offset) & 1) === 0);
    expect(host.peek(firmware.atomic_status.offset) >> 1).toBe(DmaOutcome.refused);
    expect([host.written, host.asked]).toEqual([[], []]);
  });

  test('C98: AtomicOps of a peer and of the firmware on one DW come one after the other, and none is lost', () => {
    using host = make(width, rate);
    const address = memory + 0x104n;
    host.write(address, new Uint8Array(4));
    expect(host.readDword(address)).toBe(0);
    const one = new Uint8Array(4).fill(1, 1, 2);
    const count = 60;
    for (let i = 0; i < count; i++)
      host.out.non_posted.queue.push(atomic(TlpType.fetchAdd, { requester_id: hostId, tag: i % 32, address, data: one }));
    host.poke(firmware.atomic_address_low.offset, Number(address & 0xffff_ffffn));
    host.poke(firmware.atomic_address_high.offset, Number(address >> 32n));
    host.poke(firmware.atomic_operand_0.offset, 1);
    let mine = 0;
    for (; host.in.completion.received.length < count; mine++) {
      host.poke(firmware.atomic_control.offset, 1);
      while (host.peek(firmware.atomic_status.offset) & 1) expect(host.sim.cycle).toBeLessThan(20_000);
    }
    const seen = host.in.completion.received
      .splice(0)
      .map(({ payload }) => new DataView(payload.buffer, payload.byteOffset).getUint32(0, true) >> 8);
    expect(seen).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(mine).toBeGreaterThan(3);
    expect(host.readDword(address)).toBe(256 * count + mine);
  });

  test('C98: AtomicOps go out when they may, and bring what was there', () => {
    using host = make(width, rate);
    const ask = (kind: number, size: number, address: bigint) => {
      host.poke(firmware.atomic_address_low.offset, Number(address & 0xffff_ffffn));
      host.poke(firmware.atomic_address_high.offset, Number(address >> 32n));
      for (let i = 0; i < 4; i++) {
        host.poke(firmware.atomic_operand_0.offset + 4 * i, 0x10 + i);
        host.poke(firmware.atomic_compare_0.offset + 4 * i, 0x20 + i);
      }
      host.poke(firmware.atomic_control.offset, 1 | (kind << 9) | (size << 11));
      for (let i = 0; host.peek(firmware.atomic_status.offset) & 1; i++) expect(i).toBeLessThan(1000);
      return host.peek(firmware.atomic_status.offset) >> 1;
    };
    expect(ask(0, 0, 0x1000n)).toBe(DmaOutcome.refused);
    const capability = host.capability(0, 0x10);
    host.configure(0, capability + 0x28, 1 << 6);
    const value = Uint8Array.from({ length: 16 }, (_, i) => 0xa0 + i);
    host.misbehave = packet => {
      const bytes = packet.type === 0b01110 ? packet.payload.length / 2 : packet.payload.length;
      return [completion(packet, { completer_id: hostId, byte_count: bytes, lower_address: 0 }, value.slice(0, bytes))];
    };
    expect(ask(2, 2, 0x5_0000_1000n)).toBe(0);
    const dwords = (bytes: Uint8Array) => Array.from({ length: 4 }, (_, i) => new DataView(bytes.buffer).getUint32(4 * i, true));
    expect(Array.from({ length: 4 }, (_, i) => host.peek(firmware.atomic_result_0.offset + 4 * i))).toEqual(dwords(value));
    const [sent] = host.asked;
    expect([sent?.address, sent?.type, sent?.length, sent?.tag]).toEqual([0x5_0000_1000n, 0b01110, 8, 8]);
    expect([...(sent?.payload ?? [])].filter((_, i) => i % 4 === 0)).toEqual([0x20, 0x21, 0x22, 0x23, 0x10, 0x11, 0x12, 0x13]);
    expect(ask(1, 1, 0x1008n)).toBe(0);
    host.misbehave = packet => [failure(packet, 4)];
    expect(ask(0, 0, 0x1008n)).toBe(DmaOutcome.abort);
    expect(host.asked.length).toBe(3);
  });
});

describe('failures', () => {
  test('C53 C71b C81: unsupported, aborted, poisoned, refused; the function says what came, and the next job is well', () => {
    using host = make(128);
    const job = { address: 0x1_0000_0000n, offset: 0, length: 600, memory: true };
    const status = () => host.config(0, 4).value >>> 16;
    const failing = (fail: (packet: Packet) => readonly Packet[]) => {
      let count = 0;
      host.misbehave = packet => (count++ === 1 ? fail(packet) : undefined);
      const outcome = host.run('read_dma', job);
      host.misbehave = undefined;
      return outcome;
    };
    // Parity error response, so that poisoned data is told.
    host.configure(0, 4, 0x46);
    expect(failing(packet => [failure(packet, 1)])).toBe(DmaOutcome.unsupported);
    expect(status() & 0xf900).toBe(0x2000);
    host.configure(0, 4, 0xffff_0046);
    expect(failing(packet => [failure(packet, 4)])).toBe(DmaOutcome.abort);
    expect(status() & 0xf900).toBe(0x1000);
    host.configure(0, 4, 0xffff_0046);
    expect(failing(packet => host.answersOf(packet).map((answer, i) => (i === 1 ? poisoned(answer) : answer)))).toBe(
      DmaOutcome.poisoned,
    );
    expect(status() & 0x7900).toBe(0x0100);
    host.configure(0, 4, 0xffff_0042);
    for (const engine of ['read_dma', 'write_dma'] as const) expect(host.run(engine, job)).toBe(DmaOutcome.refused);
    host.configure(0, 4, 0x46);
    host.written.splice(0);
    expect(host.run('read_dma', { ...job, function: 3 })).toBe(DmaOutcome.refused);
    expect(host.run('read_dma', job)).toBe(0);
    expect(host.read(memory, 256).data).toEqual(host.bytes(0x1_0000_0000n, 256));
    expect(host.events()).toBe(Event.read_dma | Event.write_dma);
  });

  test('C71d: a completion that ends too early fails its read and nothing else', () => {
    using host = make(64);
    const job = { address: 0x1_0000_0000n, offset: 0, length: 256, memory: true };
    host.misbehave = packet => {
      const [first, ...others] = host.answersOf(packet);
      return first ? [{ ...first, payload: first.payload.slice(0, 40) }, ...others] : [];
    };
    expect(host.run('read_dma', job)).toBe(DmaOutcome.poisoned);
    host.misbehave = undefined;
    expect(host.run('read_dma', job)).toBe(0);
    expect(host.read(memory, 256).data).toEqual(host.bytes(0x1_0000_0000n, 256));
  });

  test('C59: a read without completion ends by time and is reported; transactions are pending meanwhile', () => {
    using host = make(256);
    const express = host.capability(0, 0x10);
    const pending = () => (host.config(0, express + 8).value >>> 21) & 1;
    // 50 to 100 microseconds: 64 to 80 here, at 2 cycles each.
    host.configure(0, express + 0x28, 1);
    host.misbehave = () => [];
    host.start('read_dma', { address: 0x1_0000_0000n, offset: 0, length: 64, memory: true });
    host.steps(20);
    expect(pending()).toBe(1);
    expect(host.finish('read_dma')).toBe(DmaOutcome.timeout);
    expect(pending()).toBe(0);
    // The error is in the status of AER: an uncorrectable one, bit 14.
    let aer = 0x100;
    while ((host.config(0, aer).value & 0xffff) !== 1) aer = host.config(0, aer).value >>> 20;
    expect(host.config(0, aer + 4).value).toBe(1 << 14);
    host.misbehave = undefined;
    expect(host.run('read_dma', { address: 0x1_0000_0000n, offset: 0, length: 64, memory: true })).toBe(0);
  });

  test('a refused write from media drops what it took, and the next one begins with the next word', () => {
    using host = make(128);
    host.configure(0, 4, 2);
    const data = random(host, 64);
    host.mediaIn.queue.push(...wordsOf(new Uint8Array(256), 128));
    host.start('write_dma', { address: 0x1000n, length: 256 });
    expect(host.finish('write_dma')).toBe(DmaOutcome.refused);
    host.steps(10);
    // What it did not take is still in the stream.
    host.poke(firmware.media_control.offset, 1);
    host.until(() => host.mediaIn.queue.length === 0);
    host.steps(10);
    host.poke(firmware.media_control.offset, 0);
    host.configure(0, 4, 6);
    host.mediaIn.queue.push(...wordsOf(data, 128));
    expect(host.run('write_dma', { address: 0x1000n, length: 64 })).toBe(0);
    host.read(memory, 4);
    expect(host.bytes(0x1000n, 64)).toEqual(data);
  });
});

test('all four work at once, and media words go to whom they belong', () => {
  using host = make(128, 0.9);
  const size = 2000;
  const [first, second] = [random(host, size), random(host, size)];
  load(host, 0x7000n, second);
  host.mediaIn.queue.push(...wordsOf(first, 128), ...wordsOf(second, 128));
  host.start('write_dma', { address: 0x1_0000n, length: size });
  host.start('fill', { offset: 0x2000, length: size });
  host.start('read_dma', { address: 0x7000n, length: size });
  host.start('drain', { offset: 0x2000, length: 16 });
  for (const engine of ['write_dma', 'fill', 'read_dma', 'drain'] as const) expect(host.finish(engine)).toBe(0);
  host.read(memory, 4);
  expect(host.bytes(0x1_0000n, size)).toEqual(first);
  expect(host.read(memory + 0x2000n, 256).data).toEqual(second.slice(0, 256));
  const words = size / 16;
  host.until(() => host.mediaOut.received.length === words + 1);
  const got = host.mediaOut.received.map(word => [...word]);
  // The link's words are first: the read job was there before the drain could begin.
  expect(Uint8Array.from(got.slice(0, words).flat())).toEqual(second);
  expect(host.events()).toBe(Event.write_dma | Event.fill | Event.read_dma | Event.drain);
});

test.each([
  false,
  true,
])('a fill that waits for its medium holds up no job that the medium may be waiting for (a local write job: %s)', local => {
  using host = make(128);
  const data = random(host, 64);
  const base = 0x3000;
  load(host, 0x7000n, data);
  expect(host.run('read_dma', { address: 0x7000n, offset: base, length: 64, memory: true })).toBe(0);
  // No word for it is there yet.
  if (local) host.start('write_dma', { address: memory + 0x2000n, length: 64 });
  else host.start('fill', { offset: 0x2000, length: 64 });
  host.steps(20);
  // A medium that sends back what it gets: the drain, and a copy inside behind it, come to their end first.
  expect(host.run('drain', { offset: base, length: 64 })).toBe(0);
  expect(host.run('read_dma', { address: memory + BigInt(base), offset: 0x4000, length: 64, memory: true })).toBe(0);
  host.until(() => host.mediaOut.received.length === 4);
  host.mediaIn.queue.push(...host.mediaOut.received.splice(0));
  expect(host.finish(local ? 'write_dma' : 'fill')).toBe(0);
  expect(host.read(memory + 0x2000n, 64).data).toEqual(data);
  expect(host.read(memory + 0x4000n, 64).data).toEqual(data);
});
