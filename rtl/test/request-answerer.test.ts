import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import { RequestAnswerer } from '../src/switch/request-answerer.ts';
import { atomic, completionOf, configRead, configTarget, configWrite, memoryRead, type Packet } from '../src/tlp/packet.ts';
import { Status, TlpType } from '../src/tlp/tlp.ts';
import { numberOf, setNumber } from './dma-model.ts';
import { PacketSink, withAnyFields } from './tlp-model.ts';

const ports = 32;

/** A request of any kind, and the Byte Count and Lower Address of its completion (2.2.9, 2.3.1.1). */
function anyRequest(random: Random): { readonly request: Packet; readonly bytes: number; readonly lower: number } {
  const from = { requester_id: random.below(2 ** 16), tag: random.below(2 ** 10) };
  const kind = random.below(4);
  if (kind === 0) {
    const bytes = random.pick([1, 4096, 1 + random.below(4096)]);
    const address = (random.bits(64) & ~0xfffn) + BigInt(random.below(4097 - bytes));
    const read = memoryRead({ ...from, address, bytes });
    return {
      request: random.chance(0.2) ? { ...read, type: TlpType.memoryLocked } : read,
      bytes,
      lower: Number(address & 0x7fn),
    };
  }
  if (kind === 1) {
    const type = random.pick([TlpType.fetchAdd, TlpType.swap, TlpType.compareSwap]);
    const bytes = 4 << random.below(type === TlpType.compareSwap ? 3 : 2);
    const data = random.bytes(type === TlpType.compareSwap ? 2 * bytes : bytes);
    return { request: atomic(type, { ...from, address: random.bits(64) & ~15n, data }), bytes, lower: 0 };
  }
  const target = { bus: random.below(256), device: random.below(32), function: random.below(8), register: random.below(1024) };
  const config = { ...from, ...target, kind: random.pick([0, 1] as const) };
  const mask = random.below(16);
  const request = kind === 2 ? configRead(config) : configWrite({ ...config, data: random.below(2 ** 32), mask });
  return { request, bytes: 4, lower: 0 };
}

describe.each([64, 512])('RequestAnswerer of %i bits', width => {
  test('C24 C51 C55 C80: any request gets one completion, with the status that was noted or what was read, in the name of the port that it is of, and goes back the way it came', () => {
    using sim = simulate(() => new RequestAnswerer({ width, ports }));
    const { dut } = sim;
    const random = new Random(width);
    const sink = new PacketSink(sim, dut.out, random, 0.4);
    const get = (signal: Parameters<typeof sim.peek>[0]) => Number(sim.peek(signal));
    const beat = dut.beat;
    for (let i = 0; i < 400; i++) {
      const where = `seed ${width}, request ${i}`;
      const { request: plain, bytes, lower } = anyRequest(random);
      const request = withAnyFields(random, plain);
      const ids = dut.ids.map(() => random.below(2 ** 16));
      const words = dut.read_data.map(() => Number(random.bits(32)));
      dut.ids.forEach((id, port) => void sim.poke(id, at(ids, port)));
      const config = request.type === TlpType.config0 || request.type === TlpType.config1;
      const { device, register, bus } = configTarget(request);
      // A port that is there; of what is refused the one that it came in by.
      const exists = request.type === TlpType.config0 || device < ports;
      const access = config && exists && random.chance(0.8);
      const [from, status] = [random.below(ports + 1), random.pick([Status.unsupported, Status.retry, Status.abort])];
      const target = access ? (request.type === TlpType.config0 ? 0 : device + 1) : from;
      const data = request.payload.slice(0, 4).reduceRight((high, byte) => 256 * high + byte, 0);
      for (const [name, value] of Object.entries(request)) {
        const field = (beat.header as unknown as Record<string, Parameters<typeof sim.port>[0]>)[name];
        if (field) setNumber(sim.port(field), value as number | bigint);
      }
      sim.poke(beat.data, (BigInt(status) << 39n) | ((access ? 1n : 0n) << 38n) | (BigInt(from) << 32n) | BigInt(data));
      sim.poke(dut.take, 1);
      sim.step();
      sim.poke(dut.take, 0);
      // Nobody looks at the request again.
      sim.poke(beat.data, random.bits(width));
      setNumber(sim.port(beat.header.address), random.bits(64));
      sim.settle();
      const writes = (request.fmt & 2) !== 0;
      expect(get(dut.access_valid), where).toBe(access ? 2 ** target : 0);
      if (access) {
        const told = [dut.access_write, dut.access_register, dut.access_mask, dut.access_device].map(get);
        expect(told, where).toEqual([writes ? 1 : 0, register, request.first_be, (bus << 5) | device]);
        if (writes) expect(get(dut.access_data), where).toBe(data);
      }
      sim.step();
      dut.read_data.forEach((word, port) => void sim.poke(word, at(words, port)));
      let [done, aborted] = [0, 0];
      for (let cycle = 0; done === 0; cycle++) {
        if (cycle > 100) throw new RangeError(`${where}: no answer`);
        sink.drive();
        sim.settle();
        if (numberOf(sim.port(dut.out.valid)) === 1n) expect(get(dut.out_port), where).toBe(from);
        sink.sample(sim.cycle);
        [done, aborted] = [get(dut.done), get(dut.aborted)];
        if (done === 0) expect(aborted, where).toBe(0);
        sim.step();
      }
      expect(aborted, where).toBe(!access && status === Status.abort ? 2 ** from : 0);
      const [answer, ...more] = sink.received.splice(0);
      if (!answer) throw new RangeError(`${where}: no answer`);
      const reads = access && !writes;
      const { completer_id, status: how, byte_count, lower_address } = completionOf(answer);
      const { fmt, type, tc, attr, length, requester_id, tag, payload } = answer;
      expect(
        { completer_id, how, byte_count, lower_address, fmt, type, tc, attr, length, requester_id, tag, more },
        where,
      ).toEqual({
        completer_id: at(ids, target),
        how: access ? Status.success : status,
        byte_count: bytes,
        lower_address: lower,
        fmt: reads ? 2 : 0,
        type: request.type === TlpType.memoryLocked ? TlpType.completionLocked : TlpType.completion,
        tc: request.tc,
        attr: request.attr,
        length: reads ? 1 : 0,
        requester_id: request.requester_id,
        tag: request.tag,
        more: [],
      });
      if (reads)
        expect(
          payload.reduceRight((high, byte) => 256 * high + byte, 0),
          where,
        ).toBe(at(words, target));
    }
  });
});
