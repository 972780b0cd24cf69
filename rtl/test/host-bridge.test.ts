import { describe, expect, test } from 'vitest';
import { simulate, type TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { HostBridge, type HostBridgeParams } from '../src/host/host-bridge.ts';
import { IommuTables, iommuMemories } from '../src/host/iommu-tables.ts';
import { FaultReason } from '../src/host/translation-pipe.ts';
import {
  atomic,
  carriesData,
  completion,
  memoryRead,
  memoryWrite,
  message,
  type Packet,
  packetClass,
  packetName,
} from '../src/tlp/packet.ts';
import { MessageRoute, TlpType } from '../src/tlp/tlp.ts';
import { PacketSink, PacketSource } from './tlp-model.ts';

const ports = 3;
const iommu = { base: 0x2000_0000n, pages: 16, domains: 4 };
const classes = ['posted', 'non-posted', 'completion'] as const;
type Class = (typeof classes)[number];
const inputs = { posted: 'posted', 'non-posted': 'non_posted', completion: 'completion' } as const;
const downs = { posted: 'down_posted', 'non-posted': 'down_non_posted', completion: 'down_completion' } as const;
const ups = { posted: 'up_posted', 'non-posted': 'up_non_posted', completion: 'up_completion' } as const;
const byClass = <T>(make: (of: Class) => T): { readonly [C in Class]: T } => ({
  posted: make('posted'),
  'non-posted': make('non-posted'),
  completion: make('completion'),
});

/** Window of a root port: 64 KiB below 4 GiB, and 64 KiB above it. Bus numbers: 16 each. */
const windowsOf = (port: number) => [0xa000_0000n + 0x1_0000n * BigInt(port), 0x40_0000_0000n + 0x1_0000n * BigInt(port)];
const idOf = (port: number, device: number): number => ((16 * (port + 1) + device) << 8) | device;

interface Arrival {
  readonly packet: Packet;
  readonly at: number;
}

/** Every port sends its packets in their order, as a link's receiver gives them: behind the posted ones before them. */
class Bench implements Disposable {
  readonly sim: TypedSimulation<HostBridge>;
  private readonly ends: (PacketSource | PacketSink)[] = [];
  private readonly sources: { readonly [C in Class]: PacketSource }[];
  private readonly sinks: { readonly [C in Class]: PacketSink }[];

  constructor(params: Partial<HostBridgeParams>, random: Random, rate: number) {
    const width = params.width ?? 128;
    const memories = Array.from({ length: ports }, (_, i) => Object.values(iommuMemories(`HostBridge.iommus_${i}`))).flat();
    this.sim = simulate(() => new HostBridge({ width, ports, ...iommu, ...params }), { memories });
    const { sim } = this;
    const { dut } = sim;
    const lists = <N extends string>(names: { readonly [C in Class]: N }) => names;
    this.sources = Array.from({ length: ports }, (_, i) =>
      byClass(of => new PacketSource(sim, dut[lists(inputs)[of]][i] as never, random, rate)),
    );
    const down = Array.from({ length: ports }, (_, i) =>
      byClass(of => new PacketSink(sim, dut[lists(downs)[of]][i] as never, random, rate)),
    );
    this.sinks = [...down, byClass(of => new PacketSink(sim, dut[ups[of]], random, rate))];
    for (const group of [...this.sources, ...this.sinks]) this.ends.push(...Object.values(group));
    dut.below.forEach((below, port) => {
      below.windows.forEach((window, i) => {
        const base = (windowsOf(port)[i] ?? 0n) >> 12n;
        sim.poke(window.base, base);
        sim.poke(window.limit, base + 15n);
      });
      sim.poke(below.secondary, 16 * (port + 1));
      sim.poke(below.subordinate, 16 * (port + 1) + 1);
    });
    sim.poke(dut.fault.ready, 1);
  }

  /** Plays a list per port. @returns what arrived below each port, and at the host behind that. */
  play(lists: readonly (readonly Packet[])[], look: () => void = () => {}): (readonly Arrival[])[] {
    const { sim, sources } = this;
    const waiting = lists.map(list => [...list]);
    const quiet = lists.map(() => 0);
    const total = () => this.sinks.flatMap(group => Object.values(group)).reduce((sum, sink) => sum + sink.beats, 0);
    for (let cycle = 0, idle = 0; idle < 60; cycle++) {
      if (cycle > 200_000) throw new Error('the bridge does not come to an end');
      waiting.forEach((list, i) => {
        const mine = sources[i];
        if (!mine) return;
        quiet[i] = mine.posted.queue.length === 0 ? (quiet[i] ?? 0) + 1 : 0;
        for (let next = list[0]; next; next = list[0]) {
          const kind = packetClass(next);
          // 2 cycles after the posted TLPs before it were taken.
          if (kind !== 'posted' && (quiet[i] ?? 0) < 2) return;
          mine[kind].queue.push(next);
          if (kind === 'posted') quiet[i] = 0;
          list.shift();
        }
      });
      const before = total();
      for (const end of this.ends) end.drive();
      sim.settle();
      for (const end of this.ends) end.sample(sim.cycle);
      look();
      sim.step();
      const left = waiting.flat().length + sources.flatMap(group => Object.values(group)).flatMap(source => source.queue).length;
      idle = left === 0 && total() === before ? idle + 1 : 0;
    }
    return this.sinks.map(group =>
      Object.values(group).flatMap(sink => sink.received.map((packet, i) => ({ packet, at: sink.times[i] ?? -1 }))),
    );
  }

  [Symbol.dispose](): void {
    this.sim[Symbol.dispose]();
  }
}

const bytesOf = (random: Random, length: number) => Uint8Array.from({ length }, () => random.below(256));

/** Somewhere in a window of a root port, in host memory, or nowhere; the translated addresses too. */
function anyAddress(random: Random): bigint {
  const [low = 0n, high = 0n] = windowsOf(random.below(ports));
  const base =
    [low, low, low, high, high, 0x1000_0000n, 0x7000_0000n, 0xfee0_0000n, iommu.base, iommu.base][random.below(10)] ?? 0n;
  return base + BigInt(4096 * random.below(16));
}

/** A packet from `port`; its tag is its number, so that each arrival is known. */
function anyPacket(random: Random, port: number, tag: number): Packet {
  const from = { requester_id: idOf(port, random.below(3)), tag };
  const bytes = 1 + random.below(random.chance(0.3) ? 512 : 40);
  const address = anyAddress(random) + BigInt(random.below(4096 - bytes));
  const kind = random.below(8);
  if (kind < 3) return memoryWrite({ ...from, address, data: bytesOf(random, bytes) });
  if (kind < 5) return memoryRead({ ...from, address, bytes });
  if (kind === 5) return atomic(TlpType.fetchAdd, { ...from, address: address & ~7n, data: bytesOf(random, 8) });
  if (kind === 6) return message({ ...from, route: MessageRoute.toRootComplex, code: 0x30 });
  const requester_id = random.chance(0.7) ? idOf(random.below(ports), 1) : 8;
  return completion({ requester_id, tag }, { completer_id: from.requester_id }, bytesOf(random, 4 * (1 + random.below(64))));
}

/** Packets of a port. */
const each = 120;
const lists = (random: Random, make = anyPacket): Packet[][] =>
  Array.from({ length: ports }, (_, port) => Array.from({ length: each }, (_, tag) => make(random, port, tag + port * each)));

/** Where a packet belongs: a root port, or `ports`, which is the host. */
function destination(packet: Packet, forwards: { readonly [C in Class]: boolean }): number {
  const kind = packetClass(packet);
  const bus = packet.requester_id >> 12;
  if (kind === 'completion') return bus >= 1 && bus <= ports ? bus - 1 : ports;
  if (packet.type >= TlpType.message || !forwards[kind]) return ports;
  const found = Array.from({ length: ports }, (_, port) =>
    windowsOf(port).some(base => packet.address >= base && packet.address < base + 0x1_0000n),
  ).indexOf(true);
  return found < 0 ? ports : found;
}

/** What a write becomes where the bridge splits. */
function pieces(packet: Packet, bytes: number): Packet[] {
  const count = packet.payload.length / bytes;
  return Array.from({ length: Math.ceil(count) }, (_, i) => {
    const payload = packet.payload.slice(i * bytes, (i + 1) * bytes);
    const first = i === 0 ? packet.first_be : 0xf;
    const ends = i >= count - 1;
    const last = ends ? packet.last_be : 0xf;
    const enables = ends && i > 0 && payload.length === 4 ? { first_be: last, last_be: 0 } : { first_be: first, last_be: last };
    return { ...packet, ...enables, address: packet.address + BigInt(i * bytes), length: payload.length / 4, payload };
  });
}

type Arrivals = (readonly Arrival[])[];
/** What came from each port, by place and class, in its order. */
function expectPackets(arrived: Arrivals, expected: readonly { readonly packet: Packet; readonly place: number }[]): void {
  for (let place = 0; place <= ports; place++)
    for (const kind of classes)
      for (let port = 0; port < ports; port++) {
        const perPort = (packet: Packet) => packetClass(packet) === kind && Math.floor(packet.tag / each) === port;
        const got = (arrived[place] ?? []).map(({ packet }) => packet).filter(perPort);
        const wanted = expected.filter(e => e.place === place && perPort(e.packet)).map(({ packet }) => packet);
        expect(got.map(packetName), `${kind} of port ${port} at ${place}`).toEqual(wanted.map(packetName));
        expect(got).toEqual(wanted);
      }
}

/** Nothing was seen before the posted packets of its port that were sent before it. */
function expectOrder(arrived: Arrivals, sent: readonly (readonly Packet[])[]): void {
  const all = arrived.flat();
  const seen = new Map<number, { first: number; last: number }>();
  for (const { packet, at } of all) {
    const known = seen.get(packet.tag) ?? { first: at, last: at };
    seen.set(packet.tag, { first: Math.min(known.first, at), last: Math.max(known.last, at) });
  }
  for (const list of sent) {
    let latest = -1;
    for (const packet of list) {
      const times = seen.get(packet.tag);
      if (!times) continue;
      if (packetClass(packet) === 'posted') latest = Math.max(latest, times.last);
      else expect(times.first, `${packetName(packet)} behind the writes before it`).toBeGreaterThan(latest);
    }
  }
}

const seed = 20_251;

describe.each([1, 0.6])('a host bridge of three root ports, rate %f', rate => {
  test.each([
    ['nothing', false, false, undefined],
    ['writes alone', true, false, undefined],
    ['all requests', true, true, undefined],
    ['all requests, writes in pieces of 64 bytes', true, true, 64],
    ['all requests, writes in pieces of 128 bytes', true, true, 128],
  ] as const)('C39 C60 C61: it passes between its ports %s; the rest is the host’s; no request passes a write', (_, posted, others, split) => {
    const random = new Random(seed);
    using bench = new Bench(split === undefined ? {} : { split }, random, rate);
    bench.sim.poke(bench.sim.dut.forwards_posted, posted ? 1 : 0);
    bench.sim.poke(bench.sim.dut.forwards_non_posted, others ? 1 : 0);
    const sent = lists(random);
    const arrived = bench.play(sent);
    const forwards = { posted, 'non-posted': others, completion: true };
    const expected = sent.flat().flatMap(packet => {
      const place = destination(packet, forwards);
      const whole = place === ports || split === undefined || packetClass(packet) !== 'posted';
      return (whole ? [packet] : pieces(packet, split)).map(piece => ({ packet: piece, place }));
    });
    expectPackets(arrived, expected);
    expectOrder(arrived, sent);
  });

  test('M2-8 M2-9 C79: addresses are what the tables say; what they do not allow reaches nobody and is told', () => {
    const random = new Random(seed + 1);
    using bench = new Bench({}, random, rate);
    const { sim } = bench;
    for (const enable of [sim.dut.translates, sim.dut.forwards_posted, sim.dut.forwards_non_posted]) sim.poke(enable, 1);
    const pages = new Map<string, { readonly target: bigint; readonly read: boolean; readonly write: boolean }>();
    const modes = ['blocked', 'identity', 'translated'] as const;
    for (let port = 0; port < ports; port++) {
      const tables = new IommuTables(path => sim.memory(path), `iommus_${port}`, { width: 128, ...iommu });
      modes.forEach((mode, device) => {
        tables.setContext(idOf(port, device), mode, port);
      });
      for (let page = 0; page < iommu.pages; page++) {
        const iova = iommu.base + BigInt(4096 * page);
        const access = { read: random.chance(0.6), write: random.chance(0.6) };
        const target = anyAddress(random);
        tables.setPage(port, iova, target, access);
        pages.set(`${port} ${iova}`, { target, ...access });
      }
    }
    const sent = lists(random, (from, port, tag) => {
      const packet = anyPacket(from, port, tag);
      return packetClass(packet) === 'completion' || packet.type >= TlpType.message ? packet : { ...packet, at: from.below(3) };
    });
    const faults: { readonly requester_id: number; readonly reason: number }[] = [];
    const expected = sent.flat().flatMap(packet => {
      const kind = packetClass(packet);
      const whole = { posted: true, 'non-posted': true, completion: true };
      const unchanged = [{ packet, place: destination(packet, whole) }];
      if (kind === 'completion' || packet.type >= TlpType.message) return unchanged;
      if (kind === 'posted' && packet.address >> 20n === 0xfeen) return unchanged;
      const mode = modes[(packet.requester_id >> 8) & 15];
      const iova = packet.address & ~0xfffn;
      const page = pages.get(`${Math.floor(packet.tag / each)} ${iova}`);
      const reads = kind === 'non-posted';
      const writes = carriesData(packet);
      const looked = mode === 'translated' && packet.at !== 2;
      const mapped = page !== undefined && (page.read || page.write);
      const reason =
        mode === 'blocked'
          ? FaultReason.blocked
          : packet.at === 1
            ? FaultReason.not_offered
            : looked && !mapped
              ? FaultReason.not_mapped
              : looked && ((reads && !page?.read) || (writes && !page?.write))
                ? FaultReason.not_allowed
                : undefined;
      if (reason !== undefined) faults.push({ requester_id: packet.requester_id, reason });
      if (reason !== undefined && kind === 'posted') return [];
      const target = reason !== undefined ? ~0xfffn & 0xffff_ffff_ffff_ffffn : looked ? (page?.target ?? 0n) : iova;
      const address = target | (packet.address & 0xfffn);
      const moved = { ...packet, at: 0, address, fmt: (packet.fmt & 2) | (address >> 32n === 0n ? 0 : 1) };
      return [{ packet: moved, place: destination(moved, whole) }];
    });
    const told: typeof faults = [];
    const { fault } = sim.dut;
    const arrived = bench.play(sent, () => {
      if (sim.peek(fault.valid) === 1n)
        told.push({ requester_id: Number(sim.peek(fault.payload.requester_id)), reason: Number(sim.peek(fault.payload.reason)) });
    });
    expectPackets(arrived, expected);
    expectOrder(arrived, sent);
    // While one is told others may be missed, but none is invented.
    const times = (list: typeof faults, of: (typeof faults)[number]) =>
      list.filter(({ requester_id, reason }) => requester_id === of.requester_id && reason === of.reason).length;
    expect(told.length).toBeGreaterThan(faults.length / 3);
    for (const one of told) expect(times(faults, one)).toBeGreaterThanOrEqual(times(told, one));
    expect(new Set(told.map(({ reason }) => reason))).toEqual(new Set(Object.values(FaultReason)));
  });
});
