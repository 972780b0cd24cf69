import { describe, expect, test } from 'vitest';
import { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';
import {
  atomic,
  completionOf,
  configRead,
  configWrite,
  memoryRead,
  memoryWrite,
  type Packet,
  poisoned,
} from '../src/tlp/packet.ts';
import { TlpType } from '../src/tlp/tlp.ts';
import { run } from './link-bench.ts';
import { ids, open, Receiver, requesterId } from './receive-bench.ts';

const from = { requester_id: requesterId, tag: 3 };
const bars = { registers0: 0xe000_3000n, memory0: 0x12_3400_4000n, memory1: 0x55_0000_2000n, registers2: 0xf000_2000n };
const config = (f: number, register: number, device = 5) => ({
  ...from,
  kind: 0 as const,
  bus: 0x43,
  device,
  function: f,
  register,
});
const read = (address: bigint, bytes = 4) => memoryRead({ ...from, address, bytes });
const write = (address: bigint, ...data: number[]) => memoryWrite({ ...from, address, data: Uint8Array.from(data) });

/** Sends, waits for everything. @returns status and completer of each completion. */
function ask(bench: Receiver, ...packets: Packet[]) {
  bench.send(...packets);
  bench.run();
  return bench.tx.received.splice(0).map(p => ({ ...completionOf(p), payload: [...p.payload] }));
}
const statuses = (bench: Receiver, ...packets: Packet[]) => ask(bench, ...packets).map(c => [c.status, c.completer_id]);
const reports = (bench: Receiver) => bench.reports.received.splice(0).map(r => [r.kind, r.functions, r.advisory]);

test('C83 C51 C89: a function without memory space claims nothing: posted writes are dropped and reported, reads get Unsupported Request as advisory', () => {
  using bench = new Receiver({ width: 128, random: new Random(1) });
  bench.set(0, { ...open, memory_enable: 0 });
  expect(statuses(bench, read(bars.memory0))).toEqual([[1, ids[0]]]);
  expect(reports(bench)).toEqual([[20, 0xff, 1]]);
  expect(ask(bench, write(bars.memory0, 1, 2, 3, 4))).toEqual([]);
  expect(reports(bench)).toEqual([[20, 0xff, 0]]);
  expect(statuses(bench, write(bars.memory1, 9, 9, 9, 9), read(bars.memory1), configRead(config(0, 1)))).toEqual([
    [0, ids[1]],
    [0, ids[0]],
  ]);
  bench.set(0, open);
  expect(ask(bench, read(bars.memory0)).map(c => c.payload)).toEqual([[0, 0, 0, 0]]);
  expect(reports(bench)).toEqual([]);
});

test('C26 C84: configuration requests to a function that is reset or not ready get retry status, and no error is reported', () => {
  using bench = new Receiver({ width: 64, random: new Random(1) });
  bench.set(1, { ...open, memory_enable: 0, resetting: 1 });
  bench.sim.poke(bench.sim.dut.retry, 0b100);
  const requests = [0, 1, 2].flatMap(f => [configRead(config(f, 4)), configWrite({ ...config(f, 4), data: 77 + f })]);
  expect(statuses(bench, ...requests)).toEqual([
    [0, ids[0]],
    [0, ids[0]],
    [2, ids[1]],
    [2, ids[1]],
    [2, ids[2]],
    [2, ids[2]],
  ]);
  expect(reports(bench)).toEqual([]);
  bench.set(1, open);
  bench.sim.poke(bench.sim.dut.retry, 0);
  expect(ask(bench, ...[0, 1, 2].map(f => configRead(config(f, 4)))).map(c => c.payload[0])).toEqual([77, 0, 0]);
});

test('C26 C84 C86: a reset that begins in any cycle behind a configuration request: what the function did not do gets retry status', () => {
  using bench = new Receiver({ width: 64, random: new Random(1) });
  const { sim } = bench;
  const seen = new Set<string>();
  for (let cycles = 0; cycles < 14; cycles++) {
    const before = 100 + cycles;
    expect(statuses(bench, configWrite({ ...config(2, 4), data: before }))).toEqual([[0, ids[2]]]);
    bench.send(configRead(config(2, 4)), configWrite({ ...config(2, 4), data: 7 }));
    run(sim, bench.actors, cycles);
    if (cycles % 2 === 0) sim.poke(sim.dut.retry, 0b100);
    else bench.set(2, { ...open, resetting: 1 });
    const [was, wrote] = ask(bench);
    sim.poke(sim.dut.retry, 0);
    bench.set(2, open);
    expect([was?.completer_id, wrote?.completer_id]).toEqual([ids[2], ids[2]]);
    expect(was?.payload, `${cycles} cycles`).toEqual(was?.status === 0 ? [before, 0, 0, 0] : []);
    expect(ask(bench, configRead(config(2, 4)))[0]?.payload[0], `${cycles} cycles`).toBe(wrote?.status === 0 ? 7 : before);
    seen.add(`${was?.status} ${wrote?.status}`);
  }
  expect([...seen].sort()).toEqual(['0 0', '0 2', '2 2']);
  expect(reports(bench)).toEqual([]);
});

test('C24: each function takes its bus and device number from a configuration write, and completes with it from then on', () => {
  using bench = new Receiver({ width: 64, random: new Random(1) });
  const renumber = configWrite({ ...config(1, 3), bus: 0x77, device: 2, data: 1 });
  expect(statuses(bench, read(bars.memory1), read(bars.memory0), renumber, read(bars.memory1), read(bars.memory0))).toEqual([
    [0, ids[1]],
    [0, ids[0]],
    [0, 0x7711],
    [0, 0x7711],
    [0, ids[0]],
  ]);
});

test.each([
  [false, 0],
  [true, 1],
])('C26: with ARI (%s) a device number is part of the function number', (ari, status) => {
  using bench = new Receiver({ width: 64, random: new Random(1), ari });
  expect(statuses(bench, configRead(config(1, 0, 5)))).toEqual([[status, ids[status === 0 ? 1 : 0]]]);
  expect(statuses(bench, configRead(config(1, 0, 0)))).toEqual([[0, ids[1]]]);
  expect(statuses(bench, configRead(config(3, 0, 0)))).toEqual([[1, ids[0]]]);
  expect(reports(bench).at(-1)).toEqual([20, 0xff, 1]);
});

test('C94: a BAR that was made smaller shows the beginning of its memory, one made larger does not go beyond it', () => {
  using bench = new Receiver({ width: 256, random: new Random(1) });
  const bar = at(at(bench.sim.dut.controls, 0).bars, 1);
  bench.setBar(bar, 0x9_0000_3000n, 4096);
  ask(bench, write(0x9_0000_3ffcn, 1, 2, 3, 4));
  expect([...bench.memory.subarray(0xffc, 0x1000)]).toEqual([1, 2, 3, 4]);
  expect(statuses(bench, read(0x9_0000_2000n), read(0x9_0000_4000n), read(0x9_0000_3ffcn))).toEqual([
    [1, ids[0]],
    [1, ids[0]],
    [0, ids[0]],
  ]);
  bench.setBar(bar, 0x9_0001_0000n, 0x1_0000);
  expect(statuses(bench, read(0x9_0001_3ffcn), read(0x9_0001_4000n), read(0x9_0001_fffcn))).toEqual([
    [0, ids[0]],
    [1, ids[0]],
    [1, ids[0]],
  ]);
});

test('of overlapping BARs the first has the request', () => {
  using bench = new Receiver({ width: 64, random: new Random(1) });
  bench.setBar(at(at(bench.sim.dut.controls, 1).bars, 0), bars.memory0, 0x2000);
  ask(bench, write(bars.memory0, 5, 6, 7, 8));
  expect([...bench.memory.subarray(0, 4), ...bench.memory.subarray(0x4000, 0x4004)]).toEqual([5, 6, 7, 8, 0, 0, 0, 0]);
});

test('C52: a read of more registers than allowed is aborted and reported, and the next one works', () => {
  using bench = new Receiver({ width: 512, random: new Random(1) });
  const long = read(bars.registers2 + 16n, 12);
  const answers = ask(bench, write(bars.registers2 + 16n, 1, 2, 3, 4, 5, 6, 7, 8), long, read(bars.registers2 + 16n, 8));
  expect(answers).toMatchObject([
    { status: 4, byte_count: 12, lower_address: 16, payload: [] },
    { status: 0, payload: [1, 2, 3, 4, 5, 6, 7, 8] },
  ]);
  expect(reports(bench)).toEqual([[15, 4, 1]]);
});

test('C71b: poisoned data is not used: writes vanish, configuration writes and AtomicOps get Unsupported Request', () => {
  using bench = new Receiver({ width: 128, random: new Random(1) });
  ask(bench, write(bars.memory1, 1, 1, 1, 1, 1, 1, 1, 1), configWrite({ ...config(2, 9), data: 5 }));
  ask(bench, poisoned(memoryWrite({ ...from, address: bars.memory1, data: new Uint8Array(64).fill(9) })));
  expect(reports(bench)).toEqual([[12, 2, 0]]);
  ask(bench, poisoned(write(bars.registers0, 9, 9, 9, 9)));
  expect(reports(bench)).toEqual([[12, 1, 0]]);
  const add = atomic(TlpType.fetchAdd, { ...from, address: bars.memory1, data: Uint8Array.from([1, 0, 0, 0]) });
  expect(statuses(bench, poisoned(add))).toEqual([[1, ids[1]]]);
  expect(reports(bench)).toEqual([[12, 2, 1]]);
  expect(statuses(bench, poisoned(configWrite({ ...config(2, 9), data: 6 })))).toEqual([[1, ids[2]]]);
  expect(reports(bench)).toEqual([[12, 4, 1]]);
  const seen = ask(bench, read(bars.memory1), read(bars.registers0), configRead(config(2, 9))).map(c => c.payload);
  expect(seen).toEqual([
    [1, 1, 1, 1],
    [0, 0, 0, 0],
    [5, 0, 0, 0],
  ]);
});

test('C98: a function that completes no AtomicOps answers them with Unsupported Request and leaves its memory alone', () => {
  using bench = new Receiver({ width: 128, random: new Random(1), atomics: [true, false, false] });
  const add = (address: bigint) => atomic(TlpType.fetchAdd, { ...from, address, data: Uint8Array.from([5, 0, 0, 0]) });
  expect(statuses(bench, add(bars.memory1))).toEqual([[1, ids[1]]]);
  expect(reports(bench)).toEqual([[20, 0xff, 1]]);
  expect(statuses(bench, add(bars.memory0))).toEqual([[0, ids[0]]]);
  expect(reports(bench)).toEqual([]);
  const seen = ask(bench, read(bars.memory0), read(bars.memory1)).map(c => c.payload);
  expect(seen).toEqual([
    [5, 0, 0, 0],
    [0, 0, 0, 0],
  ]);
});

describe.each([64, 512])('order, width %d', width => {
  test('C8 C60: a read of nothing is answered when all posted writes before it are done, however long they take', () => {
    using bench = new Receiver({ width, random: new Random(1) });
    const { sim } = bench;
    const { register_write } = sim.dut;
    let stalled = true;
    let written = 0;
    bench.actors.push({
      drive: () => {
        sim.port(register_write.ready).words[0] = stalled ? 0 : 1;
      },
      sample: () => {
        if (sim.port(register_write.valid).words[0] && !stalled) written++;
      },
    });
    bench.send(
      memoryWrite({ ...from, address: bars.registers0, data: new Uint8Array(4).fill(1) }),
      memoryWrite({ ...from, address: bars.registers0 + 4n, data: new Uint8Array(4).fill(1) }),
      memoryWrite({ ...from, address: bars.registers0 + 8n, data: new Uint8Array(80).fill(1) }),
      memoryRead({ ...from, address: bars.memory1, bytes: 0 }),
    );
    const flush = () => {
      for (let i = 0; i < 60; i++) {
        for (const actor of bench.actors) actor.drive(sim.cycle);
        sim.settle();
        for (const actor of bench.actors) actor.sample(sim.cycle);
        sim.step();
      }
    };
    flush();
    expect(bench.tx.received).toEqual([]);
    stalled = false;
    bench.tx.onPacket = () => expect(written, 'register writes before the answer').toBe(22);
    bench.run(() => bench.tx.received.length === 1);
    expect(bench.tx.received[0]).toMatchObject({ length: 1 });
    expect(completionOf(at(bench.tx.received, 0))).toMatchObject({ byte_count: 1, status: 0 });
  });

  test('C60: a read sees the write before it, whatever their alignment and what else is under way', () => {
    const random = new Random(9);
    using bench = new Receiver({ width, random });
    for (let i = 0; i < 60; i++) {
      const address = bars.memory0 + BigInt(random.below(500));
      const data = random.bytes(1 + random.below(200));
      const add = atomic(TlpType.swap, { ...from, address: bars.memory1, data: random.bytes(8) });
      const noise = write(bars.registers0, ...random.bytes(16));
      const end = address + BigInt(data.length - 1);
      bench.send(...random.pick([[], [add], [noise], [add, noise]]), memoryWrite({ ...from, address, data }), read(end, 1));
      bench.run(() => bench.tx.received.some(p => completionOf(p).byte_count === 1));
      const answer = bench.tx.received.splice(0).at(-1);
      expect(answer?.payload[Number(end & 3n)], `TLP ${i}`).toBe(data.at(-1));
    }
  });

  test('C61: posted writes without end do not keep a read waiting', () => {
    const random = new Random(2);
    using bench = new Receiver({ width, random });
    const first = read(bars.memory1);
    bench.send(write(bars.memory0, 1), first);
    for (let i = 0; i < 300; i++) bench.send(write(bars.memory0 + BigInt(4 * i), 1, 2, 3, 4));
    bench.run(() => bench.tx.times.length === 1);
    expect((bench.tx.times[0] ?? 0) - (bench.non_posted.times[0] ?? 0)).toBeLessThanOrEqual(8);
  });
});
