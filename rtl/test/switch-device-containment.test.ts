import { describe, expect, test } from 'vitest';
import { at } from '../src/at.ts';
import { completionOf, memoryRead, memoryWrite, message, messageCode, type Packet } from '../src/tlp/packet.ts';
import { MessageRoute, Status } from '../src/tlp/tlp.ts';
import { type BenchOptions, DeviceBench } from './switch-device-bench.ts';

const containment = 0x160;
const status = containment + 8;
const [fatalOnly, nonfatalToo] = [1 << 16, 2 << 16];
const unsupported = 1 << 18;
const correctable = 1 << 20;
const software = 1 << 22;

function configured(enable: number, options: Partial<BenchOptions> = {}): DeviceBench {
  const bench = new DeviceBench({ ports: 3, ...options });
  bench.configure();
  bench.write(1, containment + 4, enable);
  // Everything that can be reported upward is.
  bench.write(0, 0x3c, 1 << 17);
  bench.change(0, 4, 1 << 8);
  bench.write(1, 0x3c, 1 << 17);
  bench.change(1, 4, 1 << 8);
  bench.change(1, 0x58, 0xf);
  return bench;
}
const device = (bench: DeviceBench, port: number): number => (port === 0 ? 8 : at(bench.ports, port).secondary << 8);
const target = (bench: DeviceBench, to: number): bigint => (to === 0 ? 0x10_0000n : at(bench.ports, to).memory[0]);
const write = (bench: DeviceBench, from: number, to: number, bytes = 32): Packet =>
  memoryWrite({ requester_id: device(bench, from), tag: 0, address: target(bench, to), data: bench.random.bytes(bytes) });
const read = (bench: DeviceBench, from: number, to: number): Packet =>
  memoryRead({ requester_id: device(bench, from), tag: 7, address: target(bench, to), bytes: 64 });
/** A malformed TLP, which is fatal; a write into a hole, which is not. */
const malformed = (bench: DeviceBench): Packet => ({ ...write(bench, 1, 2), type: 0b00111 });
const stray = (bench: DeviceBench): Packet => ({ ...write(bench, 1, 2), address: 0x8010_0000n });
const errorMessage = (code: number): Packet => message({ requester_id: 0x0528, route: MessageRoute.toRootComplex, code });
const triggers = (bench: DeviceBench): undefined => {
  bench.change(1, containment + 4, software);
};

/** What contains port 1 with which enables, and the status that it leaves. */
const causes: readonly (readonly [string, number, (bench: DeviceBench) => Packet | undefined, number | undefined])[] = [
  ['a fatal error', fatalOnly, malformed, 0],
  ['a fatal error, with non-fatal ones enabled too', nonfatalToo, malformed, 0],
  ['a non-fatal error', nonfatalToo, stray, 0],
  ['a non-fatal error that is not enabled', fatalOnly, stray, undefined],
  ['a fatal error with nothing enabled', 0, malformed, undefined],
  ['ERR_FATAL', fatalOnly, () => errorMessage(0x33), (0x0528 << 16) | (2 << 1)],
  ['ERR_NONFATAL', nonfatalToo, () => errorMessage(0x31), (0x0528 << 16) | (1 << 1)],
  ['ERR_NONFATAL that is not enabled', fatalOnly, () => errorMessage(0x31), undefined],
  ['ERR_COR, which contains nothing', nonfatalToo, () => errorMessage(0x30), undefined],
  ['software', fatalOnly, triggers, (1 << 5) | (3 << 1)],
  ['software with nothing enabled', 0, triggers, undefined],
];

