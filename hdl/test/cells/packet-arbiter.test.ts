import { expect, test } from 'vitest';
import { simulate } from '../../src/engine/simulate.ts';
import { Bundle, bool, PacketArbiter, uint } from '../../src/index.ts';
import { Random } from '../random.ts';
import { rates } from './stalls.ts';

class Word extends Bundle({ source: uint(4), packet: uint(12), last: bool }) {}

test.each(rates)('joins packets whole, in order and fairly: producer %d, consumer %d', (produce, consume) => {
  const n = 3;
  const random = new Random(3);
  using sim = simulate(() => new PacketArbiter({ n, type: Word }));
  const { dut } = sim;
  const state = Array.from({ length: n }, () => ({ packet: 0, left: 0, offered: false, seen: 0 }));
  let open: number | undefined;
  let held: bigint | undefined;
  const wins = Array.from({ length: n }, () => 0);
  for (let cycle = 0; cycle < 3000; cycle++) {
    state.forEach((s, i) => {
      const port = dut.in[i];
      if (!port) return;
      if (!s.offered && random.fraction() < produce) {
        s.offered = true;
        if (s.left === 0) s.left = 1 + Math.floor(random.fraction() * 4);
      }
      sim.poke(port.valid, s.offered ? 1 : 0);
      sim.poke(port.payload.source, i);
      sim.poke(port.payload.packet, s.packet & 0xfff);
      sim.poke(port.payload.last, s.left === 1 ? 1 : 0);
    });
    const ready = random.fraction() < consume;
    sim.poke(dut.out.ready, ready ? 1 : 0);
    const valid = sim.peek(dut.out.valid) === 1n;
    const source = Number(sim.peek(dut.out.payload.source));
    // A word that was offered stays until it is taken.
    if (held !== undefined) expect([valid, BigInt(source)]).toEqual([true, held]);
    held = valid && !ready ? BigInt(source) : undefined;
    if (valid && ready) {
      const s = state[source];
      if (!s) throw new Error(`no source ${source}`);
      if (open !== undefined) expect(source).toBe(open);
      expect(sim.peek(dut.out.payload.packet)).toBe(BigInt(s.packet & 0xfff));
      open = sim.peek(dut.out.payload.last) ? undefined : source;
      if (open === undefined) wins[source] = (wins[source] ?? 0) + 1;
    }
    state.forEach((s, i) => {
      const port = dut.in[i];
      if (!port || !s.offered || !sim.peek(port.ready)) return;
      s.offered = false;
      s.left--;
      if (s.left === 0) s.packet++;
    });
    sim.step();
  }
  expect(Math.min(...wins)).toBeGreaterThan(100);
  if (produce === 1) expect(Math.max(...wins) - Math.min(...wins)).toBeLessThanOrEqual(1);
});
