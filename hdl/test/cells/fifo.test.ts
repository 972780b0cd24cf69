import { describe, expect, test } from 'vitest';
import { simulate } from '../../src/engine/simulate.ts';
import { type Bool, Fifo, type Module, RegisterSlice, type Stream, uint } from '../../src/index.ts';
import { Random } from '../random.ts';
import { rates } from './stalls.ts';

const word = uint(40);
type Cell = Module<never> & { readonly in: Stream<typeof word>; readonly out: Stream<typeof word> & { readonly ready: Bool } };

const cells: readonly [name: string, make: () => Cell, latency: number, capacity: number][] = [
  ['Fifo of 8', () => new Fifo({ type: word, depth: 8 }) as unknown as Cell, 2, 9],
  ['Fifo of 2', () => new Fifo({ type: word, depth: 2 }) as unknown as Cell, 2, 3],
  ['RegisterSlice', () => new RegisterSlice({ type: word }) as unknown as Cell, 1, 2],
];

describe.each(cells)('%s', (_, make, latency, capacity) => {
  test.each(rates)('keeps every word in order, producer %d, consumer %d', (produce, consume) => {
    const seed = 1;
    const random = new Random(seed);
    using sim = simulate(make);
    const { dut } = sim;
    let sent = 0;
    let offered = false;
    let received = 0;
    for (let cycle = 0; cycle < 2000; cycle++) {
      offered ||= random.fraction() < produce;
      sim.poke(dut.in.valid, offered ? 1 : 0);
      sim.poke(dut.in.payload, offered ? sent * 3 + 1 : 0);
      sim.poke(dut.out.ready, random.fraction() < consume ? 1 : 0);
      sim.settle();
      if (sim.peek(dut.out.valid) && sim.port(dut.out.ready).words[0]) {
        expect(sim.peek(dut.out.payload), `word ${received}, seed ${seed}`).toBe(BigInt(received * 3 + 1));
        received++;
      }
      if (offered && sim.peek(dut.in.ready)) {
        sent++;
        offered = false;
      }
      sim.step();
    }
    expect(sent - received).toBeLessThanOrEqual(capacity);
    if (produce === 1 && consume === 1) expect(received).toBe(2000 - latency);
    else expect(received).toBeGreaterThan(500);
  });

  test('ready and valid do not depend on the other side in the same cycle', () => {
    using sim = simulate(make);
    const { dut } = sim;
    const random = new Random(7);
    for (let cycle = 0; cycle < 200; cycle++) {
      sim.poke(dut.in.valid, 0);
      sim.poke(dut.out.ready, 0);
      const idle = [sim.peek(dut.in.ready), sim.peek(dut.out.valid)];
      sim.poke(dut.in.valid, 1);
      sim.poke(dut.out.ready, 1);
      expect([sim.peek(dut.in.ready), sim.peek(dut.out.valid)]).toEqual(idle);
      sim.poke(dut.in.valid, random.fraction() < 0.5 ? 1 : 0);
      sim.poke(dut.out.ready, random.fraction() < 0.5 ? 1 : 0);
      sim.step();
    }
  });

  test('takes as many words as it promises, and no more, while nobody reads', () => {
    using sim = simulate(make);
    const { dut } = sim;
    sim.poke(dut.in.valid, 1);
    let taken = 0;
    for (let cycle = 0; cycle < 40; cycle++) {
      if (sim.peek(dut.in.ready)) taken++;
      sim.step();
    }
    expect(taken).toBe(capacity);
  });
});
