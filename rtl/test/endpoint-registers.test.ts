import { describe, expect, test } from 'vitest';
import { endpointIdentification } from '../src/config/endpoint-maps.ts';
import {
  blockDevice,
  blockFunction,
  type DescribedFunction,
  deviceFunction,
  endpointOf,
  nvmeFunction,
} from '../src/endpoint/endpoint-params.ts';
import { memoryWrite } from '../src/tlp/packet.ts';
import { EndpointBench, Event, firmware, firmwareMailbox, memoryOf, registersOf } from './endpoint-bench.ts';

const KiB = 1024;
const bar0 = registersOf(0);
/** Another device of the fabric. */
const peerId = 0x0700;
const options = (width: number) => ({ width, tags: 32, cycles_per_microsecond: 20, max_read_request: 256 });
const device = (width = 64) => blockDevice({ device_id: 0xe001, memory_bytes: 64 * KiB, max_payload: 256 }, options(width));
const bench = (functions: readonly DescribedFunction[], width = 64) => new EndpointBench(endpointOf(functions, options(width)));

describe.each([64, 512])('registers of a block device, %d bits', width => {
  test('BAR0 says what it is; what is no register reads 0; a read of 2 DW gives both', () => {
    using host = new EndpointBench(device(width), width, 0.8);
    host.enumerate();
    expect(host.readDword(bar0)).toBe(endpointIdentification);
    expect(host.readDword(bar0 + 4n)).toBe(64 * KiB);
    expect(host.readDword(bar0 + 8n)).toBe(0x0004_0010);
    expect(host.readDword(bar0 + 0xcn)).toBe(0);
    expect(host.readDword(bar0 + 0x1000n)).toBe(0);
    const two = new DataView(host.read(bar0 + 4n, 8).data.buffer);
    expect([two.getUint32(0, true), two.getUint32(4, true)]).toEqual([64 * KiB, 0x0004_0010]);
    // Three DW are more than registers give (C52).
    expect(host.read(bar0, 12).status).toBe(4);
    expect(host.peek(firmware.memory_bytes.offset)).toBe(64 * KiB);
    expect([host.peek(firmware.memory_low.offset), host.peek(firmware.memory_high.offset)]).toEqual([
      Number(memoryOf(0) & 0xffff_ffffn),
      Number(memoryOf(0) >> 32n),
    ]);
    expect(host.peek(firmware.function_state.offset)).toBe(0x3_0500);
    expect([host.peek(0x3fc), host.peek(0x8000), host.peek(0, 1)]).toEqual([0, 0, 0]);
  });

  test('the mailbox: host and firmware see each other, byte by byte', () => {
    using host = new EndpointBench(device(width), width, 0.8);
    host.enumerate();
    const known = new Uint8Array(64);
    host.write(bar0 + 0x400n, known);
    host.readDword(bar0);
    for (let round = 0; round < 20; round++) {
      const at = host.random.below(60);
      const data = host.random.bytes(1 + host.random.below(Math.min(8, 64 - at)));
      if (host.random.chance(0.5)) {
        host.write(bar0 + 0x400n + BigInt(at), data);
        known.set(data, at);
        // What the host wrote is there when a read behind it is answered.
        host.readDword(bar0);
      } else {
        const dword = at & ~3;
        const value = host.random.below(2 ** 32);
        host.poke(firmwareMailbox + dword, value);
        new DataView(known.buffer).setUint32(dword, value, true);
      }
      const where = 4 * host.random.below(16);
      const expected = new DataView(known.buffer).getUint32(where, true);
      expect([host.readDword(bar0 + 0x400n + BigInt(where)), host.peek(firmwareMailbox + where)]).toEqual([expected, expected]);
    }
    // The last DW of it.
    host.writeDword(bar0 + 0x7fcn, 0x1234_5678);
    expect([host.readDword(bar0 + 0x7fcn), host.peek(firmwareMailbox + 0x3fc)]).toEqual([0x1234_5678, 0x1234_5678]);
  });

  test('doorbells of the host and of a peer come in their order, once each, with the last value', () => {
    using host = new EndpointBench(device(width), width, 0.8);
    host.enumerate();
    host.poke(firmware.event_enable.offset, Event.doorbell);
    expect(host.interrupt).toBe(false);
    const ring = (n: number, value: number, from?: number) => host.writeDword(bar0 + 0x1000n + BigInt(4 * n), value, from);
    ring(3, 0x33);
    ring(15, 0xff, peerId);
    ring(3, 0x34, peerId);
    ring(0, 0x10);
    // No enabled byte rings nothing.
    host.out.posted.queue.push({
      ...memoryWrite({ requester_id: 8, tag: 0, address: bar0 + 0x1004n, data: new Uint8Array(4) }),
      first_be: 0,
    });
    host.readDword(bar0);
    host.until(() => host.interrupt);
    expect(host.peek(firmware.events.offset)).toBe(Event.doorbell);
    const taken: number[][] = [];
    for (let i = 0; i < 4; i++) taken.push([host.peek(firmware.doorbell_next.offset), host.peek(firmware.doorbell_value.offset)]);
    expect(taken).toEqual([
      [0x8000_0003, 0x34],
      [0x8000_000f, 0xff],
      [0x8000_0000, 0x10],
      [0, 0x10],
    ]);
    expect(host.peek(firmware.doorbell_coalesced.offset)).toBe(1);
    expect([host.events(), host.interrupt]).toEqual([0, false]);
  });

  test('C92 C81: vectors send messages unless masked, by vector, by function or without bus mastering; moderation spaces them', () => {
    using host = new EndpointBench(device(width), width, 0.8);
    host.enumerate();
    const to = 0x1_2345_0000n;
    const table = bar0 + 0x2000n;
    const trigger = (v: number) => host.poke(firmware.msix_trigger.offset, v);
    const sent = () => host.written.splice(0).map(p => [p.address - to, new DataView(p.payload.buffer).getUint32(0, true)]);
    const capability = host.enableInterrupts(0, table, to, 0x40, 8);
    expect(host.config(0, capability).value >>> 16).toBe(0x8007);
    expect(host.config(0, capability + 4).value).toBe(0x2000);
    expect(host.config(0, capability + 8).value).toBe(0x3000);
    trigger(5);
    trigger(9);
    host.steps(100);
    expect(sent()).toEqual([[20n, 0x45]]);
    expect(host.readDword(table + 0x58n)).toBe(0x45);
    // The vector's mask, then the function's, then bus master enable: pending meanwhile.
    const gates = [
      { close: () => host.writeDword(table + 0x5cn, 1), open: () => host.writeDword(table + 0x5cn, 0) },
      {
        close: () => host.configure(0, capability, 0xc000_0000),
        open: () => host.configure(0, capability, 0x8000_0000),
      },
      { close: () => host.configure(0, 4, 2), open: () => host.configure(0, 4, 6) },
    ];
    for (const gate of gates) {
      gate.close();
      expect(host.readDword(table + 0x50n)).toBe(Number((to + 20n) & 0xffff_ffffn));
      trigger(5);
      trigger(5);
      host.steps(100);
      expect(sent()).toEqual([]);
      expect(host.readDword(bar0 + 0x3000n)).toBe(1 << 5);
      gate.open();
      host.steps(100);
      expect(sent()).toEqual([[20n, 0x45]]);
      expect(host.readDword(bar0 + 0x3000n)).toBe(0);
    }
    host.poke(firmware.msix_moderation_vector.offset, 2);
    host.poke(firmware.msix_moderation.offset, 400);
    for (let i = 0; i < 4; i++) {
      trigger(2);
      host.steps(20);
    }
    expect(sent()).toEqual([[8n, 0x42]]);
    host.steps(500);
    expect(sent()).toEqual([[8n, 0x42]]);
  });

  test('posts leave in order, and before the interrupts that are triggered behind them; without bus mastering they are dropped', () => {
    using host = new EndpointBench(device(width), width, 0.3);
    host.enumerate();
    host.enableInterrupts(0, bar0 + 0x2000n, 0xfee0_0000n, 0x40, 8);
    host.steps(100);
    host.written.splice(0);
    host.poke(firmware.post_high.offset, 3);
    for (let i = 0; i < 8; i++) {
      host.poke(firmware.post_low.offset, 0x1003 + 4 * i);
      host.poke(firmware.post_data.offset, 0x100 + i);
      host.poke(firmware.msix_trigger.offset, i);
    }
    host.steps(300);
    const order = host.written.splice(0).map(p => p.address);
    const post = (i: number) => order.indexOf(0x3_0000_1000n + BigInt(4 * i));
    for (let i = 0; i < 8; i++) {
      expect(order.indexOf(0xfee0_0000n + BigInt(4 * i))).toBeGreaterThan(post(i));
      expect(post(i)).toBeGreaterThan(i === 0 ? -1 : post(i - 1));
    }
    expect(host.events()).toBe(Event.post);
    host.configure(0, 4, 2);
    host.poke(firmware.post_data.offset, 1);
    host.steps(100);
    expect([host.written, host.events()]).toEqual([[], Event.post]);
  });
});

