import { describe, expect, test } from 'vitest';
import { descriptorBytes } from '../src/endpoint/dma/descriptor.ts';
import { DmaOutcome } from '../src/endpoint/dma/job.ts';
import {
  blockFunction,
  type DescribedFunction,
  endpointDefaults,
  endpointOf,
  memoryFunction,
  nicFunction,
  nvmeFunction,
} from '../src/endpoint/endpoint-params.ts';
import { completion, memoryWrite } from '../src/tlp/packet.ts';
import { EndpointBench, Event, firmware, firmwareMailbox, memoryOf, registersOf } from './endpoint-bench.ts';
import { bus, hostId } from './link-host.ts';

const KiB = 1024;
const make = (functions: readonly DescribedFunction[], width = 128, rate = 1) => {
  const host = new EndpointBench(
    endpointOf(functions, { width, tags: 32, cycles_per_microsecond: 20, max_read_request: 256 }),
    width,
    rate,
  );
  host.enumerate();
  return host;
};
const id = (f: number) => (bus << 8) | f;
const nvme = nvmeFunction({ device_id: 0xf001, memory_bytes: 16 * KiB, max_payload: 256 });
const nic = nicFunction({ device_id: 0xf002, memory_bytes: 32 * KiB, max_payload: 256 });
const memory = memoryFunction({ device_id: 0xf003, memory_bytes: 16 * KiB, max_payload: 256 });

test('defaults and functions in a line each: memories lie side by side, each at a multiple of its size', () => {
  const params = endpointOf([nvme, nic, memory]);
  expect(params.width).toBe(endpointDefaults.width);
  expect(params.memory_bytes).toBe(64 * KiB);
  const bases = params.functions.map(({ map }) => map.find(bar => bar?.to === 'memory')?.base);
  expect(bases).toEqual([32 * KiB, 0, 48 * KiB]);
  expect(params.functions.map(({ config }) => config.class_code)).toEqual([0x010802, 0x020000, 0x058000]);
});

test('C81: a function that is memory alone takes and gives its data and never sends a request', () => {
  using host = make([memory]);
  const data = host.random.bytes(200);
  host.write(memoryOf(0) + 0x101n, data);
  expect(host.read(memoryOf(0) + 0x101n, 200)).toEqual({ status: 0, data, from: id(0) });
  expect(host.config(0, 4).value & 6).toBe(2);
  const job = { address: 0x1000n, offset: 0, length: 64, memory: true };
  expect([host.run('write_dma', job), host.run('read_dma', job)]).toEqual([DmaOutcome.refused, DmaOutcome.refused]);
  // Posts, doorbells and vectors are not there.
  host.poke(firmware.post_data.offset, 5);
  host.poke(firmware.msix_trigger.offset, 0);
  host.steps(100);
  expect([host.peek(firmware.post_data.offset), host.peek(firmware.doorbell_next.offset)]).toEqual([0, 0]);
  expect(host.run('drain', { offset: 0x101, length: 16 })).toBe(0);
  expect(() => host.capability(0, 0x11)).toThrow();
  // Without digests nobody says that there are some.
  let aer = 0x100;
  while ((host.config(0, aer).value & 0xffff) !== 1) aer = host.config(0, aer).value >>> 20;
  host.configure(0, aer + 0x18, 0xffff_ffff);
  expect(host.config(0, aer + 0x18).value).toBe(0);
  expect([host.written, host.asked]).toEqual([[], []]);
});

