import { describe, expect, test } from 'vitest';
import { at } from '../src/at.ts';
import { ErrorKind } from '../src/config/error-report.ts';
import { DmaOutcome } from '../src/endpoint/dma/job.ts';
import type { Packet } from '../src/tlp/packet.ts';
import { runUntil, setControls } from './dma-bench.ts';
import { bar, channelBench, dataBase, type Entry, lively, remoteBytes, ringBase } from './dma-channel-bench.ts';
import type { Behaviour } from './dma-completer.ts';
import { setFields, setNumber } from './dma-model.ts';

describe.each([64, 128, 256, 512])('DmaChannel of %i bits', width => {
  test.each([
    ['host memory', 1, false],
    ['host memory', 0.6, false],
    ['the BAR memory', 0.8, true],
  ] as const)('a ring in %s at rate %f: every transfer arrives, entries and interrupts come in order with their phase', (_, rate, local) => {
    const seed = width + 10 * rate;
    const b = channelBench(width, seed, { rate, local, entries: 16 });
    const total = 50;
    const expected: { index: number; outcome: number; phase: number; cookie: number }[] = [];
    let interrupts = 0;
    let sent = 0;
    while (sent < total) {
      const list: Entry[] = [];
      const checks: (() => void)[] = [];
      const count = Math.min(1 + b.random.below(12), total - sent);
      for (let i = 0; i < count; i++, sent++) {
        const kind = b.random.below(5);
        const length = b.random.below(700);
        // Each transfer of a round has a place of its own on both sides.
        const offset = 4096 + 1000 * i + b.random.below(200);
        const address = dataBase + BigInt(65_536 * sent + b.random.below(3000));
        const inside = bar.base + BigInt(4096 + 1000 * i + b.random.below(200));
        const chain = i < count - 1 && b.random.chance(0.2);
        const flags = {
          chain,
          status: b.random.chance(0.6),
          interrupt: b.random.chance(0.3),
          read_back: b.random.chance(0.3),
          cookie: b.random.below(2 ** 32),
        };
        // One that asks for nothing has fields that mean nothing.
        const unused = { length: b.random.below(2 ** 32), address: b.random.bits(64), offset: b.random.below(2 ** 32) };
        if (kind === 0) list.push({ opcode: 0, ...unused, ...flags });
        else if (kind < 4) {
          const place = kind === 3 ? inside : address;
          const opcode = kind === 3 ? 1 + b.random.below(2) : kind;
          list.push({ opcode, length, address: place, offset, ...flags });
          const inner = Number(inside - bar.base) + bar.offset;
          const source =
            opcode === 2
              ? b.memory.slice(offset, offset + length)
              : kind === 3
                ? b.memory.slice(inner, inner + length)
                : remoteBytes(b, address, length);
          checks.push(() => {
            if (opcode === 1) expect(b.memory.slice(offset, offset + length), `seed ${seed}`).toEqual(source);
            else if (kind === 3) expect(b.memory.slice(inner, inner + length), `seed ${seed}`).toEqual(source);
            else expect(remoteBytes(b, address, length), `seed ${seed}`).toEqual(source);
          });
        } else list.push({ opcode: 3 + b.random.below(13), ...flags });
        const before = list.slice(0, -1);
        let failed = kind === 4;
        for (let k = before.length - 1; k >= 0 && before[k]?.chain; k--) failed ||= (before[k]?.opcode ?? 0) > 2;
        const outcome = failed ? DmaOutcome.refused : 0;
        if (!chain && (flags.status || outcome)) {
          expected.push({ index: sent % 16, outcome, phase: 1 - (Math.floor(sent / 16) & 1), cookie: flags.cookie });
        }
        if (!chain && flags.interrupt) interrupts++;
      }
      b.put(list);
      runUntil(b.sim, b.ends, b.done, 20_000);
      runUntil(b.sim, b.ends, undefined, 300);
      for (const check of checks) check();
    }
    expect(b.entriesSeen.map(({ index, outcome, phase, cookie }) => ({ index, outcome, phase, cookie }))).toEqual(expected);
    expect(b.interrupts.received.map(r => Number(r.payload))).toEqual(Array(interrupts).fill(5));
    expect(b.errors.received).toEqual([]);
    const near = (p: Packet) => p.address >= bar.base && p.address < bar.base + BigInt(bar.bytes);
    expect(b.writes.some(near) || b.completer.requests.some(near), 'no TLP for the own memory').toBe(false);
    b.run(0);
    runUntil(b.sim, b.ends, () => Number(b.sim.peek(b.dut.idle)) === 1, 500);
  });

  test("all bits of addresses, of sizes of rings, of vectors and of the function's ID count", () => {
    const b = channelBench(width, 21, { behaviour: { ...lively, latency: [2, 8] } });
    const word = () => BigInt(b.random.below(2 ** 32));
    const anywhere = (multiple: bigint) => ((word() << 32n) | word()) & -multiple & 0xffff_ffff_ffff_ffffn;
    for (let turn = 0; turn < 24; turn++) {
      const [ring, place, data] = [anywhere(64n), anywhere(8n), anywhere(4096n) + 16n];
      // Below 4 GiB a header has 3 DW.
      const completion = turn % 4 === 3 ? place & 0xffff_ffffn : place;
      const [vector, id] = [b.random.below(2 ** 11), b.random.below(2 ** 16)];
      setNumber(b.sim.port(b.dut.vector), vector);
      // Without memory enable the BAR claims nothing, wherever it is and whatever its size.
      setControls(b.sim, b.dut.controls, 0, { id, memory_enable: 0 });
      setFields(b.sim, at(at(b.dut.controls, 0).bars, 0), { base: anywhere(4096n), compare: b.random.bits(52) });
      b.move(ring, completion, 2 ** (2 + (turn % 14)));
      const [seen, asked, written] = [b.entriesSeen.length, b.completer.requests.length, b.writes.length];
      const [length, offset] = [64, 4096 + b.random.below(8) * 512];
      b.put([
        { opcode: 1, length, address: data, offset, status: true, cookie: Number(word()) },
        { opcode: 2, length, address: data + 2048n, offset, status: true, read_back: true, fence: true, interrupt: true },
      ]);
      runUntil(b.sim, b.ends, () => b.interrupts.received.length === turn + 1, 20_000);
      const where = `seed 21, ring ${ring.toString(16)}, data ${data.toString(16)}`;
      expect(b.entriesSeen.length, where).toBe(seen + 2);
      const requests = b.completer.requests.slice(asked);
      expect(
        requests.map(({ address }) => address),
        where,
      ).toEqual(expect.arrayContaining([ring, data]));
      expect(b.writes.slice(written)[0]?.address, where).toBe(data + 2048n);
      expect(new Set([...requests, ...b.writes.slice(written)].map(({ requester_id }) => requester_id))).toEqual(new Set([id]));
      expect(remoteBytes(b, data + 2048n, length), where).toEqual(remoteBytes(b, data, length));
      expect(Number(b.interrupts.received.at(-1)?.payload)).toBe(vector);
    }
  });

  test('C63: the entry leaves behind all data, and with read-back behind the answer of the peer', () => {
    const b = channelBench(width, 3, { behaviour: { ...lively, latency: [200, 200] } });
    b.put([{ opcode: 2, length: 4000, address: dataBase + 3n, offset: 4099, status: true }]);
    runUntil(b.sim, b.ends, () => b.entriesSeen.length === 1);
    expect(b.entriesSeen[0]?.posted).toBe(16);
    const reads = b.completer.requests.length;
    b.put([{ opcode: 2, length: 300, address: dataBase + 3n, offset: 4099, status: true, read_back: true, interrupt: true }]);
    let asked = 0;
    let early = false;
    runUntil(b.sim, b.ends, () => {
      // Nor is the descriptor done before.
      early ||= b.entriesSeen.length < 2 && Number(b.sim.peek(b.dut.head)) !== 1;
      const own = b.completer.requests.slice(reads).filter(r => r.address >= dataBase && r.address < dataBase + 65_536n);
      if (own.length > 0) asked ||= b.sim.cycle;
      return b.entriesSeen.length === 2;
    });
    const back = b.completer.requests.at(-1);
    expect(back?.address).toBe((dataBase + 302n) & ~3n);
    expect(back?.length).toBe(1);
    expect(back?.first_be).toBe(1 << Number((dataBase + 302n) & 3n));
    expect(early).toBe(false);
    runUntil(b.sim, b.ends, () => Number(b.sim.peek(b.dut.head)) === 2, 3);
    expect(b.sim.cycle - asked, 'the entry waits for the answer').toBeGreaterThan(200);
    runUntil(b.sim, b.ends, () => b.interrupts.received.length === 1, 100);
  });

  test('a fence waits for what is before it; without one a later transfer may be earlier', () => {
    for (const fence of [true, false]) {
      const b = channelBench(width, 6, { behaviour: { ...lively, latency: [200, 200] } });
      const old = b.memory.slice(4096, 4396);
      b.put([
        { opcode: 1, length: 300, address: dataBase, offset: 4096, status: true },
        { opcode: 2, length: 300, address: dataBase + 0x1_0000n, offset: 4096, fence, status: true },
      ]);
      runUntil(b.sim, b.ends, () => b.entriesSeen.length === 2);
      expect(remoteBytes(b, dataBase + 0x1_0000n, 300)).toEqual(fence ? remoteBytes(b, dataBase, 300) : old);
    }
  });

  test('C53 C59: a failed transfer gets an entry though it asked for none; a failed fetch stops the channel', () => {
    let bad = dataBase >> 16n;
    const behaviour: Behaviour = { ...lively, fate: r => (r.address >> 16n === bad ? 'unsupported' : 'good') };
    const b = channelBench(width, 4, { behaviour });
    b.put([
      { opcode: 1, length: 300, address: dataBase, offset: 4096, cookie: 1 },
      { opcode: 1, length: 300, address: dataBase + 0x1_0000n, offset: 5096, cookie: 2, status: true },
    ]);
    runUntil(b.sim, b.ends, () => b.entriesSeen.length === 2);
    expect(b.entriesSeen.map(e => [e.cookie, e.outcome])).toEqual([
      [1, DmaOutcome.unsupported],
      [2, 0],
    ]);
    bad = ringBase >> 16n;
    b.put([{ opcode: 1, length: 300, address: dataBase, offset: 4096, status: true }]);
    runUntil(b.sim, b.ends, () => Number(b.sim.peek(b.dut.failed)) === 1, 500);
    runUntil(b.sim, b.ends, undefined, 200);
    expect(b.entriesSeen.length).toBe(2);
    bad = 0n;
    b.run(0);
    runUntil(b.sim, b.ends, () => Number(b.sim.peek(b.dut.idle)) === 1, 500);
    b.put([{ opcode: 1, length: 300, address: dataBase, offset: 4096, cookie: 7, status: true }]);
    b.run(1);
    runUntil(b.sim, b.ends, () => b.entriesSeen.length === 3, 1000);
    expect(b.entriesSeen[2]).toMatchObject({ index: 0, outcome: 0, phase: 1, cookie: 7 });
    expect(b.memory.slice(4096, 4396)).toEqual(remoteBytes(b, dataBase, 300));
  });

  test('C59: a fetch that nobody answers is reported, and stops the channel', () => {
    const b = channelBench(width, 10, { behaviour: { ...lively, fate: () => 'drop' } });
    b.put([{ opcode: 0, status: true }]);
    runUntil(b.sim, b.ends, () => Number(b.sim.peek(b.dut.failed)) === 1, 3000);
    expect(b.errors.received.map(({ functions, kind }) => [functions, kind].map(Number))).toEqual([
      [1, ErrorKind.completionTimeout],
    ]);
    expect(b.entriesSeen).toEqual([]);
  });

  test('many descriptors wait behind one that takes long, and all end in their order', () => {
    const b = channelBench(width, 11, { entries: 64, behaviour: { ...lively, latency: [400, 400] } });
    const total = 50;
    // What does nothing is done at once, but not told before the first one, which takes longer than it takes to fetch more than can be under way.
    const length = 12_288;
    const list = Array.from({ length: total }, (_, i): Entry => {
      const about = { address: dataBase, offset: 4096, cookie: i, status: true };
      return i === 0 ? { ...about, opcode: 1, length } : { ...about, opcode: 0 };
    });
    b.put(list);
    runUntil(b.sim, b.ends, () => b.entriesSeen.length === total);
    expect(b.entriesSeen.map(({ index, outcome, cookie }) => [index, outcome, cookie])).toEqual(list.map((_, i) => [i, 0, i]));
    expect(b.memory.slice(4096, 4096 + length)).toEqual(remoteBytes(b, dataBase, length));
  });

  test('C84: stopped while the ring in the BAR memory is read, or while entries wait for the link, the channel begins anew', () => {
    const seed = 8;
    for (const local of [true, false]) {
      const b = channelBench(width, seed, { local, rate: local ? 0.8 : 0.08 });
      for (let round = 0; round < 12; round++) {
        b.put(Array.from({ length: 20 }, (_, i): Entry => ({ opcode: 0, cookie: i, status: true })));
        runUntil(b.sim, b.ends, undefined, local ? 2 + round : 60 + 20 * round);
        b.run(0);
        runUntil(b.sim, b.ends, () => Number(b.sim.peek(b.dut.idle)) === 1, 3000);
        // What was offered before leaves.
        runUntil(b.sim, b.ends, undefined, local ? 10 : 100);
        expect(Number(b.sim.peek(b.dut.failed))).toBe(0);
        const before = b.entriesSeen.length;
        b.run(1);
        b.put([{ opcode: 0, cookie: 1000 + round, status: true }]);
        runUntil(b.sim, b.ends, () => b.entriesSeen.length === before + 1, 2000);
        expect(b.entriesSeen.at(-1), `seed ${seed}, round ${round}`).toMatchObject({
          index: 0,
          outcome: 0,
          phase: 1,
          cookie: 1000 + round,
        });
        b.run(0);
        runUntil(b.sim, b.ends, () => Number(b.sim.peek(b.dut.idle)) === 1, 500);
        b.run(1);
      }
    }
  });

  test('C63: a byte is read back though descriptors are being fetched in each cycle', () => {
    const b = channelBench(width, 9, { behaviour: { ...lively, latency: [2, 8] } });
    let expected = 0;
    for (let round = 0; round < 10; round++) {
      const entry = {
        opcode: 2,
        length: 20,
        address: dataBase + BigInt(4096 * round),
        offset: 4096,
        status: true,
        read_back: true,
      };
      const before = b.completer.requests.length;
      b.put([entry]);
      runUntil(b.sim, b.ends, undefined, 14 + 2 * round);
      for (let i = 0; i < 20; i++) {
        b.put([{ opcode: 0, status: false }]);
        runUntil(b.sim, b.ends, undefined, 1 + (round & 1));
      }
      expected++;
      runUntil(b.sim, b.ends, () => b.entriesSeen.length === expected && b.done(), 3000);
      const asked = b.completer.requests.slice(before).map(({ address }) => address);
      expect(asked).toContain((entry.address + 19n) & ~3n);
    }
  });

  test.each([
    'run',
    'resetting',
  ] as const)('C84: %s in mid-transfer ends everything without a leak; the channel begins anew', how => {
    const b = channelBench(width, 5, { rate: 0.8, behaviour: { ...lively, latency: [100, 200] } });
    for (let round = 0; round < 4; round++) {
      const list = Array.from({ length: 20 }, (_, i): Entry => {
        const own = i % 3 === 2;
        const address = own ? bar.base + BigInt(i * 100) : dataBase + BigInt(i * 5000);
        return {
          opcode: 1 + (i & 1),
          length: 2500,
          address,
          offset: 3000 + 60 * i,
          status: true,
          read_back: true,
          fence: i === 7,
        };
      });
      b.put(list);
      b.run(1);
      runUntil(b.sim, b.ends, undefined, 40 + 130 * round);
      if (how === 'resetting') setControls(b.sim, b.dut.controls, 0, { resetting: 1 });
      b.run(0);
      runUntil(b.sim, b.ends, () => Number(b.sim.peek(b.dut.idle)) === 1, 3000);
      setControls(b.sim, b.dut.controls, 0, { resetting: 0 });
      runUntil(b.sim, b.ends, () => b.completer.waiting === 0);
    }
    const before = b.entriesSeen.length;
    b.put([
      { opcode: 1, length: 3000, address: dataBase + 5n, offset: 4096, cookie: 8, status: true },
      { opcode: 2, length: 3000, address: dataBase + 0x5_0001n, offset: 9000, cookie: 9, status: true },
    ]);
    const written = b.memory.slice(9000, 12_000);
    b.run(1);
    runUntil(b.sim, b.ends, () => b.entriesSeen.length === before + 2);
    expect(b.entriesSeen.slice(before).map(e => [e.index, e.outcome, e.phase, e.cookie])).toEqual([
      [0, 0, 1, 8],
      [1, 0, 1, 9],
    ]);
    expect(b.memory.slice(4096, 7096)).toEqual(remoteBytes(b, dataBase + 5n, 3000));
    expect(remoteBytes(b, dataBase + 0x5_0001n, 3000)).toEqual(written);
  });
});
