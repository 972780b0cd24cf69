import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { Broadcaster } from '../src/switch/broadcaster.ts';
import { memoryWrite, message, type Packet } from '../src/tlp/packet.ts';
import { numberOf, setNumber } from './dma-model.ts';
import { beatsOf, PacketSink, PacketSource, withAnyFields } from './tlp-model.ts';

describe.each([
  [64, 6, 512],
  [256, 9, 256],
  [512, 2, 512],
  [64, 1, 128],
])('Broadcaster of %i bits for %i ports', (width, ports, max_payload) => {
  test('C43: whatever comes is repeated unaltered for each port that wants it when it is complete, the lowest first, and no copy begins without room', () => {
    using sim = simulate(() => new Broadcaster({ width, ports, max_payload }));
    const { dut } = sim;
    const random = new Random(width);
    // What comes is taken at once: the beats of a source that is always ready.
    const put = { valid: dut.put, ready: dut.put, payload: dut.beat };
    const source = new PacketSource(sim, put as never, random, 0.8);
    const sink = new PacketSink(sim, dut.out, random, 0.7);
    const [valid, first, room, wanted] = [dut.out.valid, dut.out.payload.first, dut.room, dut.wanted].map(s => sim.port(s));
    if (!valid || !first || !room || !wanted) throw new RangeError('ports');
    for (let i = 0; i < 120; i++) {
      const where = `seed ${width}, message ${i}`;
      const from = { requester_id: random.below(2 ** 16), tag: random.below(2 ** 10) };
      const payload = random.bytes(4 * random.pick([0, 1, max_payload / 4, 1 + random.below(max_payload / 4)]));
      const plain = message({ ...from, route: random.below(6), code: random.below(256), address: random.bits(64), payload });
      const write = memoryWrite({ ...from, address: random.bits(62) << 2n, data: random.bytes(4) });
      const packet: Packet = withAnyFields(random, random.chance(0.7) ? plain : write);
      const chosen = random.below(2 ** ports) & random.pick([-1, random.below(2 ** ports)]);
      source.queue.push(packet);
      const went: number[] = [];
      let begun = false;
      let done = false;
      for (let cycle = 0; !done; cycle++) {
        if (cycle > 3000) throw new RangeError(`${where}: no end`);
        // What counts is who wants it with the last beat.
        const ends = source.queue.length === 1 && cycle > 0;
        setNumber(wanted, ends ? chosen : random.below(2 ** ports));
        // Room for a copy that is offered stays.
        room.words[0] = begun || random.chance(0.4) ? 1 : 0;
        source.drive();
        if (numberOf(sim.port(dut.put)) === 1n && numberOf(sim.port(dut.beat.last)) === 1n) setNumber(wanted, chosen);
        sink.drive();
        sim.settle();
        if (valid.words[0] === 1 && first.words[0] === 1) {
          expect(room.words[0], where).toBe(1);
          begun = numberOf(sim.port(dut.out.ready)) === 0n;
          if (!begun) went.push(Math.log2(Number(sim.peek(dut.out_port))));
        }
        sink.sample(sim.cycle);
        source.sample(sim.cycle);
        done = sim.peek(dut.done) === 1n;
        sim.step();
      }
      const expected = [...Array(ports).keys()].filter(port => (chosen >> port) & 1);
      expect(went, where).toEqual(expected);
      expect(sink.received.splice(0), where).toEqual(expected.map(() => packet));
      expect(beatsOf(packet, width / 8), where).toBeLessThanOrEqual((8 * max_payload) / width + 1);
    }
  });
});