describe.each([
  [64, 0.8],
  [128, 1],
  [256, 0.8],
  [512, 1],
])('three functions, %d bits, rate %f', (width, rate) => {
  test('C26: each has its registers, memory, interrupts and firmware window', () => {
    using host = make([nvme, nic, memory], width, rate);
    expect([0, 1, 2, 3].map(f => host.config(f, 0).value)).toEqual([0xf001_1d1d, 0xf002_1d1d, 0xf003_1d1d, -1]);
    for (const f of [0, 1, 2]) {
      const data = host.random.bytes(100);
      host.write(memoryOf(f) + 0x11n, data);
      expect(host.read(memoryOf(f) + 0x11n, 100)).toEqual({ status: 0, data, from: id(f) });
      expect(host.peek(firmware.function_state.offset, f)).toBe((f === 2 ? 0x2_0000 : 0x3_0000) | id(f));
      expect(host.peek(firmware.memory_bytes.offset, f)).toBe([16, 32, 16].map(n => n * KiB)[f]);
      expect(host.peek(firmware.memory_low.offset, f)).toBe(Number(memoryOf(f) & 0xffff_ffffn));
    }
    // The same doorbell of two functions, and mailboxes of their own.
    host.writeDword(registersOf(0) + 0x1008n, 0xaa);
    host.writeDword(registersOf(1) + 0x1008n, 0xbb);
    host.writeDword(registersOf(1) + 0x400n, 0xcc);
    host.writeDword(registersOf(0) + 0x400n, 0xdd);
    host.readDword(registersOf(0));
    for (const [f, value] of [
      [0, 0xaa],
      [1, 0xbb],
    ] as const) {
      expect(host.peek(firmware.doorbell_next.offset, f)).toBe(0x8000_0002);
      expect(host.peek(firmware.doorbell_value.offset, f)).toBe(value);
    }
    expect([host.peek(firmwareMailbox, 1), host.peek(0x1400, 0)]).toEqual([0xcc, 0xdd]);
    expect([host.peek(firmware.write_dma_length.offset, 1), host.peek(0, 5)]).toEqual([0, 0]);
    host.enableInterrupts(0, registersOf(0) + 0x2000n, 0xfee0_0000n, 0x10, 4);
    host.enableInterrupts(1, registersOf(1) + 0x2000n, 0xfee0_1000n, 0x20, 4);
    host.poke(firmware.msix_trigger.offset, 3, 0);
    host.poke(firmware.msix_trigger.offset, 2, 1);
    host.poke(firmware.post_low.offset, 0x5000, 1);
    host.poke(firmware.post_data.offset, 0x77, 1);
    host.until(() => host.written.length === 3);
    const from = host.written.map(packet => `${packet.address.toString(16)} ${packet.requester_id & 7}`).sort();
    expect(from).toEqual(['5000 1', 'fee0000c 0', 'fee01008 1']);
    // Requests of engines carry the name of the function that they are for.
    const job = { address: 0x9000n, offset: 0, length: 64, memory: true, function: 1 };
    expect([host.run('write_dma', job), host.run('read_dma', job)]).toEqual([0, 0]);
    expect([host.written.at(-1)?.requester_id, host.asked.at(-1)?.requester_id]).toEqual([id(1), id(1)]);
    expect(host.run('write_dma', { ...job, function: 2 })).toBe(DmaOutcome.refused);
  });

  test('C74: between functions data moves inside, unless access control sends it up the link', () => {
    using host = make([nvme, nic, memory], width, rate);
    const data = host.random.bytes(200);
    host.write(memoryOf(0) + 0x21n, data);
    host.read(memoryOf(0), 4);
    const job = { address: memoryOf(2) + 0x35n, offset: 32 * KiB + 0x21, length: 200, memory: true };
    expect(host.run('write_dma', job)).toBe(0);
    expect(host.read(memoryOf(2) + 0x35n, 200).data).toEqual(data);
    expect(host.written).toEqual([]);
    // Request redirect of function 0.
    let acs = 0x100;
    while ((host.config(0, acs).value & 0xffff) !== 0xd) acs = host.config(0, acs).value >>> 20;
    host.configure(0, acs + 4, 4 << 16);
    expect(host.run('write_dma', job)).toBe(0);
    host.read(memoryOf(0), 4);
    expect(host.written.map(({ address }) => address & ~0x7fn)).toContain(memoryOf(2));
    // Memory that is not enabled is nobody's.
    host.configure(0, acs + 4, 0);
    host.configure(2, 4, 0);
    host.written.splice(0);
    expect(host.run('write_dma', job)).toBe(0);
    host.read(memoryOf(0), 4);
    expect(host.written.length).toBeGreaterThan(0);
  });

  test('C63: a ring of descriptors by the firmware port: in, inside, out, read-back, entries, interrupt of the owner', () => {
    using host = make([blockFunction({ device_id: 1, memory_bytes: 16 * KiB, max_payload: 256 }), nic, memory], width, rate);
    const [ring, entries] = [0x4_0000_0000n, 0x4_0001_0000n];
    const [source, target] = [0x2_0000_0123n, 0x2_0010_0457n];
    const length = 1500;
    const descriptor = (opcode: number, flags: number, address: bigint, offset: number) => {
      const bytes = new Uint8Array(descriptorBytes);
      const view = new DataView(bytes.buffer);
      view.setUint8(0, opcode | 0x80 | 0x40);
      view.setUint8(1, flags);
      view.setUint32(4, length, true);
      view.setBigUint64(8, address, true);
      view.setUint32(16, offset, true);
      return bytes;
    };
    const list = [
      descriptor(1, 0, source, 0x101),
      descriptor(2, 0, memoryOf(2) + 0x203n, 0x101),
      // Read back, then the interrupt.
      descriptor(2, 3, target, 48 * KiB + 0x203),
    ];
    list.forEach((bytes, i) => {
      bytes.forEach((byte, j) => void host.memory.set(ring + BigInt(descriptorBytes * i + j), byte));
    });
    const expected = host.bytes(source, length);
    host.enableInterrupts(1, registersOf(1) + 0x2000n, 0xfee0_1000n, 0x20, 8);
    host.poke(firmware.channel_ring_low.offset, Number(ring & 0xffff_ffffn));
    host.poke(firmware.channel_ring_high.offset, Number(ring >> 32n));
    host.poke(firmware.channel_entries.offset, 16);
    host.poke(firmware.channel_completion_low.offset, Number(entries & 0xffff_ffffn));
    host.poke(firmware.channel_completion_high.offset, Number(entries >> 32n));
    host.poke(firmware.channel_owner.offset, (1 << 16) | 5);
    host.poke(firmware.channel_control.offset, 1);
    host.poke(firmware.channel_tail.offset, list.length);
    host.until(() => host.memory.has(0xfee0_1014n));
    // The message comes behind the entries, and these behind the data.
    expect(host.written.slice(-2).map(({ address }) => address)).toEqual([entries + 16n, 0xfee0_1014n]);
    expect(host.written.every(({ requester_id }) => requester_id === id(1))).toBe(true);
    expect(host.bytes(target, length)).toEqual(expected);
    expect(host.asked.at(-1)?.length).toBe(1);
    expect(host.read(memoryOf(2) + 0x203n, 256).data).toEqual(expected.slice(0, 256));
    expect(host.peek(firmware.channel_status.offset)).toBe(3);
    // A job of the firmware beside it, and then the end.
    expect(host.run('read_dma', { address: source, offset: 0, length: 300, memory: true })).toBe(0);
    host.events();
    host.poke(firmware.channel_control.offset, 0);
    host.until(() => (host.peek(firmware.events.offset) & Event.channel) !== 0);
    expect(host.peek(firmware.channel_status.offset)).toBe(1 << 17);
    expect(host.run('read_dma', { address: source, offset: 0, length: 300, memory: true, function: 1 })).toBe(0);
    // A ring that cannot be fetched.
    host.misbehave = packet => [completion(packet, { completer_id: hostId, status: 1, byte_count: 4, lower_address: 0 })];
    host.events();
    host.poke(firmware.channel_control.offset, 1);
    host.until(() => (host.peek(firmware.events.offset) & Event.channel) !== 0);
    expect((host.peek(firmware.channel_status.offset) >> 16) & 3).toBe(1);
  });
});

