import { describe, expect, test } from 'vitest';
import { simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { completion, configRead, configWrite, memoryRead, memoryWrite, type Packet, packetName } from '../src/tlp/packet.ts';
import { TlpType } from '../src/tlp/tlp.ts';
import {
  Bars,
  checkReadCompletions,
  completerId,
  FunctionModel,
  openState,
  ReceiveSide,
  randomRequest,
  requesterId,
  run,
  setState,
} from './receive-model.ts';
import { PacketSink, PacketSource } from './tlp-model.ts';

const widths = [64, 128, 256, 512];
const config = (register: number) => ({ kind: 0 as const, bus: 0x43, device: 5, function: 0, register, requester_id: 8, tag: 3 });

function bench(width: number, options: { seed?: number; rx?: number; tx?: number; mps?: number; depth?: number } = {}) {
  const { seed = 1, rx = 1, tx = 1, mps = 1, depth = 256 } = options;
  const sim = simulate(() => new ReceiveSide({ width, request_depth: depth }));
  const random = new Random(seed);
  const source = new PacketSource(sim, sim.dut.rx, random, rx);
  const sink = new PacketSink(sim, sim.dut.tx, random, tx);
  const completions = new PacketSink(sim, sim.dut.completion, random);
  setState(sim, sim.dut.state, openState(mps));
  return { sim, random, source, sink, completions, ends: [source, sink, completions] };
}

/** Requests of one round: writes to a 4 KiB page and to registers, other things, then reads of what was written. */
function round(random: Random, page: number): Packet[] {
  const sizes = [1, 1, 2, 3, 7, 8, 9, 16, 31, 32, 33, 64, 100];
  const request = (write: boolean, base: bigint, bytes: number, largest: number): Packet => {
    const dws = Math.min(random.pick(sizes), largest);
    const offset = 4 * random.below(bytes / 4 - dws + 1);
    return randomRequest(random, { address: base + BigInt(offset), dws, write });
  };
  const bar2 = Bars.bar2 + BigInt(page * 4096);
  const bar0 = Bars.bar0 + BigInt(page * 1024);
  const others = [
    randomRequest(random, { address: Bars.bar2 + BigInt(Bars.bar2_bytes - 4), dws: 2, write: random.chance(0.5) }),
    randomRequest(random, { address: Bars.bar0 - 64n, dws: 20, write: random.chance(0.5) }),
    { ...randomRequest(random, { address: 0x1000n, dws: 1, write: true }), type: TlpType.message },
    { ...randomRequest(random, { address: 0x1000n, dws: 4, write: true }), type: 0b01110 },
    configRead(config(random.below(1024))),
    configRead({ ...config(random.below(1024)), function: 1 }),
    configRead({ ...config(random.below(1024)), kind: 1 }),
    configWrite({ ...config(random.below(1024)), bus: random.below(256), data: random.below(2 ** 32), mask: random.below(16) }),
  ];
  return [
    ...Array.from({ length: 6 }, () => request(true, bar2, 4096, 128)),
    ...Array.from({ length: 2 }, () => request(true, bar0, 1024, 20)),
    random.pick(others),
    ...Array.from({ length: 6 }, () => request(false, bar2, 4096, 128)),
    random.pick(others),
    ...Array.from({ length: 2 }, () => request(false, bar0, 1024, 40)),
    request(false, bar2, 4096, 1),
  ];
}

describe.each(widths)('width %d', width => {
  test.each([
    [1, 1, 1],
    [1, 0.5, 0],
    [0.5, 1, 2],
    [0.6, 0.6, 1],
  ])('C3 C8 C12 C13 C24 C50 C51 C53 C54 C55 C56 C57 C71a: answers as the model does: rx rate %d, tx rate %d, MPS code %d', (rx, tx, mps) => {
    const seed = 1;
    const { sim, random, source, sink, ends } = bench(width, { seed, rx, tx, mps });
    using _ = sim;
    const model = new FunctionModel();
    model.mps = mps;
    const expected: Packet[] = [];
    const checks: { readonly request: Packet; readonly from: number; readonly to: number }[] = [];
    for (let rounds = 0; rounds < 2; rounds++) {
      for (const page of [0, 1, 2, 3]) {
        for (const request of round(random, page)) {
          source.queue.push(request);
          const answer = model.perform(request);
          if (request.type === TlpType.memory && answer[0] && answer[0].payload.length > 0)
            checks.push({ request, from: expected.length, to: expected.length + answer.length });
          expected.push(...answer);
        }
      }
      run(sim, ends, 20_000, () => source.queue.length === 0 && sink.received.length >= expected.length);
      run(sim, ends, 20);
      expect(sink.received.length, `completions, seed ${seed}`).toBe(expected.length);
    }
    sink.received.forEach((packet, i) => {
      expect(packet, `completion ${i} ${packetName(packet)}, seed ${seed}`).toEqual(expected[i]);
    });
    for (const { request, from, to } of checks) checkReadCompletions(request, sink.received.slice(from, to), mps);
    expect(Number(sim.peek(sim.dut.dropped))).toBe(model.dropped);
    const { bytes } = sim.memory('bar_memory.bytes');
    expect(Buffer.compare(bytes.subarray(0, Bars.bar2_bytes), model.memory), `memory, seed ${seed}`).toBe(0);
  });

  test.each([128, 256, 512, 4096])('sends the answers to aligned reads of %d bytes without an idle beat', bytes => {
    const { sim, random, source, sink, ends } = bench(width);
    using _ = sim;
    const count = 3 * Math.ceil(8192 / bytes);
    const beats = (bytes * 8) / width;
    for (let i = 0; i < count; i++) {
      const address = Bars.bar2 + BigInt(bytes * random.below(Bars.bar2_bytes / bytes));
      source.queue.push(memoryRead({ requester_id: requesterId, tag: i & 0xff, address, bytes }));
    }
    const used: number[] = [];
    const watch = { drive() {}, sample: (cycle: number) => void (sink.beats > used.length && used.push(cycle)) };
    run(sim, [...ends, watch], 20_000, () => sink.beats === count * beats);
    expect(sink.beats).toBe(count * beats);
    const cycles = (used.at(-1) ?? 0) - (used[0] ?? 0) + 1;
    expect((count * beats) / cycles).toBeGreaterThanOrEqual(0.99);
  });

  test('answers reads of one DW at one per cycle', () => {
    const { sim, source, sink, ends } = bench(width);
    using _ = sim;
    for (let i = 0; i < 100; i++)
      source.queue.push(memoryRead({ requester_id: requesterId, tag: i, address: Bars.bar2 + BigInt(4 * i), bytes: 4 }));
    run(sim, ends, 1000, () => sink.received.length === 100);
    expect((sink.times.at(-1) ?? 0) - (sink.times[0] ?? 0)).toBe(99);
  });

  test('C61: takes writes at a beat per cycle, an unaligned one at one cycle more, with tx at a standstill', () => {
    const { sim, source, ends } = bench(width, { tx: 0, depth: 16 });
    using _ = sim;
    const dws = 64;
    const beats = dws / (width / 32);
    const writes = (offset: number) => {
      const data = new Uint8Array(4 * dws).fill(7);
      for (let i = 0; i < 20; i++) {
        const address = Bars.bar2 + BigInt(512 * i + offset);
        source.queue.push(memoryWrite({ requester_id: requesterId, tag: 0, address, data }));
      }
      return run(sim, ends, 5000, () => source.queue.length === 0);
    };
    for (let i = 0; i < 16; i++) source.queue.push(configRead(config(i)));
    source.queue.push(completion(configRead(config(0)), { completer_id: 1 }, new Uint8Array(4)));
    expect(run(sim, ends, 100, () => source.queue.length === 0)).toBe(17);
    expect(writes(0)).toBe(20 * beats);
    // The last one's extra cycle comes after its last beat.
    expect(writes(4)).toBe(20 * beats + 19);
    run(sim, ends, 10);
    const written = sim.memory('bar_memory.bytes').bytes.subarray(0, Bars.bar2_bytes);
    expect(written.reduce((sum, byte) => sum + byte, 0)).toBe(7 * 20 * (4 * dws + 4));
  });
});

test.each([
  ['BAR2', memoryRead({ requester_id: 1, tag: 1, address: Bars.bar2 + 64n, bytes: 64 }), 6],
  ['BAR2 across a word', memoryRead({ requester_id: 1, tag: 1, address: Bars.bar2 + 68n, bytes: 64 }), 7],
  ['BAR0', memoryRead({ requester_id: 1, tag: 1, address: Bars.bar0 + 4n, bytes: 4 }), 7],
  ['configuration space', configRead(config(0)), 6],
  ['unclaimed', memoryRead({ requester_id: 1, tag: 1, address: 0n, bytes: 4 }), 5],
])('latency from rx to tx in cycles: %s', (_, request, cycles) => {
  const { sim, source, sink, ends } = bench(256);
  using __ = sim;
  source.queue.push(request);
  run(sim, ends, 50, () => sink.received.length > 0);
  expect((sink.times[0] ?? 0) - (source.times[0] ?? 0)).toBe(cycles);
});

test('C60: a read right behind a write sees it, whatever the alignment and the length of the write', () => {
  const { sim, random, source, sink, ends } = bench(256);
  using _ = sim;
  for (const base of [Bars.bar2, Bars.bar0]) {
    for (let offset = 0; offset < 64; offset += 4) {
      for (const dws of [1, 2, 7, 8, 9, 15, 16]) {
        const address = base + BigInt(offset);
        const data = random.bytes(4 * dws);
        source.queue.push(memoryWrite({ requester_id: requesterId, tag: 0, address, data }));
        const end = address + BigInt(4 * (dws - 1));
        source.queue.push(memoryRead({ requester_id: requesterId, tag: 0, address: end, bytes: 4 }));
        run(sim, ends, 200, () => sink.received.length > 0);
        expect([...(sink.received.pop()?.payload ?? [])], `${dws} DW at ${offset}`).toEqual([...data.slice(-4)]);
      }
    }
  }
});

test('C24: the completion of a configuration write, and all later ones, carry the ID that it was sent to', () => {
  const { sim, source, sink, ends } = bench(256);
  using _ = sim;
  source.queue.push(configRead(config(1)), configWrite({ ...config(1), bus: 0x77, data: 5 }), configRead(config(1)));
  run(sim, ends, 100, () => sink.received.length === 3);
  const ids = sink.received.map(p => Number(p.address >> 48n));
  expect(ids).toEqual([completerId, 0x7728, 0x7728]);
  expect(sink.received[2]?.payload[0]).toBe(5);
});
