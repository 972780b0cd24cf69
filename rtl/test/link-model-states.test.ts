import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { testOnEngines } from '../../sim/testbench/src/on-engines.ts';
import { at } from '../src/at.ts';
import { FcKind } from '../src/link/fc-update.ts';
import { linkTiming } from '../src/link/model/link-model.ts';
import { TlpGate } from '../src/link/tlp-gate.ts';
import type { Packet } from '../src/tlp/packet.ts';
import { randomPacket } from './link-bench.ts';
import { gen3x4, modelBench, portBench, write } from './link-model-bench.ts';

const { latency } = linkTiming(gen3x4);
const update = { kind: FcKind.update, traffic: 0, headers: 1, data: 1 };
const tags = (packets: readonly Packet[]) => packets.map(p => p.tag);

describe('the link alone', () => {
  const bench = () => {
    const b = modelBench();
    const { down, hot_reset, retrain, a_up, b_up } = b.sim.dut;
    const poke = (name: 'down' | 'hot_reset' | 'retrain', value: 0 | 1) => b.sim.poke({ down, hot_reset, retrain }[name], value);
    const up = () => `${b.sim.peek(a_up)}${b.sim.peek(b_up)}`;
    return { ...b, poke, up };
  };

  test('it trains after reset, for both ends alike, and nothing goes through before', () => {
    const { sim, a, b, go, up } = bench();
    using _ = sim;
    a.source.queue.push(write(0, 256));
    a.fc_source.queue.push(update);
    let cycles = 0;
    for (; up() === '00'; cycles++) go(1);
    expect([cycles, up()]).toEqual([gen3x4.training_cycles ?? 0, '11'].map((x, i) => (i ? x : Number(x) + 1)));
    go(100);
    expect([b.sink.received, b.fc_sink.received]).toEqual([[], []]);
    a.source.queue.push(write(1, 256));
    a.fc_source.queue.push(update);
    go(100);
    expect(tags(b.sink.received)).toEqual([1]);
    expect(b.fc_sink.received.length).toBe(1);
  });

  test('down: at once for both ends, what is on the way is lost, and it comes up again by itself', () => {
    const { sim, a, b, go, poke, up } = bench();
    using _ = sim;
    go(40);
    a.source.queue.push(write(1, 32));
    b.source.queue.push(write(2, 32));
    a.fc_source.queue.push(update);
    go(5);
    expect([a.source.queue, a.fc_source.queue]).toEqual([[], []]);
    poke('down', 1);
    go(3);
    expect(up()).toBe('00');
    a.source.queue.push(write(3, 32));
    go(200);
    expect(up()).toBe('00');
    poke('down', 0);
    go(60);
    expect(up()).toBe('11');
    expect([a.sink.received, b.sink.received, b.fc_sink.received]).toEqual([[], [], []]);
    a.source.queue.push(write(4, 256));
    b.source.queue.push(write(5, 256));
    go(100);
    expect([tags(a.sink.received), tags(b.sink.received)]).toEqual([[5], [4]]);
  });

  test('a TLP that the receiver has begun to see comes to its end, with its data, before the link is down for it', () => {
    const { sim, a, b, go, poke, up } = bench();
    using _ = sim;
    go(40);
    const packets = [write(1, 256), write(2, 256), write(3, 32)];
    a.source.queue.push(...packets);
    go(100, () => b.sink.beats === 2);
    poke('down', 1);
    go(2);
    expect(up()).toBe('01');
    go(100, () => up() === '00');
    expect(b.sink.received).toEqual([packets[0]]);
    go(100);
    poke('down', 0);
    go(100);
    expect(b.sink.received).toEqual([packets[0]]);
  });

  test('the same where the receiver does not take it: the link stays up for this end until it does', () => {
    let takes = true;
    const { sim, a, b, go } = modelBench({}, { sink: () => takes });
    using _ = sim;
    const { down, b_up } = sim.dut;
    go(40);
    a.source.queue.push(write(1, 256));
    go(100, () => b.sink.beats === 2);
    takes = false;
    sim.poke(down, 1);
    go(1);
    sim.poke(down, 0);
    go(100);
    expect(sim.peek(b_up)).toBe(1n);
    takes = true;
    go(20);
    expect(tags(b.sink.received)).toEqual([1]);
    expect(sim.peek(b_up)).toBe(0n);
    go(100);
    expect(sim.peek(b_up)).toBe(1n);
  });

  test('the rest of a TLP that comes after the link was down is dropped', () => {
    let has = true;
    const { sim, a, b, go } = modelBench({}, { source: () => has });
    using _ = sim;
    const { down } = sim.dut;
    go(40);
    a.source.queue.push(write(1, 256), write(2, 256));
    go(3);
    has = false;
    go(20);
    expect(a.source.queue.length).toBe(2);
    sim.poke(down, 1);
    go(10);
    sim.poke(down, 0);
    go(60);
    has = true;
    go(200);
    expect(tags(b.sink.received)).toEqual([2]);
  });

  test('a line of 4,000 ns: TLPs of both directions, and a hot reset and its end, each arrive when they have been on the way', () => {
    const long = { ...gen3x4, latency_ns: 4000 };
    const { latency: way } = linkTiming(long);
    expect(way).toBe(1000);
    const { sim, a, b, go } = modelBench(long);
    using _ = sim;
    const ups = () => `${sim.peek(sim.dut.a_up)}${sim.peek(sim.dut.b_up)}`;
    go(40);
    for (const serial of [1, 2, 3]) {
      a.source.queue.push(write(serial, 32));
      b.source.queue.push(write(serial + 8, 32));
      a.fc_source.queue.push(update);
      b.fc_source.queue.push(update);
      go(way - 10);
      expect(tags(b.sink.received)).not.toContain(serial);
      go(40);
      expect([b.sink, a.sink].map(({ received }) => received.at(-1)?.tag)).toEqual([serial, serial + 8]);
      expect([b.fc_sink, a.fc_sink].map(({ received }) => received.length)).toEqual([serial, serial]);
    }
    sim.poke(sim.dut.hot_reset, 1);
    go(way - 10);
    expect(ups()).toBe('01');
    go(way + 40);
    expect(ups()).toBe('00');
    sim.poke(sim.dut.hot_reset, 0);
    go(way - 10);
    expect(ups()).toBe('00');
    go(80);
    expect(ups()).toBe('11');
  });

  test('C85: a hot reset goes down the link behind the TLPs that were sent before it, and up again when it ends', () => {
    const { sim, a, b, go, poke, up } = bench();
    using _ = sim;
    go(40);
    a.source.queue.push(write(1, 32));
    go(7);
    poke('hot_reset', 1);
    go(2);
    expect(up()).toBe('01');
    b.source.queue.push(write(2, 32));
    go(latency - 3);
    expect(up()).toBe('01');
    go(30);
    expect(up()).toBe('00');
    expect(tags(b.sink.received)).toEqual([1]);
    go(300);
    expect(up()).toBe('00');
    poke('hot_reset', 0);
    go(latency + 15);
    expect(up()).toBe('00');
    go(10);
    expect(up()).toBe('11');
    expect(a.sink.received).toEqual([]);
  });

  test('a hot reset of one cycle brings the link down for both ends, too', () => {
    const { sim, go, poke, up } = bench();
    using _ = sim;
    go(40);
    poke('hot_reset', 1);
    go(1);
    poke('hot_reset', 0);
    const seen = new Set<string>();
    for (let i = 0; i < 100; i++) {
      seen.add(up());
      go(1);
    }
    expect([...seen]).toEqual(['11', '01', '00', '11'].filter((x, i, all) => all.indexOf(x) === i));
    expect(up()).toBe('11');
  });

  test('retraining stops the traffic between TLPs for a while and loses nothing', () => {
    const { sim, a, b, go, poke, up } = bench();
    using _ = sim;
    go(40);
    const packets = Array.from({ length: 20 }, (_, i) => write(i, 256));
    a.source.queue.push(...packets);
    go(100);
    poke('retrain', 1);
    go(2);
    for (let i = 0; i < 3; i++) a.fc_source.queue.push(update);
    go(50);
    poke('retrain', 0);
    const [beats, updates] = [b.sink.beats, b.fc_sink.received.length];
    expect([beats % 8, updates]).toEqual([0, 0]);
    // To the end of the pause, less a cycle for the input's register and one for the output's.
    go(64 + latency);
    expect([b.sink.beats, b.fc_sink.received.length, up()]).toEqual([beats, updates, '11']);
    go(1000);
    expect(b.sink.received).toEqual(packets);
    expect(b.fc_sink.received.length).toBe(3);
  });
});

