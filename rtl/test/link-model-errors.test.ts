import { describe, expect, test } from 'vitest';
import type { Engine } from '../../hdl/src/index.ts';
import { engines } from '../../sim/testbench/src/on-engines.ts';
import { FcKind } from '../src/link/fc-update.ts';
import { damageRate } from '../src/link/model/bit-errors.ts';
import { linkTiming } from '../src/link/model/link-model.ts';
import { randomPacket } from './link-bench.ts';
import { gen3x4, modelBench, portBench, write } from './link-model-bench.ts';

const { latency, tlp_rate, replay_cycles } = linkTiming(gen3x4);

/** Gaps between the arrivals of `count` writes of 64 bytes. */
function gaps(tlps: number, seed: number, count = 600, engine?: Engine): readonly number[] {
  const { sim, a, b, go, until } = modelBench({ errors: { tlps, updates: 0, seed } }, engine ? { engine } : {});
  using _ = sim;
  until(1);
  const packets = Array.from({ length: count }, (_, i) => write(i, 64));
  a.source.queue.push(...packets);
  go(100_000, () => b.sink.received.length === count);
  expect(b.sink.received).toEqual(packets);
  const { times } = b.sink;
  return times.slice(1).map((t, i) => t - (times[i] ?? 0));
}

describe('damaged TLPs are sent again', () => {
  const serialisation = 88 / tlp_rate;

  test('the replay: there, the delay of the NAK (115 symbols), and back', () => {
    expect(replay_cycles).toBe(2 * latency + Math.ceil(115 * 0.25));
  });

  test('each damage costs a TLP and a replay, and the others are as fast as ever', () => {
    const measured = gaps(0.1, 1);
    const damages = measured.map(gap => Math.round((gap - serialisation) / (serialisation + replay_cycles)));
    measured.forEach((gap, i) => {
      const n = damages[i] ?? 0;
      // A beginning waits for a whole cycle.
      expect(Math.abs(gap - serialisation - n * (serialisation + replay_cycles)), `${gap}`).toBeLessThanOrEqual(1 + 2 * n);
    });
    expect(damages.filter(n => n > 0).length).toBeGreaterThan(30);
    expect(Math.max(...damages)).toBeGreaterThan(1);
  });

  test.each([0.02, 0.1, 0.3])('the loss of rate is what is expected of a probability of %f', tlps => {
    const measured = gaps(tlps, 9, 1000).reduce((sum, gap) => sum + gap) / 999;
    // Of n TLPs that arrive n * p / (1 - p) were damaged before.
    const expected = serialisation + (tlps / (1 - tlps)) * (serialisation + replay_cycles);
    expect(Math.abs(measured / expected - 1)).toBeLessThan(0.05);
  });

  test('the seed says which, on every engine', () => {
    const first = gaps(0.1, 5, 100);
    for (const [, engine] of engines) expect(gaps(0.1, 5, 100, engine)).toEqual(first);
    expect(gaps(0.1, 6, 100)).not.toEqual(first);
  });

  test('probability from a bit error rate', () => {
    expect(damageRate(280, 1e-12) / 2.24e-9).toBeCloseTo(1, 6);
    expect(damageRate(1, 0.5)).toBeCloseTo(255 / 256, 10);
  });
});

test('damaged updates are lost; the others come in order', () => {
  const { sim, a, b, go, until } = modelBench({ errors: { tlps: 0, updates: 0.25, seed: 3 } });
  using _ = sim;
  until(1);
  for (let i = 0; i < 800; i++) a.fc_source.queue.push({ kind: FcKind.update, traffic: 0, headers: i % 256, data: i });
  go(3000);
  const data = b.fc_sink.received.map(f => f.data);
  expect(data).toEqual([...data].sort((x, y) => x - y));
  expect(new Set(data).size).toBe(data.length);
  expect(data.length / 800).toBeGreaterThan(0.7);
  expect(data.length / 800).toBeLessThan(0.8);
});

test('two ports over a bad link: all arrives once and in order, with few credits, too', () => {
  const credits = { headers: 2, data: 32 };
  const { sim, a, b, go, begin, random } = portBench({
    credits: { posted: credits, non_posted: credits, completion: credits },
    errors: { tlps: 0.1, updates: 0.1, seed: 77 },
    refresh_cycles: 200,
  });
  using _ = sim;
  begin();
  const classes = ['posted', 'non_posted', 'completion'] as const;
  const ends = [a, b] as const;
  const queued = ends.map(end =>
    classes.map(name => {
      const packets = Array.from({ length: 40 }, (_, i) => randomPacket(random, name, i, 64));
      end[name].queue.push(...packets);
      return packets;
    }),
  );
  const received = () => ends.map(end => classes.map(name => end[`received_${name}`].received));
  go(60_000, () =>
    received()
      .flat()
      .every(list => list.length === 40),
  );
  expect(received().toReversed(), `seed ${random.seed}`).toEqual(queued);
});
