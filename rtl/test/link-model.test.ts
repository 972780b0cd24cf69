import { describe, expect, test } from 'vitest';
import type { ir } from '../../hdl/src/index.ts';
import { checked, elaborate } from '../../hdl/src/index.ts';
import { CombinationalGraph, type OutputPaths } from '../../hdl/src/passes/combinational-graph.ts';
import { testOnEngines } from '../../sim/testbench/src/on-engines.ts';
import { FcKind } from '../src/link/fc-update.ts';
import { LinkModel, linkTiming } from '../src/link/model/link-model.ts';
import { completion, memoryRead, memoryWrite, type Packet } from '../src/tlp/packet.ts';
import { type Fc, randomPacket } from './link-bench.ts';
import { gen3x4, modelBench, read, write } from './link-model-bench.ts';
import { withAnyFields } from './tlp-model.ts';

const fc = (serial: number): Fc => ({ kind: FcKind.update, traffic: serial % 3, headers: serial % 256, data: serial % 4096 });

describe('latency', () => {
  test.each([0, 40, 250])('%i ns each way: serialisation and latency', latency_ns => {
    const { latency, tlp_rate } = linkTiming({ ...gen3x4, latency_ns });
    expect(latency).toBe({ 0: 4, 40: 10, 250: 63 }[latency_ns]);
    const { sim, a, b, go, until } = modelBench({ latency_ns });
    using _ = sim;
    until(1);
    go(10);
    const offered: number[] = [];
    b.sink.onOffer = (_, cycle) => offered.push(cycle);
    for (const [packet, bytes] of [
      [read(1, 3), 4 + 12 + 4],
      [read(2, 4), 4 + 16 + 4],
      [write(3, 32, 3), 4 + 12 + 32 + 4],
    ] as const) {
      a.source.queue.push(packet);
      go(latency + 20);
      expect((offered.at(-1) ?? 0) - (a.source.times.at(-1) ?? 0)).toBe(latency + Math.ceil(bytes / tlp_rate));
    }

    // The first beat of eight arrives when its bytes have; the last has then been in the model for long, and not arrived.
    a.source.queue.push(write(4, 256, 3));
    const before = b.sink.beats;
    go(latency + 60);
    expect((offered.at(-1) ?? 0) - (a.source.times.at(-1) ?? 0)).toBe(7 + latency + Math.ceil((4 + 12 + 32) / tlp_rate));
    expect(b.sink.beats - before).toBe(8);
  });

  test('the beats of a TLP come at the rate of the link, without gaps', () => {
    const { sim, a, b, go, until } = modelBench();
    using _ = sim;
    until(1);
    a.source.queue.push(write(1, 256), write(2, 256));
    const arrivals: number[] = [];
    for (let before = 0; arrivals.length < 16; before = b.sink.beats) {
      go(1);
      if (b.sink.beats > before) arrivals.push(sim.cycle);
    }
    const { tlp_rate } = linkTiming(gen3x4);
    // Bytes that have to be there for each beat, framing and header included.
    const bytes = arrivals.map((_, i) => 32 * (i + 1) + (i < 8 ? 20 : 44) + (i === 7 || i === 15 ? 4 : 0));
    arrivals.forEach((cycle, i) => {
      expect(cycle - (arrivals[0] ?? 0), `beat ${i}`).toBe(Math.ceil((bytes[i] ?? 0) / tlp_rate) - Math.ceil(52 / tlp_rate));
    });
  });

  test('flow control updates: the latency', () => {
    const { sim, a, b, go, until } = modelBench();
    using _ = sim;
    until(1);
    go(20);
    b.fc_source.queue.push(fc(1));
    go(40);
    expect((a.fc_sink.received[0]?.cycle ?? 0) - (b.fc_source.times[0] ?? 0)).toBe(10);
    expect(b.fc_sink.received).toEqual([]);
  });
});