test.each([64, 512])('posts go to any address, and messages to that of their vector, with any data (%i bits)', width => {
  using host = new EndpointBench(device(width), width, 0.8);
  host.enumerate();
  const { random } = host;
  const table = bar0 + 0x2000n;
  host.configure(0, host.capability(0, 0x11), 0x8000_0000);
  const sent = () =>
    host.written
      .splice(0)
      .map(({ fmt, address, payload, requester_id }) => [
        fmt,
        address,
        new DataView(payload.buffer).getUint32(0, true),
        requester_id,
      ]);
  for (let i = 0; i < 30; i++) {
    const wanted = [0, 1].map(() => ({ address: random.bits(random.pick([32, 64])) & ~3n, data: Number(random.bits(32)) }));
    const [post, message] = wanted;
    if (!post || !message) throw new RangeError('two are wanted');
    const vector = random.below(8);
    const entry = table + BigInt(16 * vector);
    host.writeDword(entry, Number(message.address & 0xffff_ffffn));
    host.writeDword(entry + 4n, Number(message.address >> 32n));
    host.writeDword(entry + 8n, message.data);
    host.writeDword(entry + 12n, 0);
    expect(host.readDword(entry + 8n)).toBe(message.data);
    host.poke(firmware.post_low.offset, Number(post.address & 0xffff_ffffn));
    host.poke(firmware.post_high.offset, Number(post.address >> 32n));
    host.poke(firmware.post_data.offset, post.data);
    host.poke(firmware.msix_trigger.offset, vector);
    host.until(() => host.written.length === 2);
    const expected = wanted.map(({ address, data }) => [address >> 32n === 0n ? 2 : 3, address, data, 0x0500]);
    expect(sent(), `seed ${random.seed}, ${i}`).toEqual(expected);
  }
});