describe('what contains a port', () => {
  test.each(causes)('C91: %s', (_, enable, cause, left) => {
    using bench = configured(enable);
    const packet = cause(bench);
    if (packet) bench.partner(1).source.queue.push(packet);
    bench.run(60);
    expect(bench.read(1, status)).toBe(left === undefined ? 0 : left | 1);
    const up = left === undefined ? 1 : 0;
    expect([(bench.read(1, 0x60) >>> 29) & 1, Number(bench.sim.peek(at(bench.sim.dut.downstream_hot_reset, 0)))]).toEqual([
      up,
      1 - up,
    ]);
    // What contains the port is told by no message; what does not is.
    const told = bench.taken(0).length;
    expect(told).toBe(left === undefined && packet ? 1 : 0);
  });

  test('C91: what is enabled may change: each is contained by just what its port says now', () => {
    using bench = configured(nonfatalToo);
    const contained = () => bench.read(1, status) & 1;
    for (const [enable, cause, expected] of [
      [0, 0x33, 0],
      [fatalOnly, 0x31, 0],
      [nonfatalToo, 0x30, 0],
      [0, 0x31, 0],
      [nonfatalToo, 0x31, 1],
    ] as const) {
      bench.write(1, containment + 4, enable);
      bench.partner(1).source.queue.push(errorMessage(cause));
      bench.run(60);
      expect([contained(), bench.taken(0).map(messageCode)], `${enable >> 16} ${cause}`).toEqual([
        expected,
        expected ? [] : [cause],
      ]);
    }
  });

  test.each([1, 4])('C91: each of %i ports is contained by itself, and requests for it are aborted', ports => {
    const all = Array.from({ length: ports }, (_, j) => j + 1);
    for (const port of all) {
      using bench = new DeviceBench({ ports });
      bench.configure();
      bench.write(port, containment + 4, fatalOnly);
      bench.partner(port).source.queue.push({ ...write(bench, port, 0), type: 0b00111 });
      bench.run(40);
      bench.reset([port], true);
      bench.send(0, read(bench, 0, port));
      expect(bench.taken(0).map(packet => completionOf(packet).status)).toEqual([Status.abort]);
      expect(all.map(each => bench.read(each, status) & 1)).toEqual(all.map(each => (each === port ? 1 : 0)));
      // Free again, its link comes up, and requests pass.
      bench.write(port, status, 1);
      bench.reset([port], false);
      bench.send(0, read(bench, 0, port));
      expect(bench.taken(port).length).toBe(1);
    }
  });

  test('C88 C91: a masked error contains nothing, and an advisory one neither', () => {
    using bench = configured(nonfatalToo);
    bench.change(1, 0x108, 1 << 20);
    bench.send(1, stray(bench), { ...write(bench, 1, 3), ep: 1 }, read(bench, 1, 1));
    expect([bench.read(1, status), bench.read(1, 0x104), bench.taken(3).length]).toEqual([0, 1 << 20, 1]);
  });

  /** Bits of the severity register: what is 1 there is fatal. */
  const fatal = { poisoned: 1 << 12, malformed: 1 << 18, unsupported: 1 << 20 };
  const poisoned = (bench: DeviceBench): Packet => ({ ...write(bench, 1, 3), ep: 1 });
  const behindItself = (bench: DeviceBench): Packet => read(bench, 1, 1);
  test.each([
    ['a refused request that is answered', 0, behindItself, 0],
    ['the same where that is fatal', fatal.unsupported, behindItself, 1],
    ['a refused write', 0, stray, 1],
    ['a malformed request', 0, bench => ({ ...read(bench, 1, 2), type: 0b00111 }), 1],
    ['a poisoned write that is passed on', 0, poisoned, 0],
    ['the same where that is fatal', fatal.poisoned, poisoned, 1],
    ['a write that is not poisoned, where that is fatal', fatal.poisoned, bench => write(bench, 1, 3), 0],
    ['a request that is not refused, where that is fatal', fatal.unsupported, bench => read(bench, 1, 3), 0],
  ] satisfies readonly [
    string,
    number,
    (bench: DeviceBench) => Packet,
    number,
  ][])('C88 C91: what somebody else hears of contains a port only if it is fatal: %s', (_, severity, packet, contained) => {
    using bench = configured(nonfatalToo);
    bench.write(1, 0x10c, severity);
    bench.partner(1).source.queue.push(packet(bench));
    bench.run(60);
    expect(bench.read(1, status) & 1).toBe(contained);
  });

  test('C91: a surprise that is fatal contains the port', () => {
    using bench = configured(fatalOnly);
    bench.link(1, false);
    bench.run(20);
    expect([bench.read(1, status), bench.read(1, 0x104), bench.taken(0)]).toEqual([1, 1 << 5, []]);
    bench.write(1, 0x104, 1 << 5);
    expect(bench.read(1, 0x104)).toBe(0);
  });

  test('C91: ERR_COR tells of it if it is to', () => {
    using bench = configured(fatalOnly | correctable);
    bench.partner(1).source.queue.push(malformed(bench));
    bench.run(60);
    expect(bench.taken(0).map(packet => [messageCode(packet), packet.requester_id])).toEqual([[0x30, bench.id(1)]]);
    // The error itself is logged as ever, and the first cause is kept.
    expect([bench.read(1, 0x104), bench.read(1, 0x118) & 31]).toEqual([1 << 18, 18]);
    triggers(bench);
    expect(bench.read(1, status)).toBe(1);
  });
});

