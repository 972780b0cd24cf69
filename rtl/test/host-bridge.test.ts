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
import { TlpType } from '../src/tlp/tlp.ts';
import { PacketSink, PacketSource, withAnyFields } from './tlp-model.ts';

const ports = 3;
const iommu = { base: 0x2000_0000n, pages: 64, domains: 8 };
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

/** What lies below a root port: windows of 64 KiB, one below 4 GiB and one anywhere above it, bus numbers, and the IDs of three functions. */
interface Below {
  readonly windows: readonly bigint[];
  readonly secondary: number;
  readonly subordinate: number;
  readonly ids: readonly number[];
}

/** Top digits of the windows above 4 GiB, by root port. */
const highest = [0x5n, 0xan, 0xcn];

function anyLayout(random: Random): Below[] {
  const turn = random.below(ports);
  return Array.from({ length: ports }, (_, port) => {
    const low = 0x8000_0000n + 0x1000_0000n * BigInt(port) + 4096n * BigInt(random.below(0xff00));
    const high =
      ((highest[(port + turn) % ports] ?? 0n) << 60n) |
      (BigInt(random.below(2 ** 24)) << 36n) |
      (BigInt(random.below(2 ** 24 - 16)) << 12n);
    const secondary = 4 + 80 * ((port + turn) % ports) + random.below(40);
    const ids = [0, 1, 2].map(device => ((secondary + device) << 8) | random.below(256));
    return { windows: [low, high], secondary, subordinate: secondary + 2 + random.below(38), ids };
  });
}