describe('eight functions', () => {
  const all = [
    nvme,
    nic,
    ...Array.from({ length: 6 }, (_, i) => blockFunction({ device_id: 0xf010 + i, memory_bytes: 8 * KiB, max_payload: 256 })),
  ];
  const numbers = [...all.keys()];

  test('C26: each has its ID, registers, memory and firmware window; what is written for one changes no other', () => {
    using host = make(all, 128, 0.9);
    const contents = numbers.map(f => {
      const data = host.random.bytes(100);
      host.write(memoryOf(f) + 0x11n, data);
      host.poke(firmware.post_low.offset, 0x100 * f, f);
      host.writeDword(registersOf(f) + 0x1000n, 0xa0 + f);
      return data;
    });
    for (const f of numbers) {
      expect(host.read(memoryOf(f) + 0x11n, 100)).toEqual({ status: 0, data: contents[f], from: id(f) });
      expect(host.peek(firmware.function_state.offset, f)).toBe(0x3_0000 | id(f));
      expect(host.peek(firmware.post_low.offset, f)).toBe(0x100 * f);
      expect([host.peek(firmware.doorbell_next.offset, f), host.peek(firmware.doorbell_value.offset, f)]).toEqual([
        0x8000_0000,
        0xa0 + f,
      ]);
      expect([host.config(f, 0).value & 0xffff, host.read(registersOf(f) + 0x1000n, 12).status]).toEqual([0x1d1d, 4]);
      // Jobs in its name: of the engines of function 0.
      const job = { address: 0x9000n + BigInt(0x1000 * f), offset: 0, length: 64, memory: true, function: f };
      expect([host.run('write_dma', job), host.run('read_dma', job)]).toEqual([0, 0]);
      expect([host.written.at(-1)?.requester_id, host.asked.at(-1)?.requester_id]).toEqual([id(f), id(f)]);
    }
  });

  test.each([
    [8, all],
    [1, [nic]],
  ])('C84 C86: of %i functions a configuration request for one that is being reset gets retry status, and no other function notices', (count, functions) => {
    using host = make(functions);
    for (let f = 0; f < count; f++) {
      const express = host.capability(f, 0x10);
      const other = (f + 3) % 8;
      const exists = count > 1;
      host.configure(f, express + 8, 0x2020 | 0x8000);
      const seen = [host.config(f, 0).status];
      if (exists) expect(host.config(other, 4).status).toBe(0);
      while (seen.at(-1) === 2) {
        expect(seen.length).toBeLessThan(200);
        seen.push(host.config(f, 0).status);
      }
      expect([seen[0], seen.at(-1)], `function ${f}`).toEqual([2, 0]);
      expect(host.config(f, 4).value & 6).toBe(0);
      if (exists) expect(host.config(other, 4).value & 6).toBe(other < f ? 0 : 6);
    }
  });
});

