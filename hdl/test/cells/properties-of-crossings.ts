import fc from 'fast-check';
import { expect } from 'vitest';
import { type Property, property } from './property.ts';
import { type Edge, number, send, stalls, words } from './traffic.ts';

/** Edges of two clocks in any order: at random, one much faster than the other, or together with all that can be seen half. */
const edges: fc.Arbitrary<Edge[]> = fc
  .constantFrom(
    ['from', 'to', 'both'] as const,
    ['both'] as const,
    ['from', 'from', 'from', 'both'] as const,
    ['to', 'to', 'to', 'both'] as const,
  )
  .chain(ticks => fc.array(fc.record({ ticks: fc.constantFrom(...ticks), late: number(16) }), { minLength: 40, maxLength: 300 }));

const streams = ['async_fifo', 'async_fifo_4', 'word_synchroniser', 'word_synchroniser_3'].map(name =>
  property(
    name,
    'every word arrives once, in order, however the clocks run',
    fc.record({ sent: words({ payload: 8 }), edges, offers: fc.tuple(stalls), accepts: fc.tuple(stalls) }),
    (bench, { sent, edges, offers, accepts }) => {
      const [received] = send(
        bench,
        { words: [sent], offers, accepts, edges },
        {
          inputs: [{ name: 'in', fields: ['payload'] }],
          outputs: [{ name: 'out', fields: ['payload'] }],
          expected: [sent.length],
        },
      );
      expect(received).toEqual(sent);
    },
  ),
);

const pulses = property(
  'pulse_synchroniser',
  'every pulse arrives once, however the clocks run',
  fc.record({ edges, gaps: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 20 }) }),
  (bench, { edges, gaps }) => {
    bench.reset();
    let arrived = 0;
    let sent = 0;
    /** Edges of `to` since the last pulse. */
    let since = 2;
    let wait = 0;
    for (const { ticks, late } of [...edges, ...Array.from({ length: 8 }, (): Edge => ({ ticks: 'both', late: 0 }))]) {
      const pulse = since >= 2 && wait === 0 && sent < gaps.length;
      bench.set('in', pulse);
      bench.settle();
      if (ticks !== 'from') arrived += Number(bench.get('out'));
      if (ticks !== 'to' && pulse) {
        wait = gaps[sent] ?? 0;
        sent++;
        since = 0;
      } else {
        if (ticks !== 'from') since++;
        if (ticks !== 'to' && wait > 0) wait--;
      }
      bench.tick(ticks === 'both' ? ['from', 'to'] : [ticks], late);
    }
    bench.set('in', 0);
    for (let i = 0; i < 6; i++) {
      bench.settle();
      arrived += Number(bench.get('out'));
      bench.step();
    }
    expect(arrived).toBe(sent);
  },
);

const bits = (
  [
    ['synchroniser', 2],
    ['synchroniser_3', 3],
  ] as const
).map(([name, stages]) =>
  property(name, `a value comes out ${stages} edges later`, fc.array(number(4), { maxLength: 60 }), (bench, values) => {
    bench.reset();
    values.forEach((value, cycle) => {
      bench.set('in', value);
      bench.settle();
      expect(bench.get('out'), `cycle ${cycle}`).toBe(BigInt(values[cycle - stages] ?? 0));
      bench.step();
    });
  }),
);

const resets = (
  [
    ['reset_synchroniser', 2],
    ['reset_synchroniser_4', 4],
  ] as const
).map(([name, stages]) =>
  property(name, `the reset lasts ${stages} edges longer`, fc.integer({ min: 1, max: 5 }), (bench, times) => {
    for (let i = 0; i < times; i++) {
      bench.reset();
      for (let edge = 0; edge < stages + 3; edge++) {
        bench.settle();
        expect(bench.get('reset'), `after ${edge} edges`).toBe(edge < stages ? 1n : 0n);
        bench.step();
      }
    }
  }),
);

export const crossingProperties: readonly Property[] = [...streams, pulses, ...bits, ...resets];
