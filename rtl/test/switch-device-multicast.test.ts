import { describe, expect, test } from 'vitest';
import { Random } from '../../hdl/test/random.ts';
import { engines } from '../../sim/testbench/src/on-engines.ts';
import { at } from '../src/at.ts';
import { memoryRead, memoryWrite, messageCode, type Packet } from '../src/tlp/packet.ts';
import { DeviceBench, least, type PartnerCredits, wide } from './switch-device-bench.ts';
import { withAnyFields } from './tlp-model.ts';

const capability = 0x170;
const group0 = 0x50_0000_0000n;
/** 64 KiB each, 5 of them. */
const [position, groups] = [16, 5];

/** Ports receive by group as `receive` says, the upstream one first, in a window of so many groups of 2^`shift` bytes. */
function configured(
  receive: readonly (number | bigint)[],
  options: Partial<ConstructorParameters<typeof DeviceBench>[0]> = {},
  [base, shift, count]: readonly [bigint, number, number] = [group0, position, groups],
): DeviceBench {
  const bench = new DeviceBench({ ports: 3, multicast: true, ...options });
  bench.configure();
  for (const port of receive.keys()) {
    bench.write(port, capability + 8, Number(base & 0xffff_f000n) | shift);
    bench.write(port, capability + 12, Number(base >> 32n));
    const mask = BigInt(at(receive, port));
    bench.write(port, capability + 16, Number(mask & 0xffff_ffffn));
    bench.write(port, capability + 20, Number(mask >> 32n));
    bench.write(port, capability + 4, (1 << 31) | ((count - 1) << 16));
  }
  bench.run(4);
  return bench;
}
const device = (bench: DeviceBench, port: number): number => (port === 0 ? 8 : at(bench.ports, port).secondary << 8);
const write = (bench: DeviceBench, from: number, address: bigint, bytes = 32): Packet =>
  memoryWrite({ requester_id: device(bench, from), tag: 0, address, data: bench.random.bytes(bytes) });
const toGroup = (bench: DeviceBench, from: number, group: number, bytes = 32, offset = 0): Packet =>
  write(bench, from, group0 + BigInt(group * 2 ** position + offset), bytes);
const came = (bench: DeviceBench) => [0, 1, 2, 3].map(port => bench.taken(port));