test.each([
  64, 256,
])('C92 C14: the channel works for whatever function it is told, with its ring in host memory or in the own one, and raises any vector of that function (%i bits)', width => {
  using host = make([nvme, nic, memory], width, 0.9);
  const vectors = [16, 64];
  // Each vector of each function has its place, and writes its number.
  const place = (f: number, vector: number) => 0x7_fee0_0000n + BigInt(0x1000 * f + 4 * vector);
  vectors.forEach((count, f) => {
    host.enableInterrupts(f, registersOf(f) + 0x2000n, place(f, 0), 0x100 * f, count);
  });
  for (let i = 0; i < 48; i++) {
    const owner = i & 1;
    const vector = host.random.below(vectors[owner] ?? 0);
    const local = host.random.chance(0.5);
    const inside = 64 * host.random.below((48 * KiB) / 64);
    const entries = 2 << host.random.below(5);
    const ring = local ? BigInt(inside) : 0x4_0000_0000n + BigInt(0x1000 * i);
    const bytes = new Uint8Array(descriptorBytes);
    // It asks for nothing but an interrupt.
    bytes[1] = 1;
    // The memory of function 1 is the first of the endpoint's, that of function 0 the next.
    const [home, first] = inside < 32 * KiB ? [1, 0] : [0, 32 * KiB];
    if (local) host.write(memoryOf(home) + BigInt(inside - first), bytes);
    else bytes.forEach((byte, k) => void host.memory.set(ring + BigInt(k), byte));
    host.read(memoryOf(1), 4);
    host.poke(firmware.channel_ring_low.offset, Number(ring & 0xffff_ffffn));
    host.poke(firmware.channel_ring_high.offset, Number(ring >> 32n));
    host.poke(firmware.channel_entries.offset, (local ? 0x1_0000 : 0) | entries);
    host.poke(firmware.channel_owner.offset, (owner << 16) | vector);
    host.poke(firmware.channel_tail.offset, 1);
    const [asked, written] = [host.asked.length, host.written.length];
    host.poke(firmware.channel_control.offset, 1);
    host.until(() => host.written.length > written);
    const sent = host.written.slice(written).map(({ address, requester_id, payload }) => [address, requester_id, payload[0]]);
    const where = `seed ${host.random.seed}, ${i}`;
    expect(sent, where).toEqual([[place(owner, vector), id(owner), (0x100 * owner + vector) & 0xff]]);
    expect(
      host.asked.slice(asked).map(({ address, requester_id }) => [address, requester_id]),
      where,
    ).toEqual(local ? [] : [[ring, id(owner)]]);
    host.poke(firmware.channel_control.offset, 0);
    host.until(() => host.peek(firmware.channel_status.offset) === 1 << 17);
  }
});