describe('a contained port', () => {
  test.each([64, 128, 256, 512])('C91: nothing that comes behind the cause passes (%i bits)', width => {
    for (const cause of [malformed, () => errorMessage(0x33)]) {
      using bench = configured(fatalOnly, { width });
      const before = [write(bench, 1, 2), write(bench, 1, 0)];
      const behind = Array.from({ length: 12 }, (_, i) => write(bench, 1, i % 2 ? 2 : 0, 8));
      bench.partner(1).source.queue.push(...before, cause(bench), ...behind);
      bench.run(100);
      expect([bench.taken(2), bench.taken(0)]).toEqual([[before[0]], [before[1]]]);
      expect([bench.partner(1).source.queue.length, bench.read(1, status) & 1]).toEqual([0, 1]);
    }
  });

  test.each([
    ['Completer Abort', 0, Status.abort],
    ['Unsupported Request', unsupported, Status.unsupported],
  ])('C91 C71e: requests for it are answered with %s as it is told, posted TLPs dropped, and others go on', (_, control, answer) => {
    using bench = configured(fatalOnly | control);
    bench.partner(1).source.queue.push(malformed(bench));
    bench.run(40);
    bench.reset([1], true);
    bench.taken(0);
    bench.send(2, read(bench, 2, 1), write(bench, 2, 1), write(bench, 2, 3));
    bench.send(0, read(bench, 0, 1));
    for (const port of [2, 0]) {
      const [packet, ...more] = bench.taken(port);
      if (!packet) throw new RangeError('nothing came');
      expect([completionOf(packet).status, completionOf(packet).completer_id, more]).toEqual([answer, bench.id(port), []]);
    }
    expect(bench.taken(3).length).toBe(1);
    // Aborts show in the status of the side that the request came by.
    const aborted = [(bench.read(2, 0x1c) >>> 27) & 1, bench.read(2, 0x94)];
    expect(aborted).toEqual([control === 0 ? 1 : 0, 1]);
  });

  test('C91: what was queued for it is dropped and blocks nobody', () => {
    using bench = configured(fatalOnly);
    for (const kind of ['posted', 'non_posted', 'completion'] as const) bench.partner(1).holds.add(kind);
    bench.partner(1).sink.rate = 0;
    bench.partner(2).source.queue.push(...Array.from({ length: 30 }, () => write(bench, 2, 1, 256)));
    bench.run(200);
    bench.partner(1).source.queue.push(errorMessage(0x33));
    bench.run(40, () => Number(bench.sim.peek(at(bench.sim.dut.downstream_hot_reset, 0))) === 1);
    bench.reset([1], true);
    bench.send(2, write(bench, 2, 3));
    expect([bench.taken(3).length, bench.partner(2).source.queue.length]).toEqual([1, 0]);
  });

  test('C91: it is released by software, survives a hot reset until then, and its link begins anew', () => {
    using bench = configured(fatalOnly);
    bench.partner(1).source.queue.push(malformed(bench));
    bench.run(40);
    bench.reset([1], true);
    bench.sim.poke(bench.sim.dut.hot_reset, 1);
    bench.reset([0, 2, 3], true);
    bench.sim.poke(bench.sim.dut.hot_reset, 0);
    bench.reset([0, 2, 3], false);
    bench.configure();
    expect([bench.read(1, status), bench.read(1, containment + 4) >>> 16]).toEqual([1, 0]);
    bench.write(1, status, 1);
    bench.reset([1], false);
    expect([bench.read(1, status), (bench.read(1, 0x60) >>> 29) & 1]).toEqual([0, 1]);
    bench.send(2, write(bench, 2, 1));
    bench.send(1, ...Array.from({ length: 40 }, () => write(bench, 1, 2, 128)));
    expect([bench.taken(1).length, bench.taken(2).length]).toEqual([1, 40]);
    // No surprise was told on the way.
    expect(bench.read(1, 0x104)).toBe(1 << 18);
  });
});