test('a function says what it is: how much memory, how many doorbells, how far apart', () => {
  for (const [memory_bytes, count, stride] of [
    [4 * KiB, 2, 4],
    [8 * KiB, 3, 8],
    [32 * KiB, 40, 16],
    [128 * KiB, 64, 64],
  ] as const) {
    using host = bench([blockFunction({ device_id: 7, memory_bytes, max_payload: 256, doorbells: { count, stride } })]);
    host.enumerate();
    const doorbells = bar0 + BigInt(Math.max(0x1000, 2 ** Math.ceil(Math.log2(count * stride))));
    expect([0n, 4n, 8n, 0xcn].map(offset => host.readDword(bar0 + offset))).toEqual([
      endpointIdentification,
      memory_bytes,
      0x1_0000 * stride + count,
      0,
    ]);
    // The last doorbell and the first one; behind them are none.
    for (const n of [count - 1, 0, count]) host.writeDword(doorbells + BigInt(n * stride), n);
    host.readDword(bar0);
    const taken = [0, 1, 2].map(() => host.peek(firmware.doorbell_next.offset));
    expect(taken).toEqual([0x8000_0000 + count - 1, 0x8000_0000, 0]);
  }
});

describe('registers of an NVMe controller', () => {
  test('the host fills what it may; the configuration tells the firmware; doorbells follow at 0x1000', () => {
    using host = bench([nvmeFunction({ device_id: 0xf001, queues: 5, vectors: 40 })], 128);
    host.enumerate();
    const mailbox = 0x1000;
    host.poke(firmware.event_enable.offset, Event.mailbox);
    for (let i = 0; i < 0x40; i += 4) host.poke(mailbox + i, 0x0101_0101 * (i / 4));
    for (let i = 0; i < 0x40; i += 4) host.writeDword(bar0 + BigInt(i), 0xffff_ffff);
    const after = Array.from({ length: 16 }, (_, i) => host.readDword(bar0 + BigInt(4 * i)));
    // CAP, VS, CSTS, CMBLOC and CMBSZ are the firmware's; the last two are hidden.
    const own = [0, 1, 2, 7];
    expect(after).toEqual(after.map((_, i) => (own.includes(i) ? 0x0101_0101 * i : i < 14 ? 0xffff_ffff : 0)));
    expect(host.interrupt).toBe(true);
    expect([host.events(), host.peek(firmware.mailbox_written.offset)]).toEqual([Event.mailbox, 0b1111]);
    host.poke(firmware.mailbox_written.offset, 0b1111);
    host.steps(3);
    expect([host.events(), host.interrupt]).toEqual([0, false]);
    host.writeDword(bar0 + 0x14n, 0x0046_0001);
    host.readDword(bar0);
    expect([host.peek(firmware.mailbox_written.offset), host.peek(mailbox + 0x14)]).toEqual([1, 0x0046_0001]);
    // What is beside the ranges tells nothing.
    host.poke(firmware.mailbox_written.offset, 1);
    host.writeDword(bar0 + 0x44n, 5);
    host.writeDword(bar0 + 0x18n, 5);
    host.writeDword(bar0 + 0x38n, 5);
    host.writeDword(bar0, 5);
    host.readDword(bar0);
    expect(host.peek(firmware.mailbox_written.offset)).toBe(0);
    host.writeDword(bar0 + 0x1000n + 36n, 7);
    // There are ten doorbells.
    host.writeDword(bar0 + 0x1000n + 40n, 8);
    host.readDword(bar0);
    expect([host.peek(firmware.doorbell_next.offset), host.peek(firmware.doorbell_value.offset)]).toEqual([0x8000_0009, 7]);
    expect(host.peek(firmware.doorbell_next.offset)).toBe(0);
    const capability = host.capability(0, 0x11);
    expect([host.config(0, capability + 4).value, host.config(0, capability + 8).value]).toEqual([0x2000, 0x3000]);
    expect(host.config(0, 8).value >>> 8).toBe(0x01_0802);
    expect(host.config(0, 0x10).value & 0xf).toBe(0x4);
    expect(host.readDword(bar0 + 0x2000n + 39n * 16n + 12n)).toBe(1);
    expect(host.readDword(bar0 + 0x2000n + 40n * 16n + 12n)).toBe(0);
  });

  test('location and size of the memory buffer show in the read behind the write that asks for them, and only then', () => {
    using host = bench([nvmeFunction({ device_id: 0xf001, queues: 5, vectors: 40 })], 64);
    host.enumerate();
    const mailbox = 0x1000;
    const shown = () => [0x38n, 0x3cn].map(offset => host.readDword(bar0 + offset));
    host.poke(mailbox + 0x38, 0x1234);
    host.poke(mailbox + 0x3c, 0x5678);
    expect(shown()).toEqual([0, 0]);
    expect([host.peek(mailbox + 0x38), host.peek(mailbox + 0x3c)]).toEqual([0x1234, 0x5678]);
    // Other bits, other bytes and other registers do not show them.
    host.writeDword(bar0 + 0x50n, 0xffff_fffe);
    host.write(bar0 + 0x51n, Uint8Array.of(1));
    host.writeDword(bar0 + 0x54n, 1);
    host.writeDword(bar0 + 0x4cn, 1);
    expect(shown()).toEqual([0, 0]);
    host.writeDword(bar0 + 0x50n, 1);
    expect(shown()).toEqual([0x1234, 0x5678]);
    expect(host.readDword(bar0 + 0x34n)).toBe(host.peek(mailbox + 0x34));
    host.write(bar0 + 0x50n, Uint8Array.of(0));
    expect(shown()).toEqual([0, 0]);
    // The firmware can do it too.
    host.poke(mailbox + 0x50, 1);
    expect(shown()).toEqual([0x1234, 0x5678]);
    host.poke(mailbox + 0x54, 0);
    expect(shown()).toEqual([0x1234, 0x5678]);
    host.poke(mailbox + 0x50, 0);
    expect(shown()).toEqual([0, 0]);
  });

  test('a layout at odd places, MSI-X in another BAR', () => {
    const registers = {
      identification: 0x20,
      mailbox: { offset: 0x104, bytes: 64, read_only: [{ offset: 0x108, bytes: 8 }] },
      doorbells: { offset: 0x300, count: 3, stride: 8 },
      msix: { vectors: 3, table: 0x1010, pending: 0x1100 },
    };
    const plain = deviceFunction({ device_id: 1, registers }).at(0);
    const bar = { bytes: 4096, width: 32, prefetchable: false } as const;
    const described: DescribedFunction = {
      memory_bytes: 0,
      at: () => ({
        ...plain,
        config: {
          ...plain.config,
          bars: [
            { ...bar, slot: 0 },
            { ...bar, slot: 5 },
          ],
        },
        map: [
          { to: 'registers', base: 0, bytes: 4096 },
          { to: 'registers', base: 4096, bytes: 4096 },
        ],
      }),
    };
    using host = bench([described]);
    host.enumerate();
    const other = bar0 + 0x5_0000n;
    const capability = host.capability(0, 0x11);
    expect([host.config(0, capability + 4).value, host.config(0, capability + 8).value]).toEqual([0x15, 0x105]);
    expect([0x1cn, 0x20n, 0x28n, 0x2cn].map(at => host.readDword(bar0 + at))).toEqual([
      0,
      endpointIdentification,
      0x0008_0003,
      0,
    ]);
    for (let i = 0; i < 16; i++) host.poke(firmwareMailbox + 4 * i, 0x1000 + i);
    for (const at of [0x100n, 0x104n, 0x108n, 0x10cn, 0x110n, 0x140n, 0x144n]) host.writeDword(bar0 + at, 9);
    expect(Array.from({ length: 18 }, (_, i) => host.readDword(bar0 + 0x100n + BigInt(4 * i)))).toEqual([
      0,
      9,
      0x1001,
      0x1002,
      9,
      ...Array.from({ length: 11 }, (_, i) => 0x1004 + i),
      9,
      0,
    ]);
    for (const at of [0x2f8n, 0x300n, 0x304n, 0x310n, 0x318n]) host.writeDword(bar0 + at, Number(at));
    host.readDword(bar0);
    const taken = Array.from({ length: 3 }, () => [
      host.peek(firmware.doorbell_next.offset),
      host.peek(firmware.doorbell_value.offset),
    ]);
    expect(taken.slice(0, 2)).toEqual([
      [0x8000_0000, 0x300],
      [0x8000_0002, 0x310],
    ]);
    expect(taken[2]?.[0]).toBe(0);
    host.enableInterrupts(0, other + 0x10n, 0x8000_0000n, 0x70, 3);
    host.poke(firmware.msix_trigger.offset, 2);
    host.until(() => host.written.length > 0);
    expect(host.written[0]?.address).toBe(0x8000_0008n);
    expect(host.readDword(other + 0x30n)).toBe(0x8000_0008);
  });

  test.each([
    [
      'the mailbox and the doorbells overlap at 0x100',
      { mailbox: { offset: 0, bytes: 512 }, doorbells: { offset: 256, count: 1, stride: 4 } },
    ],
    ['the mailbox has 96 bytes', { mailbox: { offset: 0, bytes: 96 } }],
    ['the doorbells begins at 0xffc', { doorbells: { offset: 0xffc, count: 1, stride: 4 } }],
    [
      'the range of 4 bytes at 0x40 is none of the mailbox',
      { mailbox: { offset: 0, bytes: 64, events: [{ offset: 64, bytes: 4 }] } },
    ],
  ])('%s: refused', (message, registers) => {
    expect(() => bench([deviceFunction({ device_id: 1, registers })])).toThrow(message);
  });
});
