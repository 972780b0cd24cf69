import { describe, expect, test } from 'vitest';
import { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import {
  completion,
  completionOf,
  configRead,
  configWrite,
  memoryRead,
  memoryWrite,
  type Packet,
  packetName,
} from '../src/tlp/packet.ts';
import { Fmt, TlpType } from '../src/tlp/tlp.ts';
import { refusal, routeModel } from './router-model.ts';
import { rootId, SwitchBench } from './switch-bench.ts';

/** An address near an edge of some window, or anywhere. */
function randomAddress(bench: SwitchBench, random: Random): bigint {
  const bridge = random.pick(bench.bridges);
  const edge = random.pick([...bridge.memory, ...bridge.prefetch].map(a => a & ~0xfffn));
  const address = random.pick([
    edge,
    edge - 0x1000n,
    edge + 0x1000n,
    edge + 0x8_0000n,
    edge + (1n << 32n),
    BigInt(random.below(2 ** 32)) & ~0xfffn,
  ]);
  return address + BigInt(4 * random.below(256));
}

/** A packet of any kind, with unusual but legal fields. */
function randomPacket(bench: SwitchBench, random: Random, ingress: number, number: number): Packet {
  const bus = ingress === 0 ? 0 : (bench.bridges[ingress]?.secondary ?? 0);
  const from = { requester_id: (bus << 8) | random.below(256), tag: number % 1024 };
  const extra = { tc: random.below(8), attr: random.below(8), ep: random.below(2) };
  const anyBus = random.below(18);
  const requester = { ...from, requester_id: (anyBus << 8) | random.below(256) };
  const address = randomAddress(bench, random);
  const kind = random.below(12);
  const read = memoryRead({
    ...from,
    address: address + BigInt(random.below(4)),
    bytes: random.below(random.pick([4, 64, 512])),
  });
  const target = {
    bus: random.pick([2, 2, anyBus]),
    device: random.pick([0, 0, 0, 1, 2, 3, 31]),
    function: random.pick([0, 0, 0, 1]),
    register: random.below(1024),
  };
  const message = { ...read, fmt: Fmt.header4, length: 0, address: (BigInt(anyBus) << 56n) | BigInt(random.below(2 ** 32)) };
  if (kind < 4)
    return { ...memoryWrite({ ...from, address, data: random.bytes(1 + random.below(random.pick([4, 64, 300]))) }), ...extra };
  if (kind < 6) return { ...read, ...extra };
  if (kind < 8)
    return {
      ...completion(
        requester,
        { completer_id: from.requester_id, lower_address: number % 128 },
        random.bytes(4 * random.below(40)),
      ),
      ...extra,
    };
  if (kind === 8) return { ...message, type: TlpType.message | random.below(8) };
  if (kind === 9) return configRead({ ...from, ...target, kind: random.pick([0, 1]) });
  // Nothing is enabled, so the switch's own registers keep what they are.
  if (kind === 10) return configWrite({ ...from, ...target, kind: 1, data: number, mask: 0 });
  const type = random.pick([TlpType.io, 0b00001, 0b01100, 0b01101, 0b01110, 0b11111]);
  return { ...read, ...extra, type, fmt: random.pick([read.fmt, Fmt.header3 | 4]) };
}

const show = (p: Packet) => `${packetName(p)} tag ${p.tag} from ${p.requester_id.toString(16)} address ${p.address.toString(16)}`;

/** Sends random packets into every port and compares what leaves with the model, in order per way. */
function compareWithModel(bench: SwitchBench, random: Random, packets: number) {
  const ports = bench.bridges.length;
  /** By egress and origin: an ingress, or `ports` for refusals, `ports` + 1 for the switch's own completions. */
  const expected = bench.sources.map(() => Array.from({ length: ports + 2 }, (): Packet[] => []));
  const outcomes = { port: 0, space: 0, unsupported: 0, dropped: 0 };
  const pairs = new Set<string>();
  const drops = bench.sources.map(() => 0);
  for (let number = 0; number < packets; number++) {
    const ingress = random.below(ports);
    const packet = randomPacket(bench, random, ingress, number);
    at(bench.sources, ingress).queue.push(packet);
    // A prefix is no header: the switch drops it.
    const outcome = packet.fmt > 3 ? ({ to: 'dropped' } as const) : routeModel(packet, ingress, bench.bridges);
    outcomes[outcome.to]++;
    if (outcome.to === 'port') {
      pairs.add(`${ingress}-${outcome.port}`);
      at(at(expected, outcome.port), ingress).push(outcome.type0 ? { ...packet, type: TlpType.config0 } : packet);
    } else if (outcome.to === 'unsupported') at(at(expected, ingress), ports).push(refusal(packet, bench.id(ingress)));
    else if (outcome.to === 'space') at(at(expected, 0), ports + 1).push({ ...packet, address: BigInt(outcome.port) });
    else drops[ingress] = (drops[ingress] ?? 0) + 1;
  }
  for (const sink of bench.sinks) sink.received.length = 0;
  bench.drain();
  bench.sinks.forEach((sink, egress) => {
    const queues = at(expected, egress);
    for (const packet of sink.received) {
      const own = queues[ports + 1]?.[0];
      const isOwn =
        own && packet.type === TlpType.completion && packet.tag === own.tag && packet.requester_id === own.requester_id;
      if (isOwn && completionOf(packet).completer_id === bench.id(Number(own.address)) && completionOf(packet).status === 0) {
        expect(packet.payload.length).toBe(own.fmt & 2 ? 0 : 4);
        queues[ports + 1]?.shift();
        continue;
      }
      const queue = queues.slice(0, ports + 1).find(q => q[0] && show(q[0]) === show(packet));
      expect(queue, `${show(packet)} leaves port ${egress} but nothing like it is next in line`).toBeDefined();
      expect(packet).toEqual(queue?.shift());
    }
    expect(queues.flat().map(show), `missing at port ${egress}`).toEqual([]);
  });
  return { outcomes, pairs, drops };
}

describe.each([
  [256, 1, 1],
  [256, 0.5, 0.5],
  [64, 1, 0.4],
  [128, 0.4, 1],
  [512, 0.8, 0.8],
])('width %d, sources active %d, sinks %d', (width, sourceRate, sinkRate) => {
  test('C1 C12 C13 C20 C21 C22 C23 C24 C25 C30 C32 C33 C34 C35 C36 C38 C40 C41 C42 C43 C44 C51 C53 C55 C71b: routes what comes as the rules say, whole and in order', () => {
    const seed = 100 + width;
    using bench = new SwitchBench({ ports: 3, width, seed, sourceRate, sinkRate });
    bench.configure();
    const { outcomes, pairs, drops } = compareWithModel(bench, new Random(seed), 900);
    // Every pair of ports was used (nothing leaves by its ingress), and every outcome occurred often.
    expect(pairs.size, `seed ${seed}`).toBe(12);
    expect(Math.min(...Object.values(outcomes)), `seed ${seed}`).toBeGreaterThan(8);
    expect(bench.sources.map((_, port) => bench.read(port, 0x94))).toEqual(drops);
  });
});

test('C82 C83: the enables of each port gate what the rules say', () => {
  using bench = new SwitchBench({ ports: 2, seed: 7 });
  for (const port of [0, 1, 2])
    for (const [mse, bme] of [
      [false, true],
      [true, false],
      [false, false],
    ] as const) {
      Object.assign(at(bench.bridges, port), { mse, bme });
      bench.configure();
      compareWithModel(bench, new Random(port), 150);
      Object.assign(at(bench.bridges, port), { mse: true, bme: true });
    }
});

test('C22: a switch that nobody configured refuses what comes from above and lets nothing pass between ports', () => {
  using bench = new SwitchBench({ ports: 2 });
  const closed = { secondary: 0, subordinate: 0, memory: [1n, 0n], prefetch: [1n, 0n], mse: false, bme: false } as const;
  for (let i = 0; i < 3; i++) bench.bridges[i] = { ...closed };
  const read = memoryRead({ requester_id: rootId, tag: 1, address: 0n, bytes: 4 });
  const type1 = configRead({ requester_id: rootId, tag: 2, kind: 1, bus: 0, device: 0, function: 0, register: 0 });
  bench.sources[0]?.queue.push(read, type1);
  bench.sources[1]?.queue.push({ ...read, requester_id: 0x0300 });
  bench.run(50);
  expect(bench.sinks[0]?.received.map(p => completionOf(p).status)).toEqual([1, 1]);
  expect(bench.sinks[1]?.received.map(p => completionOf(p).status)).toEqual([1]);
  expect(bench.sinks[2]?.received).toEqual([]);
});

test('C20 C21 C22 C23: a configuration request finds the device: converted next to it, forwarded beyond, refused where there is none', () => {
  using bench = new SwitchBench({ ports: 3 });
  bench.configure();
  const base = { requester_id: rootId, function: 0, register: 0, kind: 1 as const };
  const source = at(bench.sources, 0);
  source.queue.push(
    configRead({ ...base, tag: 1, bus: 3, device: 0 }),
    configRead({ ...base, tag: 2, bus: 3, device: 1 }),
    configWrite({ ...base, tag: 3, bus: 6, device: 0, data: 5 }),
    configRead({ ...base, tag: 4, bus: 7, device: 9 }),
    configRead({ ...base, tag: 5, bus: 12, device: 0 }),
    configRead({ ...base, tag: 6, bus: 2, device: 3 }),
    configRead({ ...base, tag: 7, bus: 2, device: 2 }),
  );
  bench.drain();
  const seen = bench.sinks.map(s => s.received.map(p => [p.tag, packetName(p)]));
  expect(seen).toEqual([
    [
      [2, 'Cpl'],
      [5, 'Cpl'],
      [6, 'Cpl'],
      [7, 'CplD'],
    ],
    [[1, 'CfgRd0']],
    [
      [3, 'CfgWr0'],
      [4, 'CfgRd1'],
    ],
    [],
  ]);
});

/** Writes of 256 bytes, back to back, into the memory window of a port. */
function writesTo(bench: SwitchBench, port: number, count: number): Packet[] {
  const data = new Random(port).bytes(256);
  const base = port === 0 ? 0x1000_0000n : at(bench.bridges, port).prefetch[0];
  return Array.from({ length: count }, (_, i) =>
    memoryWrite({ requester_id: 0x0300, tag: i % 32, address: base + BigInt(256 * i), data }),
  );
}

test('port pairs that share no port run at a beat per cycle together, without a pause between packets', () => {
  using bench = new SwitchBench({ ports: 4 });
  bench.configure();
  const ways = [
    [1, 2],
    [2, 1],
    [3, 4],
    [4, 0],
    [0, 3],
  ] as const;
  for (const [from, to] of ways) at(bench.sources, from).queue.push(...writesTo(bench, to, 64));
  const before = bench.sinks.map(s => s.beats);
  const beats = 64 * 8;
  bench.run(beats + 2);
  for (const [, to] of ways) expect(at(bench.sinks, to).beats - at(before, to)).toBe(beats);
});

test('a packet takes 2 cycles from any port to any other', () => {
  using bench = new SwitchBench({ ports: 2 });
  bench.configure();
  for (const [from, to] of [
    [1, 2],
    [2, 0],
    [0, 1],
  ] as const) {
    const [source, sink] = [at(bench.sources, from), at(bench.sinks, to)];
    const [sent, received] = [source.times.length, sink.times.length];
    source.queue.push(...writesTo(bench, to, 1));
    bench.run(20);
    expect(at(sink.times, received) - at(source.times, sent), `${from} to ${to}`).toBe(2);
  }
});

test('two ingresses share an egress fairly, while other ways run at full rate', () => {
  using bench = new SwitchBench({ ports: 4 });
  bench.configure();
  at(bench.sources, 1).queue.push(...writesTo(bench, 3, 100));
  at(bench.sources, 2).queue.push(...writesTo(bench, 3, 100));
  at(bench.sources, 4).queue.push(...writesTo(bench, 0, 100));
  at(bench.sources, 0).queue.push(...writesTo(bench, 4, 100));
  bench.run(802);
  expect(Math.abs(at(bench.sources, 1).queue.length - at(bench.sources, 2).queue.length)).toBeLessThanOrEqual(1);
  expect(at(bench.sinks, 3).beats).toBe(800);
  expect(at(bench.sinks, 4).beats).toBe(800);
});