describe('flow control updates share the bytes of the link', () => {
  const rates = linkTiming(gen3x4);

  /** TLP bytes and updates per cycle where both wait, an update every `interval` cycles. */
  function share(interval: number) {
    const { sim, a, b, go, until } = modelBench();
    using _ = sim;
    until(1);
    for (let i = 0; i < 500; i++) a.source.queue.push(write(i, 256));
    let serial = 0;
    const step = () => {
      if (sim.cycle % interval === 0) a.fc_source.queue.push(fc(serial++));
      go(1);
    };
    for (let i = 0; i < 200; i++) step();
    const [beats, updates] = [b.sink.beats, b.fc_sink.received.length];
    for (let i = 0; i < 3000; i++) step();
    expect(b.fc_sink.received.map(({ cycle: _, ...f }) => f)).toEqual(b.fc_sink.received.map((_, i) => fc(i)));
    return { tlps: ((b.sink.beats - beats) * 280) / 8 / 3000, updates: (b.fc_sink.received.length - updates) / 3000 };
  }

  test('as many as the formula counts cost TLPs nothing', () => {
    const interval = Math.ceil(8 / rates.update_rate);
    const { tlps, updates } = share(interval);
    expect(tlps / rates.tlp_rate).toBeCloseTo(1, 2);
    expect(updates).toBeCloseTo(1 / interval, 2);
  });

  test('more of them take 8 bytes each', () => {
    const { tlps, updates } = share(4);
    expect(updates).toBeCloseTo(1 / 4, 2);
    expect(tlps / (rates.tlp_rate + rates.update_rate - 8 / 4)).toBeCloseTo(1, 2);
  });

  test('alone they take the whole link', () => {
    const { sim, a, b, go, until } = modelBench({ latency_ns: 4000 });
    using _ = sim;
    until(1);
    for (let i = 0; i < 5000; i++) a.fc_source.queue.push(fc(i));
    go(1500);
    const before = b.fc_sink.received.length;
    go(1000);
    const expected = Math.min(1, (rates.tlp_rate + rates.update_rate) / 8);
    expect((b.fc_sink.received.length - before) / 1000).toBeCloseTo(expected, 2);
  });

  test('in flits they have their place, one each, and TLPs are not slower', () => {
    const flits = { generation: 6, lanes: 1, latency_ns: 0 } as const;
    const { sim, a, b, go, until } = modelBench(flits);
    using _ = sim;
    until(1);
    for (let i = 0; i < 600; i++) a.source.queue.push(write(i, 256));
    for (let i = 0; i < 3000; i++) a.fc_source.queue.push(fc(i));
    go(200);
    const [beats, updates] = [b.sink.beats, b.fc_sink.received.length];
    go(3000);
    const bytes = 8e9 / 250e6;
    expect((b.fc_sink.received.length - updates) / 3000).toBeCloseTo(bytes / 256, 2);
    expect(((b.sink.beats - beats) * 272) / 8 / 3000 / ((bytes * 236) / 256)).toBeCloseTo(1, 2);
  });
});