describe('interrupts of a port', () => {
  const msi = 0xa0;
  const address = 0x12_3456_7000n;
  function interrupting(enable: number, options: Partial<BenchOptions> = {}): DeviceBench {
    const bench = configured(enable, options);
    bench.write(1, msi + 4, Number(address & 0xffff_ffffn));
    bench.write(1, msi + 8, Number(address >> 32n));
    bench.write(1, msi + 12, 0x5678);
    bench.write(1, msi, 1 << 16);
    return bench;
  }
  const sent = (bench: DeviceBench): readonly Packet[] => {
    bench.settle();
    return bench.taken(0).filter(({ type }) => type === 0);
  };
  const release = (bench: DeviceBench, clear: number) => {
    bench.write(1, status, clear);
    bench.reset([1], false);
  };
  const trip = (bench: DeviceBench) => {
    bench.partner(1).source.queue.push(malformed(bench));
    bench.run(40);
    bench.reset([1], true);
  };
  const interruptsToo = fatalOnly | (1 << 19);

  test('C91 C92: containment writes what MSI is set to, in the name of the port, once', () => {
    using bench = interrupting(interruptsToo);
    trip(bench);
    const data = new Uint8Array([0x78, 0x56, 0, 0]);
    expect(sent(bench)).toEqual([memoryWrite({ requester_id: bench.id(1), tag: 0, address, data })]);
    expect(bench.read(1, status)).toBe(0b1001);
    // The interrupt's own status goes apart from the port's; the next one interrupts anew.
    release(bench, 1);
    expect([bench.read(1, status), sent(bench).length]).toEqual([0b1000, 0]);
    bench.write(1, status, 8);
    trip(bench);
    expect(sent(bench).length).toBe(1);
  });

  test('C92: below 4 GiB the write has a 3 DW header; without MSI, or without its enable, there is none', () => {
    using bench = interrupting(interruptsToo);
    bench.write(1, msi + 8, 0);
    trip(bench);
    expect(sent(bench).map(packet => [packet.fmt, packet.address])).toEqual([[0b010, 0x3456_7000n]]);
    release(bench, 9);
    bench.write(1, msi, 0);
    trip(bench);
    expect(sent(bench)).toEqual([]);
    release(bench, 9);
    bench.write(1, msi, 1 << 16);
    bench.change(1, containment + 4, 0, 1 << 19);
    trip(bench);
    expect([sent(bench), bench.read(1, status)]).toEqual([[], 1]);
  });

  test('C92: a masked one pends, and is forgotten when its cause is gone', () => {
    using bench = interrupting(interruptsToo);
    bench.write(1, msi + 16, 1);
    trip(bench);
    expect([sent(bench), bench.read(1, msi + 20)]).toEqual([[], 1]);
    bench.write(1, msi + 16, 0);
    expect([sent(bench).length, bench.read(1, msi + 20)]).toEqual([1, 0]);
    release(bench, 9);
    bench.write(1, msi + 16, 1);
    trip(bench);
    release(bench, 9);
    bench.write(1, msi + 16, 0);
    expect([sent(bench), bench.read(1, msi + 20)]).toEqual([[], 0]);
  });

  test.each([
    2, 3, 4,
  ])('C92: those of %i ports at once go one after the other, each to its own address with its own data', ports => {
    using bench = configured(0, { ports });
    const downstream = Array.from({ length: ports }, (_, i) => i + 1);
    let values = downstream.map(() => 0n);
    for (let round = 0; round < 6; round++) {
      // Every second time each bit is what it was not before.
      values = values.map(value => BigInt.asUintN(80, round % 2 === 0 ? bench.random.bits(80) : ~value));
      const settings = downstream.map((port, i) => {
        const value = at(values, i);
        return { port, address: BigInt.asUintN(64, value) & ~3n, data: Number(value >> 64n) };
      });
      for (const { port, address: own, data } of settings) {
        bench.write(port, containment + 4, interruptsToo);
        bench.write(port, msi + 4, Number(own & 0xffff_ffffn));
        bench.write(port, msi + 8, Number(own >> 32n));
        bench.write(port, msi + 12, data);
        bench.write(port, msi, 1 << 16);
        bench.partner(port).source.queue.push({ ...write(bench, port, 0), type: 0b00111 });
      }
      bench.run(60);
      bench.reset(downstream, true);
      const written = sent(bench).toSorted((a, b) => a.requester_id - b.requester_id);
      expect(written, `round ${round}`).toEqual(
        settings.map(({ port, address: own, data }) =>
          memoryWrite({
            requester_id: bench.id(port),
            tag: 0,
            address: own,
            data: new Uint8Array([data & 0xff, data >> 8, 0, 0]),
          }),
        ),
      );
      for (const port of downstream) bench.write(port, status, 9);
      bench.reset(downstream, false);
    }
  });

  test('C81 C82: without bus master of the port it waits, without that of the upstream port it is lost', () => {
    using bench = interrupting(interruptsToo);
    bench.change(1, 4, 0, 4);
    trip(bench);
    expect(sent(bench)).toEqual([]);
    bench.change(1, 4, 4);
    expect(sent(bench).length).toBe(1);
    release(bench, 9);
    bench.change(0, 4, 0, 4);
    trip(bench);
    expect([sent(bench), bench.read(1, msi + 20)]).toEqual([[], 0]);
  });

  test('slots that can be filled and emptied: presence and link interrupt as they are enabled', () => {
    using bench = interrupting(0, { hot_plug: true });
    const [presence, link] = [1 << 19, 1 << 24];
    expect(bench.read(1, 0x64) & 0x4_0060).toBe(0x4_0060);
    // Cleared, and both enabled.
    bench.write(1, 0x68, presence | link | (1 << 12) | (1 << 5) | (1 << 3));
    expect(sent(bench)).toEqual([]);
    bench.link(1, false);
    expect([sent(bench).length, (bench.read(1, 0x68) >>> 16) & 0x148]).toEqual([1, 0x108]);
    bench.link(1, true);
    // Neither was cleared: nothing new.
    expect(sent(bench)).toEqual([]);
    bench.change(1, 0x68, presence | link);
    bench.change(1, 0x68, 0, 1 << 3);
    bench.link(1, false);
    expect(sent(bench).length).toBe(1);
    bench.change(1, 0x68, 0, 1 << 5);
    bench.link(1, true);
    expect(sent(bench)).toEqual([]);
  });

  test('C51: without that parameter a slot says nothing and its enables stay 0', () => {
    using bench = interrupting(0);
    bench.write(1, 0x68, 0x1028);
    expect([bench.read(1, 0x64) & 0x7_ffff, bench.read(1, 0x68) & 0xffff]).toEqual([0, 0]);
  });
});
