import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import { Multicaster } from '../src/switch/multicaster.ts';
import { TlpClass } from '../src/switch/tlp-class.ts';
import { creditsOf, memoryWrite, type Packet } from '../src/tlp/packet.ts';
import { numberOf, setFields, setNumber } from './dma-model.ts';
import { PacketSink, PacketSource, withAnyFields } from './tlp-model.ts';

const max_payload = 512;
const pageBits = 52n;

/** A write of any length to an address of a window of 64 groups, which may lie anywhere. */
function anyWrite(random: Random, window: { readonly first: bigint; readonly shift: number }, group: number): Packet {
  const bytes = 4 * random.pick([1, 32, 33, 64, 65, 128, 1 + random.below(128)]);
  const page = window.first + (BigInt(group) << BigInt(window.shift)) + (random.bits(52) & ((1n << BigInt(window.shift)) - 1n));
  const inside = BigInt(4 * random.below((4096 - bytes) / 4 + 1));
  const who = { requester_id: random.below(2 ** 16), tag: random.below(2 ** 10) };
  return withAnyFields(random, memoryWrite({ ...who, address: (page << 12n) + inside, data: random.bytes(bytes) }));
}

describe.each([
  [64, 6],
  [128, 3],
  [256, 6],
  [512, 20],
])('Multicaster of %i bits and %i ports', (width, ports) => {
  const all = ports + 1;
  test('C4 C97: any write goes unaltered to just those ports that receive its group, are open and may have so long a payload, the lowest first; its end is told when all copies have left', () => {
    const slots = 256;
    using sim = simulate(() => new Multicaster({ width, ports, max_payload, slots }));
    const { dut } = sim;
    const random = new Random(width);
    const source = new PacketSource(sim, dut.in, random, 0.9);
    const copies = new PacketSink(sim, { ...dut.out, payload: dut.out.payload.beat } as never, random);
    const [egress, kind, credits] = [dut.out.payload.egress, dut.out.payload.class, dut.out.payload.credits].map(s =>
      sim.port(s),
    );
    const most = Math.floor((slots * width) / (8 * max_payload + width));
    const reached = new Set<number>();
    for (let i = 0; i < 160; i++) {
      const where = `seed ${width}, write ${i}`;
      const shift = random.below(46);
      const last = (1n << pageBits) - 1n - (64n << BigInt(shift));
      const first = (random.bits(52) & last) >> BigInt(random.below(2) * 32);
      const group = random.below(64);
      const packet = anyWrite(random, { first, shift }, group);
      const from = random.below(all);
      // Now and then all receive it.
      const everybody = random.chance(0.1);
      const open = everybody ? 2 ** all - 1 : random.below(2 ** all) | random.below(2 ** all);
      const plan = Array.from({ length: all }, () => ({
        receive: everybody ? 2n ** 64n - 1n : random.bits(64) | (random.bits(64) & random.bits(64)),
        limit: everybody ? 2 : random.below(3),
      }));
      plan.forEach(({ receive, limit }, port) => {
        setFields(sim, at(dut.controls, port), { receive, first, shift });
        setNumber(sim.port(at(dut.limits, port)), limit);
      });
      sim.poke(dut.open, open);
      const expected = plan.flatMap(({ receive, limit }, port) =>
        (receive >> BigInt(group)) & 1n && (open >> port) & 1 && port !== from && packet.payload.length <= 128 << limit
          ? [port]
          : [],
      );
      sim.settle();
      expect(sim.peek(dut.allowed), where).toBe(1n);
      setFields(sim, dut.begun, { valid: 1 });
      sim.poke(dut.origin, 1 << from);
      sim.step();
      setFields(sim, dut.begun, { valid: 0 });
      source.queue.push(packet);
      const went: number[] = [];
      let inside = 0;
      let done = 0n;
      // Copies wait in the crossbar for any time; room is there for so many.
      const leaves = random.pick([0.02, 0.1, 1]);
      for (let cycle = 0; done === 0n; cycle++) {
        if (cycle > 5000) throw new RangeError(`${where}: no end`);
        const leaving = inside > 0 && random.chance(leaves);
        setFields(sim, dut.gone, { valid: leaving ? 1 : 0 });
        source.drive();
        copies.drive();
        sim.settle();
        expect(sim.peek(dut.allowed), where).toBe(0n);
        if (numberOf(sim.port(dut.out.valid)) === 1n && numberOf(sim.port(dut.out.payload.beat.first)) === 1n) {
          went.push(Math.log2(egress?.words[0] ?? 0));
          inside++;
          expect(
            [kind, credits].map(view => view?.words[0]),
            where,
          ).toEqual([1 << TlpClass.posted, creditsOf(packet)]);
        }
        if (leaving) inside--;
        reached.add(inside);
        source.sample(sim.cycle);
        copies.sample(sim.cycle);
        done = sim.peek(dut.done);
        if (done !== 0n) expect([done, inside, source.queue.length], where).toEqual([1n << BigInt(from), 0, 0]);
        sim.step();
      }
      setFields(sim, dut.gone, { valid: 0 });
      expect(went, where).toEqual(expected);
      expect(copies.received.splice(0), where).toEqual(expected.map(() => packet));
    }
    expect(Math.max(...reached)).toBeLessThanOrEqual(most);
    expect(Math.max(...reached)).toBeGreaterThanOrEqual(3);
  });
});