describe('nothing is lost, doubled or changed', () => {
  testOnEngines('random TLPs and updates in both directions, stalls everywhere', engine => {
    const { sim, a, b, go, until, random } = modelBench({}, { engine, source: 0.8, sink: 0.5 });
    using _ = sim;
    until(1);
    const sent: Record<'a' | 'b', Packet[]> = { a: [], b: [] };
    for (let i = 0; i < 300; i++)
      for (const [name, end] of Object.entries({ a, b })) {
        const plain = randomPacket(random, random.pick(['posted', 'non_posted', 'completion'] as const), i, 128);
        const packet = { ...plain, th: random.below(2), address: random.bits(64) };
        sent[name as 'a' | 'b'].push(packet);
        end.source.queue.push(packet);
        end.fc_source.queue.push(fc(i));
      }
    go(60_000, () => a.sink.received.length === 300 && b.sink.received.length === 300);
    expect(b.sink.received, `seed ${random.seed}`).toEqual(sent.a);
    expect(a.sink.received, `seed ${random.seed}`).toEqual(sent.b);
    for (const end of [a, b])
      expect(end.fc_sink.received.map(({ cycle: _, ...f }) => f)).toEqual(Array.from({ length: 300 }, (_, i) => fc(i)));
  });

  test('the same on a link of generation 2, with the widest beats', () => {
    const { sim, a, b, go, until, random } = modelBench({ width: 512, generation: 2, lanes: 16 }, { source: 0.8, sink: 0.5 });
    using _ = sim;
    until(1);
    const packets = Array.from({ length: 120 }, (_, i) => {
      const plain = randomPacket(random, random.pick(['posted', 'non_posted', 'completion'] as const), i, 128);
      return { ...plain, th: random.below(2), address: random.bits(64) };
    });
    a.source.queue.push(...packets);
    go(60_000, () => b.sink.received.length === packets.length);
    expect(b.sink.received, `seed ${random.seed}`).toEqual(packets);
  });

  test('a receiver that takes nothing for long stops the sender, and then has all', () => {
    let takes = false;
    const { sim, a, b, go, until } = modelBench({ width: 512 }, { sink: () => takes });
    using _ = sim;
    until(1);
    const packets = Array.from({ length: 100 }, (_, i) => write(i, 256));
    a.source.queue.push(...packets);
    for (let i = 0; i < 100; i++) a.fc_source.queue.push(fc(i));
    go(3000);
    expect(a.source.queue.length).toBeGreaterThan(20);
    expect(a.fc_source.queue.length).toBeGreaterThan(20);
    takes = true;
    go(5000, () => b.sink.received.length === 100);
    expect(b.sink.received).toEqual(packets);
    expect(b.fc_sink.received.length).toBe(100);
  });

  test('the longest TLP', () => {
    for (const width of [64, 512]) {
      const { sim, a, b, go, until } = modelBench({ width, lanes: 1 });
      using _ = sim;
      until(1);
      const packets = [0, 1, 2].map(i => ({ ...write(i, 4096), td: 1, digest: i }));
      a.source.queue.push(...packets);
      go(20_000, () => b.sink.received.length === 3);
      expect(b.sink.received).toEqual(packets);
    }
  });

  test('one that is longer is told as what it is', () => {
    const { sim, until } = modelBench({ lanes: 1 });
    using _ = sim;
    until(1);
    const { valid, payload } = sim.dut.a_tx;
    sim.poke(valid, 1);
    sim.poke(payload.first, 1);
    sim.poke(payload.last, 0);
    expect(() => sim.step(1000)).toThrow(/a TLP on a link is longer than a TLP can be/);
  });
});

test.each([64, 128, 256, 512])('TLPs with any fields and payload come through both ways as they were sent, %i bits', width => {
  const { sim, a, b, go, until, random } = modelBench(
    { width, lanes: width === 64 ? 1 : 4 },
    { source: 0.9, sink: 0.9, seed: width },
  );
  using _ = sim;
  until(1);
  const packets = (): Packet[] =>
    Array.from({ length: 40 }, () => {
      const from = { requester_id: random.below(2 ** 16), tag: random.below(2 ** 10) };
      const bytes = 1 + random.below(random.chance(0.1) ? 4096 : 250);
      const address = (random.bits(52) << 12n) + BigInt(random.below(4097 - bytes));
      const kind = random.below(4);
      if (kind === 0)
        return withAnyFields(
          random,
          completion(from, { completer_id: 0x0800, byte_count: bytes }, random.bytes(4 * Math.ceil(bytes / 4))),
        );
      const packet =
        kind === 1 ? memoryRead({ ...from, address, bytes }) : memoryWrite({ ...from, address, data: random.bytes(bytes) });
      return { ...withAnyFields(random, packet), at: random.below(4) };
    });
  const [down, up] = [packets(), packets()];
  a.source.queue.push(...down);
  b.source.queue.push(...up);
  go(40_000, () => b.sink.received.length === 40 && a.sink.received.length === 40);
  expect(b.sink.received).toEqual(down);
  expect(a.sink.received).toEqual(up);
});

test('no path from an input to an output, and none inside from a ready to a valid', () => {
  const errors = { tlps: 0.1, updates: 0.1, seed: 1 };
  const { design } = elaborate(() => new LinkModel({ ...gen3x4, errors }));
  const good = checked(design);
  const paths = new Map<ir.Module, OutputPaths>();
  const none: OutputPaths = new Map();
  for (const module of good.modules) paths.set(module, new CombinationalGraph(module, child => paths.get(child) ?? none).paths);
  expect([...(paths.get(good.top) ?? [])].filter(([, inputs]) => [...inputs].length > 0)).toEqual([]);
  for (const [module, outputs] of paths)
    for (const [output, inputs] of outputs)
      if (output.endsWith('_valid'))
        expect(
          [...inputs].filter(name => name.endsWith('_ready')),
          `${module.name}: ${output}`,
        ).toEqual([]);
});
