import { beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../hdl/test/random.ts';
import { atomic, configRead, memoryRead, memoryWrite, type Packet } from '../src/tlp/packet.ts';
import { TlpType } from '../src/tlp/tlp.ts';
import { beatsOf } from './link-bench.ts';
import { Receiver, requesterId } from './receive-bench.ts';

const bar = 0x12_3400_4000n;
const registers = 0xe000_3000n;
const from = { requester_id: requesterId, tag: 1 };

describe.each([64, 128, 256, 512])('width %d', width => {
  const bytesPerBeat = width / 8;
  const random = new Random(5);
  let bench: Receiver;
  let writes: number[];
  beforeAll(() => {
    bench = new Receiver({ width, random });
    const { sim } = bench;
    bench.set(0, { memory_enable: 1, mps: 5, resetting: 0 });
    writes = [];
    const write = sim.port(sim.dut.writes);
    const register = sim.port(sim.dut.register_write.valid);
    bench.actors.push({ drive() {}, sample: cycle => void ((write.words[0] || register.words[0]) && writes.push(cycle)) });
    return () => bench[Symbol.dispose]();
  });

  /** Cycles in which the sink took beats while it took as many as the answers have. */
  function answerCycles(packets: readonly Packet[], beats: number): number {
    const used: number[] = [];
    const before = bench.tx.beats;
    const watch = { drive() {}, sample: (cycle: number) => void (bench.tx.beats - before > used.length && used.push(cycle)) };
    bench.actors.push(watch);
    bench.send(...packets);
    bench.run(() => bench.tx.beats - before >= beats);
    bench.actors.splice(bench.actors.indexOf(watch), 1);
    expect(used.length).toBe(beats);
    return (used.at(-1) ?? 0) - (used[0] ?? 0) + 1;
  }

  test.each([
    [4, 0],
    [4, 12],
    [64, 0],
    [64, 4],
    [64, 60],
    [256, 0],
    [256, 36],
    [1024, 8],
  ])('writes of %d bytes at offset %d: a beat per cycle in, a word per cycle into the memory', (bytes, offset) => {
    const packets = Array.from({ length: 24 }, (_, i) =>
      memoryWrite({ ...from, address: bar + BigInt(((i * 2048) & 0x1fff) + offset), data: random.bytes(bytes) }),
    );
    const beats = packets.reduce((sum, p) => sum + beatsOf(p, bytesPerBeat), 0);
    writes.length = 0;
    bench.send(...packets);
    expect(bench.run()).toBe(beats);
    expect(writes.length).toBe(beats);
    expect((writes.at(-1) ?? 0) - (writes[0] ?? 0) + 1).toBe(beats);
  });

  test.each([
    ['registers, a DW each', registers + 8n, 4],
    ['memory, a byte each', bar + 3n, 1],
  ])('small writes to %s: a TLP per cycle', (_, address, bytes) => {
    writes.length = 0;
    bench.send(...Array.from({ length: 50 }, () => memoryWrite({ ...from, address, data: random.bytes(bytes) })));
    expect(bench.run()).toBe(50);
    expect((writes.at(-1) ?? 0) - (writes[0] ?? 0) + 1).toBe(50);
  });

  test.each([
    [4, 0],
    [4, 60],
    [64, 0],
    [64, 4],
    [64, 60],
    [256, 0],
    [256, 36],
    [4096, 0],
    [2048, 12],
  ])('C54 C57: reads of %d bytes at offset %d: the answers leave without an idle cycle', (bytes, offset) => {
    for (const mps of [5, 0]) {
      bench.set(0, { memory_enable: 1, mps, resetting: 0 });
      const limit = 128 << mps;
      const packets = Array.from({ length: bytes >= 2048 ? 4 : 24 }, (_, i) =>
        memoryRead({ ...from, address: bar + BigInt(((i * 4096) & 0x3fff) + offset), bytes }),
      );
      let each = 0;
      for (let at = offset; at < offset + bytes; ) {
        const to = Math.min(offset + bytes, (Math.floor(at / limit) + 1) * limit);
        each += Math.ceil((to - at) / bytesPerBeat);
        at = to;
      }
      const beats = each * packets.length;
      expect(answerCycles(packets, beats), `MPS ${limit}`).toBe(beats);
    }
    bench.set(0, { memory_enable: 1, mps: 5, resetting: 0 });
  });

  test('C51: requests that nobody claims are answered at one per cycle', () => {
    const packets = Array.from({ length: 40 }, () => memoryRead({ ...from, address: 0x5000n, bytes: 16 }));
    expect(answerCycles(packets, 40)).toBe(40);
    bench.reports.received.length = 0;
  });

  test.each([
    ['Swap', TlpType.swap, 4, 0, 4],
    ['Swap', TlpType.swap, 8, 0, 8],
    ['CAS', TlpType.compareSwap, 32, 0, 16],
    ['CAS', TlpType.compareSwap, 32, 8, 8],
  ])('C98: a read right behind a %s sees what it wrote (type %i, %i bytes of operands, from byte %i, %i bytes)', (_, type, bytes, at, length) => {
    const { mayStart } = bench.non_posted;
    for (let gap = 0; gap < 10; gap++) {
      const address = bar + 0x400n + BigInt(32 * gap);
      const [old, fresh] = [random.bytes(16), random.bytes(16)];
      bench.send(memoryWrite({ ...from, address, data: old }));
      bench.run();
      bench.tx.received.length = 0;
      const data = type === TlpType.swap ? fresh.slice(0, bytes) : Uint8Array.of(...old, ...fresh);
      const begin = bench.sim.cycle + gap;
      bench.non_posted.mayStart = packet => packet.type !== TlpType.memory || (mayStart(packet) && bench.sim.cycle >= begin);
      bench.send(atomic(type, { ...from, address, data }), memoryRead({ ...from, address: address + BigInt(at), bytes: length }));
      bench.run(() => bench.tx.received.length === 2);
      expect(bench.tx.received[1]?.payload, `${gap} cycles later`).toEqual(fresh.slice(at, at + length));
    }
    bench.non_posted.mayStart = mayStart;
  });

  test.each<readonly [string, Packet, number]>([
    ['memory, aligned', memoryRead({ ...from, address: bar + 64n, bytes: 64 }), 5],
    ['memory, across words', memoryRead({ ...from, address: bar + 68n, bytes: 64 }), 5],
    ['memory, a byte', memoryRead({ ...from, address: bar + 71n, bytes: 1 }), 5],
    ['nobody', memoryRead({ ...from, address: 0x5000n, bytes: 4 }), 5],
    ['configuration', configRead({ ...from, kind: 0, bus: 0x43, device: 5, function: 0, register: 1 }), 5],
    ['a register', memoryRead({ ...from, address: registers + 4n, bytes: 4 }), 6],
    ['two registers', memoryRead({ ...from, address: registers + 4n, bytes: 8 }), 7],
    ['FetchAdd', atomic(TlpType.fetchAdd, { ...from, address: bar + 8n, data: new Uint8Array(8) }), 8],
    ['Swap', atomic(TlpType.swap, { ...from, address: bar + 12n, data: new Uint8Array(4) }), 8],
  ])('latency from the non-posted stream to the first beat of the answer: %s', (_, request, cycles) => {
    const times = [bench.non_posted.times.length, bench.tx.times.length] as const;
    bench.send(request);
    bench.run(() => bench.tx.times.length > times[1]);
    expect((bench.tx.times[times[1]] ?? 0) - (bench.non_posted.times[times[0]] ?? 0)).toBe(cycles);
  });

  test.each([
    ['memory', bar + 20n],
    ['register', registers + 20n],
  ])('latency from the posted stream to the %s: 3 cycles', (_, address) => {
    writes.length = 0;
    bench.send(memoryWrite({ ...from, address, data: random.bytes(4) }));
    bench.run();
    expect((writes[0] ?? 0) - (bench.posted.times.at(-1) ?? 0)).toBe(3);
  });
});