test('C14 C96: a TLP with a prefix, PASID or another, is malformed and does nothing; no function offers prefixes, and none is ever sent', () => {
  using host = make([nvme, nic, memory]);
  const aerOf = (f: number) => {
    let at = 0x100;
    for (; (host.config(f, at).value & 0xffff) !== 1; at = host.config(f, at).value >>> 20);
    return at;
  };
  const aer = aerOf(0);
  const before = host.random.bytes(64);
  host.write(memoryOf(1), before);
  // A local one, an end-to-end one of a vendor, and PASID; in front of what would be a write, and alone.
  for (const type of [0b00001, 0b11110, 0b10001])
    for (const payload of [new Uint8Array(64).fill(0x55), new Uint8Array()]) {
      const inner = memoryWrite({ requester_id: hostId, tag: 0, address: memoryOf(1), data: new Uint8Array(64) });
      host.out.non_posted.queue.push({ ...inner, fmt: 0b100, type, payload });
      host.until(() => host.out.non_posted.queue.length === 0);
      host.steps(20);
      expect(host.config(0, aer + 4).value, `prefix ${type}`).toBe(1 << 18);
      // The header that was logged.
      expect(host.config(0, aer + 0x1c).value >>> 24).toBe((0b100 << 5) | type);
      for (const f of [0, 1, 2]) host.configure(f, aerOf(f) + 4, 0xffff_ffff);
    }
  expect(host.read(memoryOf(1), 64).data).toEqual(before);
  expect(host.in.completion.received).toEqual([]);

  for (const f of [0, 1, 2]) {
    // Device capabilities 2: no end-to-end prefixes, and none at most. No PASID capability.
    expect(host.config(f, host.capability(f, 0x10) + 0x24).value & 0x00e0_0000).toBe(0);
    for (let at = 0x100; at !== 0; at = host.config(f, at).value >>> 20) expect(host.config(f, at).value & 0xffff).not.toBe(0x1b);
  }
  host.enableInterrupts(0, registersOf(0) + 0x2000n, 0xfee0_0000n, 0x40, 4);
  const ways = { address: 0x1_0000_0ff1n, offset: 1, length: 600, memory: true };
  for (const control of [0, 1 << 9, 2 << 7]) expect(host.run('write_dma', { ...ways, control })).toBe(0);
  expect(host.run('read_dma', ways)).toBe(0);
  host.poke(firmware.post_data.offset, 3);
  host.poke(firmware.msix_trigger.offset, 1);
  host.until(() => host.memory.has(0xfee0_0004n));
  host.until(() => host.asked.length > 4);
  const sent = [...host.written, ...host.asked];
  expect(sent.length).toBeGreaterThan(12);
  expect(sent.filter(({ fmt }) => fmt > 0b011)).toEqual([]);
});