describe('two ports and the link between them', () => {
  testOnEngines(
    'C71e C85 C91: it goes down at random moments in random ways; each TLP comes once or not at all, whole and in order',
    engine => {
      const { sim, a, b, go, up, random } = portBench(
        {
          credits: {
            posted: { headers: 4, data: 64 },
            non_posted: { headers: 2, data: 4 },
            completion: { headers: 4, data: 64 },
          },
        },
        { engine, source: 0.9, sink: 0.7, seed: 3 },
      );
      using _ = sim;
      const classes = ['posted', 'non_posted', 'completion'] as const;
      const sent = new Map<string, Packet>();
      let serial = 0;
      const feed = () => {
        for (const [i, end] of [a, b].entries())
          for (const name of classes)
            if (end[name].queue.length < 2) {
              const packet = { ...randomPacket(random, name, serial, 64), address: BigInt(serial++) };
              sent.set(`${i}${name}${packet.address}`, packet);
              end[name].queue.push(packet);
            }
      };
      const last = new Map<string, bigint>();
      let arrived = 0;
      for (const [i, end] of [a, b].entries())
        for (const name of classes)
          end[`received_${name}`].onPacket = packet => {
            const key = `${1 - i}${name}`;
            expect(packet, `seed ${random.seed}`).toEqual(sent.get(`${key}${packet.address}`));
            expect(packet.address > (last.get(key) ?? -1n), `seed ${random.seed}: ${key} ${packet.address} in order`).toBe(true);
            last.set(key, packet.address);
            arrived++;
          };

      const { down, hot_reset, retrain, overflow } = sim.dut;
      for (let round = 0; round < 24; round++) {
        const before = arrived;
        for (let i = 0; i < 150 + random.below(100); i++) {
          feed();
          go(1);
        }
        expect(arrived - before, `seed ${random.seed}, round ${round}: nothing came`).toBeGreaterThan(3);
        const event = random.pick([down, hot_reset, retrain]);
        sim.poke(event, 1);
        for (let i = random.below(60); i >= 0; i--) {
          feed();
          go(1);
        }
        sim.poke(event, 0);
        expect([0, 1].map(i => sim.peek(at(overflow, i)))).toEqual([0n, 0n]);
      }
      for (const end of [a, b]) for (const name of classes) end[name].queue.length = Math.min(end[name].queue.length, 1);
      go(3000, () => [a, b].every(end => classes.every(name => end[name].queue.length === 0)));
      go(500);
      expect([up(), ...[a, b].flatMap(end => classes.map(name => end[name].queue.length))]).toEqual(['11', 0, 0, 0, 0, 0, 0]);
      expect(arrived).toBeGreaterThan(500);
      expect(arrived).toBeLessThan(sent.size);
    },
  );

  test('C70b: credits are whole again right after: as many TLPs leave as were advertised at first', () => {
    const headers = 4;
    let takes = true;
    const credits = { headers, data: 64 };
    const { sim, a, b, go, up } = portBench(
      { credits: { posted: credits, non_posted: credits, completion: credits } },
      { sink: () => takes },
    );
    using _ = sim;
    const { down } = sim.dut;
    const waiting = () => a.posted.times.length - b.received_posted.received.length;
    const flood = (first: number) => {
      for (let i = 0; i < 40; i++) a.posted.queue.push(write(first + i, 64));
      go(400);
    };
    go(100);
    takes = false;
    flood(0);
    const [before, offered] = [waiting(), a.posted.queue.length];
    expect(offered).toBeGreaterThan(0);
    // The credits are used up. Down, up, and the consumer takes what is left of the old TLPs: those that arrived.
    sim.poke(down, 1);
    go(100);
    expect(a.posted.queue).toEqual([]);
    takes = true;
    go(20);
    takes = false;
    expect(tags(b.received_posted.received)).toEqual([0, 1, 2, 3]);
    sim.poke(down, 0);
    go(100);
    expect(up()).toBe('11');
    const [taken, received] = [a.posted.times.length, b.received_posted.received.length];
    flood(100);
    expect(a.posted.times.length - taken - (b.received_posted.received.length - received)).toBe(before);
    takes = true;
    go(3000);
    expect(tags(b.received_posted.received).slice(received)).toEqual(Array.from({ length: 40 }, (_, i) => 100 + i));
  });

  test('flow control waits until what was received before has been taken', () => {
    let takes = false;
    const { sim, a, b, go } = portBench({}, { sink: () => takes });
    using _ = sim;
    const { down } = sim.dut;
    go(100);
    for (let i = 0; i < 3; i++) a.posted.queue.push(write(i, 128));
    go(200);
    sim.poke(down, 1);
    go(10);
    sim.poke(down, 0);
    go(200);
    for (let i = 0; i < 3; i++) a.posted.queue.push(write(10 + i, 128));
    go(500);
    takes = true;
    go(500);
    expect(tags(b.received_posted.received)).toEqual([0, 1, 2, 10, 11, 12]);
  });
});