describe('multicast', () => {
  test.each([
    [64, group0, position],
    [128, 0xa5e0_0000_0000_0000n, 47],
    [256, 0x5a08_8000_0000_0000n, 40],
    [512, 0xfff4_3210_f000_0000n, 12],
  ])('C97 C44: a write goes to all ports that receive its group but the one that it came in by (%i bits)', (width, base, shift) => {
    const random = new Random(width);
    const receive = [0, 1, 2, 3].map(() => random.bits(32) | (random.bits(32) << 32n));
    const count = 64;
    using bench = configured(receive, { width }, [base, shift, count]);
    const group = (from: number, number: number, bytes: number): Packet => {
      const inside = random.bits(shift) & ~0xfffn;
      const offset = BigInt(random.below(4097 - bytes));
      const who = { requester_id: random.below(2 ** 16), tag: random.below(2 ** 10) };
      const packet = { ...write(bench, from, base + (BigInt(number) << BigInt(shift)) + inside + offset, bytes), ...who };
      return { ...withAnyFields(random, packet), ep: 0 };
    };
    for (const from of [0, 1, 2, 3])
      for (let i = 0; i < 5; i++) {
        const number = random.below(count);
        const ports = [0, 1, 2, 3].filter(port => (at(receive, port) >> BigInt(number)) & 1n);
        const packets = [at([4, 32, 100, 500], (from + i) % 4), 7, 1].map(bytes => group(from, number, bytes));
        bench.send(from, ...packets);
        const expected = [0, 1, 2, 3].map(port => (port !== from && ports.includes(port) ? packets : []));
        expect(came(bench), `from ${from} to group ${number}`).toEqual(expected);
      }
    for (const port of [0, 1, 2, 3]) expect([bench.read(port, 0x94), bench.read(port, 0x104)]).toEqual([0, 0]);
    // What is poisoned is copied with its mark (2.7.2.2).
    const number = random.below(count);
    const poisoned = { ...group(1, number, 32), ep: 1 };
    bench.send(1, poisoned, group(1, number, 4));
    const copies = [0, 1, 2, 3].map(port => (port !== 1 && (at(receive, port) >> BigInt(number)) & 1n ? poisoned : undefined));
    expect(came(bench).map(packets => packets[0])).toEqual(copies);
  });

  test('C97: what is outside of the window, or no write, or comes while the window is off goes its unicast way', () => {
    using bench = configured([0, 31, 31, 31]);
    const [before, behind] = [write(bench, 1, group0 - 4n, 4), toGroup(bench, 1, groups, 4)];
    const read = memoryRead({ requester_id: device(bench, 1), tag: 3, address: group0, bytes: 4 });
    bench.send(1, before, behind, read);
    expect(came(bench)).toEqual([[before, behind, read], [], [], []]);
    bench.write(1, capability + 4, 0);
    const off = toGroup(bench, 1, 0);
    bench.send(1, off);
    expect(came(bench)).toEqual([[off], [], [], []]);
    const last = toGroup(bench, 2, groups - 1, 4, 2 ** position - 4);
    bench.send(2, last);
    expect(came(bench)).toEqual([[], [last], [], [last]]);
  });

  test('C97: a port refuses what it blocks: all, or what is not translated; AER 23', () => {
    using bench = configured([0, 31, 31, 31]);
    bench.write(1, capability + 24, 0b0001);
    bench.write(1, capability + 32, 0b0010);
    const translated = { ...toGroup(bench, 1, 1), at: 2 };
    bench.send(1, toGroup(bench, 1, 0), toGroup(bench, 1, 1), translated, { ...toGroup(bench, 1, 0), at: 2 });
    expect(came(bench)).toEqual([[], [], [translated], [translated]]);
    expect([bench.read(1, 0x104), bench.read(1, 0x118) & 31, bench.read(1, 0x94)]).toEqual([1 << 23, 23, 3]);
    // Others are not blocked by that port.
    bench.send(2, toGroup(bench, 2, 0));
    expect(came(bench).map(packets => packets.length)).toEqual([0, 1, 0, 1]);
    bench.write(0, 0x3c, 1 << 17);
    bench.change(0, 4, 1 << 8);
    bench.change(1, 0x58, 0b10);
    bench.write(1, 0x104, 1 << 23);
    bench.send(1, toGroup(bench, 1, 0));
    expect(came(bench)[0]?.map(messageCode)).toEqual([0x31]);
  });

  test('C72 C73 C82 C83: bus master and memory enable count, and access control before the group', () => {
    using bench = configured([1, 1, 1, 1]);
    bench.change(1, 4, 0, 4);
    bench.send(1, toGroup(bench, 1, 0));
    expect([came(bench), bench.read(1, 0x104)]).toEqual([[[], [], [], []], 1 << 20]);
    bench.change(1, 4, 4);
    bench.change(0, 4, 0, 4);
    bench.send(1, toGroup(bench, 1, 0));
    expect(came(bench).map(packets => packets.length)).toEqual([0, 0, 1, 1]);
    bench.change(0, 4, 4, 2);
    bench.send(0, toGroup(bench, 0, 0));
    expect(came(bench).map(packets => packets.length)).toEqual([0, 0, 0, 0]);
    bench.write(1, 0x104, 1 << 20);
    bench.write(1, 0x154, 3 << 16);
    const spoofed = { ...toGroup(bench, 1, 0), requester_id: device(bench, 2) };
    bench.send(1, spoofed, { ...toGroup(bench, 1, 0), at: 2 });
    expect([came(bench), bench.read(1, 0x104)]).toEqual([[[], [], [], []], 1 << 21]);
  });

  test('C4 C71e: no copy for a link that is down or a port with a smaller payload limit; others get theirs', () => {
    using bench = configured([1, 1, 1, 1]);
    bench.link(2, false);
    bench.run(10);
    bench.write(3, 0x58, 0);
    bench.send(1, toGroup(bench, 1, 0, 256), toGroup(bench, 1, 0, 128));
    expect([0, 3].map(port => bench.taken(port).map(({ payload }) => payload.length))).toEqual([[256, 128], [128]]);
    bench.link(2, true);
    bench.settle();
    bench.send(1, toGroup(bench, 1, 0));
    expect(came(bench).map(packets => packets.length)).toEqual([1, 0, 1, 1]);
  });

  test.each([
    wide,
    least(512),
  ])('C60 C62 C97: copies keep the order of what comes before and behind them, from all ports at once (%j)', credits => {
    using bench = configured([1, 1, 1, 1], { partnerCredits: credits as PartnerCredits, seed: 7, sinkRate: 0.9 });
    const sent: { readonly from: number; readonly packet: Packet; readonly to: readonly number[] }[] = [];
    const data = new Map<Packet, string>();
    for (let i = 0; i < 160; i++) {
      const from = bench.random.below(4);
      const others = [0, 1, 2, 3].filter(port => port !== from);
      const cast = bench.random.chance(0.4);
      const to = cast ? others : [bench.random.pick(others)];
      const place = at(to, 0) === 0 ? 0x10_0000n : at(bench.ports, at(to, 0)).memory[0];
      const bytes = 4 * (1 + bench.random.below(40));
      const packet = cast ? toGroup(bench, from, 0, bytes) : write(bench, from, place, bytes);
      sent.push({ from, packet, to });
      data.set(packet, packet.payload.join());
      bench.partner(from).source.queue.push(packet);
    }
    bench.settle();
    for (const port of [0, 1, 2, 3]) {
      const all = bench.taken(port);
      for (const from of [0, 1, 2, 3]) {
        const mine = all.filter(({ requester_id }) => requester_id === device(bench, from)).map(({ payload }) => payload.join());
        const expected = sent.filter(each => each.from === from && each.to.includes(port)).map(({ packet }) => data.get(packet));
        expect(mine, `from ${from} to ${port}`).toEqual(expected);
      }
    }
  });

  test.each([
    [32, 1],
    [256, 8],
  ])('the first copy leaves 10 cycles after the last beat came, the next one right behind it; (n + 1) beats + 9 cycles for n copies (%i bytes)', (bytes, beats) => {
    using bench = configured([0, 0, 1, 1], { width: 256 });
    const { source } = bench.partner(1);
    for (const port of [1, 2, 3]) bench.partner(port).sink.times.length = 0;
    source.times.length = 0;
    bench.send(1, toGroup(bench, 1, 0, bytes), toGroup(bench, 1, 0, bytes));
    const came = at(source.times, 0) + beats - 1;
    const first = [2, 3].map(port => at(bench.partner(port).sink.times, 0) - came);
    expect([first, source.times.map(time => time - at(source.times, 0))]).toEqual([
      [10, 10 + beats],
      [0, 3 * beats + 9],
    ]);
  });

  test.each(engines)('C91 C97: copies, weights and containment on every engine (%s)', (_, engine) => {
    using bench = configured([1, 1, 1], { ports: 2, width: 64, max_payload: 128, weights: [1, 2, 3], hot_plug: true, engine });
    const writes = Array.from({ length: 12 }, (_, i) => toGroup(bench, 1, 0, 4 + 8 * i));
    bench.partner(0).source.queue.push(toGroup(bench, 0, 0, 64));
    bench.send(1, ...writes);
    expect(bench.taken(0)).toEqual(writes);
    expect(bench.taken(2).length).toBe(13);
    bench.write(1, 0x164, 1 << 16);
    bench.partner(1).source.queue.push({ ...toGroup(bench, 1, 0), type: 0b00111 }, toGroup(bench, 1, 0));
    bench.run(60);
    expect([bench.read(1, 0x168), bench.taken(2)]).toEqual([1, []]);
  });

  test('C97: the window may move, and its groups may become larger or smaller', () => {
    using bench = configured([1, 1, 1, 1]);
    const { random } = bench;
    for (const [i, shift] of [12, 13, 14, 16, 20, 28, 44, 12, 57, 12, 63 - 6, 30].entries()) {
      const count = 1 + random.below(Math.min(32, 2 ** (63 - shift)));
      const base = ((BigInt(i) + 3n) << BigInt(shift + 1)) & (2n ** 64n - 1n) & ~0xfffn;
      for (const port of [0, 1, 2, 3]) {
        bench.write(port, capability + 4, 0);
        bench.write(port, capability + 8, Number(base & 0xffff_f000n) | shift);
        bench.write(port, capability + 12, Number(base >> 32n));
        bench.write(port, capability + 16, 0xffff_ffff);
        bench.write(port, capability + 4, ((1 << 31) | ((count - 1) << 16)) >>> 0);
      }
      bench.run(4);
      const inside = base + (BigInt(count - 1) << BigInt(shift)) + (random.bits(shift) & ~0xfffn);
      const packets = [write(bench, 1, inside), write(bench, 1, base)];
      bench.send(1, ...packets);
      expect(came(bench), `${shift}`).toEqual([packets, [], packets, packets]);
    }
  });

  test('without the parameter there is no such capability', () => {
    using bench = new DeviceBench({ ports: 3 });
    bench.configure();
    expect([bench.read(1, capability), bench.read(0, capability), bench.read(0, 0x100) >>> 20]).toEqual([0, 0, 0]);
    using other = configured([1, 1, 1, 1]);
    expect([other.read(0, 0x100) >>> 20, other.read(0, capability), other.read(2, 0x160) >>> 20]).toEqual([
      capability,
      0x0001_0012,
      capability,
    ]);
    other.write(1, capability + 8, 7);
    expect([other.read(1, capability + 8) & 63, other.read(1, capability + 4) & 63, other.read(1, capability + 40)]).toEqual([
      position,
      63,
      0,
    ]);
  });
});