const portOf = (layout: readonly Below[], bus: number): number =>
  layout.findIndex(({ secondary, subordinate }) => bus >= secondary && bus <= subordinate);

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
    sim.poke(dut.fault.ready, 1);
  }

  /** Software gives out addresses and bus numbers while nothing is under way. */
  assign(layout: readonly Below[]): void {
    const { sim } = this;
    sim.dut.below.forEach((below, port) => {
      const { windows = [], secondary = 0, subordinate = 0 } = layout[port] ?? {};
      below.windows.forEach((window, i) => {
        const base = (windows[i] ?? 0n) >> 12n;
        sim.poke(window.base, base);
        sim.poke(window.limit, base + 15n);
      });
      sim.poke(below.secondary, secondary);
      sim.poke(below.subordinate, subordinate);
    });
  }

  /** Plays a list per port. @returns what arrived below each port, and at the host behind that. */
  play(lists: readonly (readonly Packet[])[], look: () => void = () => {}): (readonly Arrival[])[] {
    const { sim, sources } = this;
    for (const sink of this.sinks.flatMap(group => Object.values(group))) {
      sink.received.length = 0;
      sink.times.length = 0;
    }
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
function anyAddress(random: Random, layout: readonly Below[]): bigint {
  const [low = 0n, high = 0n] = random.pick(layout).windows;
  const base = [low, low, low, high, high, 0x1000_0000n, 0x7000_0000n, 0xfee0_0000n][random.below(13)] ?? iommu.base;
  return base + BigInt(4096 * random.below(base === iommu.base ? iommu.pages : 16));
}

/** A packet from `port`; a fifth of its tag is its number, so that each arrival is known. */
function anyPacket(random: Random, layout: readonly Below[], port: number, number: number): Packet {
  const from = { requester_id: random.pick(layout[port]?.ids ?? []), tag: 5 * number + random.below(5) };
  const bytes = 1 + random.below(random.chance(0.06) ? 4096 : random.chance(0.3) ? 512 : 40);
  // Some end in the first DW of a piece.
  const offset = random.chance(0.1) ? Math.max(0, 512 - bytes + 1 + random.below(4)) : random.below(4097 - bytes);
  const address = anyAddress(random, layout) + BigInt(offset);
  const kind = random.below(8);
  const make = (): Packet => {
    if (kind < 3) return memoryWrite({ ...from, address, data: bytesOf(random, bytes) });
    if (kind < 5) return memoryRead({ ...from, address, bytes });
    if (kind === 5) {
      const type = random.pick([TlpType.fetchAdd, TlpType.swap, TlpType.compareSwap, TlpType.compareSwap]);
      const operand = 8 << (type === TlpType.compareSwap ? random.below(2) : 0);
      const data = bytesOf(random, type === TlpType.compareSwap ? 2 * operand : operand);
      return atomic(type, { ...from, address: address & ~BigInt(operand - 1), data });
    }
    if (kind === 6) {
      const at = address & ~3n;
      return { ...message({ ...from, route: random.below(6), code: random.below(256) }), address: at };
    }
    const requester_id = random.chance(0.7) ? random.pick(random.pick(layout).ids) : random.below(0x400);
    const lower_address = random.below(128);
    const fields = { completer_id: from.requester_id, lower_address, byte_count: bytes, status: random.below(5) };
    return completion(
      { requester_id, tag: from.tag },
      fields,
      random.chance(0.2) ? undefined : bytesOf(random, 4 * Math.ceil(bytes / 4)),
    );
  };
  return withAnyFields(random, make());
}

/** Packets of a port in a round, and rounds; between them software moves everything. */
const each = 50;
const rounds = 3;
const numberOf = (packet: Packet): number => Math.floor(packet.tag / 5);
const lists = (random: Random, make: (random: Random, port: number, number: number) => Packet): Packet[][] =>
  Array.from({ length: ports }, (_, port) => Array.from({ length: each }, (_, i) => make(random, port, i + port * each)));

/** Where a packet belongs: a root port, or `ports`, which is the host. */
function destination(packet: Packet, layout: readonly Below[], forwards: { readonly [C in Class]: boolean }): number {
  const kind = packetClass(packet);
  const port =
    kind === 'completion'
      ? portOf(layout, packet.requester_id >> 8)
      : packet.type >= TlpType.message || !forwards[kind]
        ? -1
        : layout.findIndex(({ windows }) => windows.some(base => packet.address >= base && packet.address < base + 0x1_0000n));
  return port < 0 ? ports : port;
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
        const perPort = (packet: Packet) => packetClass(packet) === kind && Math.floor(numberOf(packet) / each) === port;
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
    ['nothing', false, false, undefined, 128],
    ['writes alone', true, false, undefined, 128],
    ['all requests', true, true, undefined, 256],
    ['all requests, writes in pieces of 64 bytes', true, true, 64, 128],
    ['all requests, writes in pieces of 128 bytes', true, true, 128, 256],
  ] as const)('C39 C60 C61: it passes between its ports %s; the rest is the host’s; no request passes a write', (_, posted, others, split, width) => {
    const random = new Random(seed);
    using bench = new Bench(split === undefined ? { width } : { width, split }, random, rate);
    bench.sim.poke(bench.sim.dut.forwards_posted, posted ? 1 : 0);
    bench.sim.poke(bench.sim.dut.forwards_non_posted, others ? 1 : 0);
    const forwards = { posted, 'non-posted': others, completion: true };
    for (let round = 0; round < rounds; round++) {
      const layout = anyLayout(random);
      bench.assign(layout);
      const sent = lists(random, (from, port, number) => {
        const packet = anyPacket(from, layout, port, number);
        return { ...packet, at: from.below(4) };
      });
      const arrived = bench.play(sent);
      const expected = sent.flat().flatMap(packet => {
        const place = destination(packet, layout, forwards);
        // A digest is of the whole.
        const whole = place === ports || split === undefined || packetClass(packet) !== 'posted' || packet.td === 1;
        return (whole ? [packet] : pieces(packet, split)).map(piece => ({ packet: piece, place }));
      });
      expectPackets(arrived, expected);
      expectOrder(arrived, sent);
    }
  });

  test('M2-8 M2-9 C79: addresses are what the tables say; what they do not allow reaches nobody and is told', () => {
    const random = new Random(seed + 1);
    using bench = new Bench({}, random, rate);
    const { sim } = bench;
    for (const enable of [sim.dut.translates, sim.dut.forwards_posted, sim.dut.forwards_non_posted]) sim.poke(enable, 1);
    const reasons = new Set<number>();
    for (let round = 0; round < rounds; round++) {
      const layout = anyLayout(random);
      bench.assign(layout);
      const pages = new Map<string, { readonly target: bigint; readonly read: boolean; readonly write: boolean }>();
      const modes = ['blocked', 'identity', 'translated'] as const;
      for (let port = 0; port < ports; port++) {
        const tables = new IommuTables(path => sim.memory(path), `iommus_${port}`, { width: 128, ...iommu });
        const domain = (port + round) % iommu.domains;
        modes.forEach((mode, device) => {
          // Only one of them is in a domain that counts.
          tables.setContext(layout[port]?.ids[device] ?? 0, mode, (domain + device + 1) % iommu.domains);
        });
        for (let page = 0; page < iommu.pages; page++) {
          const iova = iommu.base + BigInt(4096 * page);
          const access = { read: random.chance(0.6), write: random.chance(0.6) };
          const target = anyAddress(random, layout);
          tables.setPage((domain + modes.length) % iommu.domains, iova, target, access);
          pages.set(`${port} ${iova}`, { target, ...access });
        }
      }
      const sent = lists(random, (from, port, number) => {
        const packet = anyPacket(from, layout, port, number);
        return packetClass(packet) === 'completion' || packet.type >= TlpType.message ? packet : { ...packet, at: from.below(3) };
      });
      const faults: string[] = [];
      const asText = (requester: number, reason: number, write: boolean, address: bigint) =>
        `${requester} ${reason} ${write} ${address}`;
      const expected = sent.flat().flatMap(packet => {
        const kind = packetClass(packet);
        const whole = { posted: true, 'non-posted': true, completion: true };
        const unchanged = [{ packet, place: destination(packet, layout, whole) }];
        if (kind === 'completion' || packet.type >= TlpType.message) return unchanged;
        if (kind === 'posted' && packet.address >> 20n === 0xfeen) return unchanged;
        const port = Math.floor(numberOf(packet) / each);
        const mode = modes[layout[port]?.ids.indexOf(packet.requester_id) ?? -1];
        const iova = packet.address & ~0xfffn;
        const page = pages.get(`${port} ${iova}`);
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
        if (reason !== undefined) faults.push(asText(packet.requester_id, reason, writes, packet.address));
        if (reason !== undefined && kind === 'posted') return [];
        const target = reason !== undefined ? ~0xfffn & 0xffff_ffff_ffff_ffffn : looked ? (page?.target ?? 0n) : iova;
        const address = target | (packet.address & 0xfffn);
        const moved = { ...packet, at: 0, address, fmt: (packet.fmt & 2) | (address >> 32n === 0n ? 0 : 1) };
        return [{ packet: moved, place: destination(moved, layout, whole) }];
      });
      const told: string[] = [];
      const { valid, ready, payload } = sim.dut.fault;
      const arrived = bench.play(sent, () => {
        if (sim.peek(valid) === 1n && sim.peek(ready) === 1n) {
          const reason = Number(sim.peek(payload.reason));
          reasons.add(reason);
          told.push(
            asText(Number(sim.peek(payload.requester_id)), reason, sim.peek(payload.write) === 1n, sim.peek(payload.address)),
          );
        }
        sim.poke(ready, random.chance(0.9) ? 1 : 0);
      });
      expectPackets(arrived, expected);
      expectOrder(arrived, sent);
      // While one is told others may be missed, but none is invented.
      const times = (list: readonly string[], of: string) => list.filter(one => one === of).length;
      expect(told.length).toBeGreaterThan(faults.length / 3);
      for (const one of told) expect(times(faults, one), one).toBeGreaterThanOrEqual(times(told, one));
    }
    expect(reasons).toEqual(new Set(Object.values(FaultReason)));
  });
});