describe('a gate for TLPs', () => {
  // A TLP's beats as letters, the first one upper case, the last one with a point behind; drop and what goes on below.
  test.each([
    ['nothing is dropped', 'Aaa. B. Cc.', '0000000', 'Aaa. B. Cc.'],
    ['drop between TLPs', 'Aa. Bb. C. Dd.', '00111000', 'Aa. Dd.'],
    ['drop rises within a TLP, and falls within it', 'Aaaaa. Bb.', '00100000', 'Aa Bb.'],
    ['drop falls within a later TLP', 'Aaa. Bbb. Cc.', '01111000', 'A Cc.'],
    ['drop falls with the end', 'Aa. B. Cc.', '11000', 'B. Cc.'],
  ])('%s', (_, beats, drops, expected) => {
    using sim = simulate(() => new TlpGate({ width: 64 }));
    const { in: input, out, drop } = sim.dut;
    const steps = beats.match(/[A-Za-z]\.?/g) ?? [];
    let passed = '';
    steps.forEach((beat, i) => {
      sim.poke(input.valid, 1);
      sim.poke(input.payload.first, /[A-Z]/.test(beat) ? 1 : 0);
      sim.poke(input.payload.last, beat.endsWith('.') ? 1 : 0);
      sim.poke(drop, Number(drops[i]));
      // A beat that is dropped is taken although nobody takes it behind; one that is not waits.
      sim.poke(out.ready, 0);
      sim.settle();
      const goes = sim.peek(out.valid) === 1n;
      expect(sim.peek(input.ready)).toBe(goes ? 0n : 1n);
      if (goes) passed += beat;
      sim.poke(out.ready, 1);
      sim.step();
      sim.poke(input.valid, 0);
      sim.step();
    });
    expect(passed).toBe(expected.replaceAll(' ', ''));
  });
});
