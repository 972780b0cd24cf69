import { describe, expect, test } from 'vitest';
import { at } from '../src/at.ts';
import {
  atomic,
  type ConfigTarget,
  completion,
  completionOf,
  configRead,
  configTarget,
  configWrite,
  memoryRead,
  memoryWrite,
  message,
  messageCode,
  type Packet,
} from '../src/tlp/packet.ts';
import { MessageRoute, Status, TlpType } from '../src/tlp/tlp.ts';
import { headerBytes } from '../src/tlp/wire.ts';
import { DeviceBench, linkBus, rootId } from './switch-device-bench.ts';
import { withAnyFields } from './tlp-model.ts';

/** Requester ID of the device below a port. */
const device = (bench: DeviceBench, port: number): number => (port === 0 ? rootId : at(bench.ports, port).secondary << 8);
const write = (bench: DeviceBench, from: number, address: bigint, more: Partial<Packet> = {}): Packet => ({
  ...memoryWrite({ requester_id: device(bench, from), tag: 0, address, data: bench.random.bytes(64) }),
  ...more,
});
const read = (bench: DeviceBench, from: number, address: bigint, more: Partial<Packet> = {}): Packet => ({
  ...memoryRead({ requester_id: device(bench, from), tag: 5, address, bytes: 33 }),
  ...more,
});
const memoryOf = (bench: DeviceBench, port: number): bigint => at(bench.ports, port).memory[0];
const config = (bus: number, place: Partial<ConfigTarget> & { kind?: 0 | 1; write?: boolean } = {}): Packet => {
  const { kind = 1, write: writes = false, device: number = 0, function: f = 0, register = 0 } = place;
  const target = { requester_id: rootId, tag: 9, kind, bus, device: number, function: f, register };
  return writes ? configWrite({ ...target, data: 0 }) : configRead(target);
};

function configured(options: Partial<ConstructorParameters<typeof DeviceBench>[0]> = {}): DeviceBench {
  const bench = new DeviceBench({ ports: 3, ...options });
  bench.configure();
  return bench;
}

/** What came out of all ports: [port, packet]. */
function outcome(bench: DeviceBench): [number, Packet][] {
  return bench.partners.flatMap((_, port) => bench.taken(port).map(packet => [port, packet] as [number, Packet]));
}
/** Completions without data, as port, status, completer, and who asked. */
function answers(bench: DeviceBench) {
  return outcome(bench).map(([port, packet]) => {
    expect([packet.type, packet.length, packet.payload.length]).toEqual([TlpType.completion, 0, 0]);
    const { status, completer_id, byte_count, lower_address } = completionOf(packet);
    return { port, status, completer_id, requester_id: packet.requester_id, tag: packet.tag, byte_count, lower_address };
  });
}
const uncorrectable = (bench: DeviceBench, port: number): number => bench.read(port, 0x104);

describe('configuration', () => {
  test('C20 C24: the ports are found, numbered and opened; each answers with the bus and device number that it was written with', () => {
    using bench = new DeviceBench({ ports: 3 });
    expect(bench.read(0, 0)).toBe(0x5100_1d1d);
    expect(bench.read(0, 8)).toBe(0x0604_0001);
    bench.configure();
    expect(bench.read(0, 0x18)).toBe(0x000d_0201);
    expect(bench.read(2, 0x18)).toBe(0x0009_0702);
    for (const port of [0, 1, 2, 3]) {
      const { bus, device: number } = configTarget({ ...config(0), address: BigInt(bench.id(port)) << 16n });
      const place = { kind: port === 0 ? (0 as const) : (1 as const), device: number };
      const answer = bench.access(config(bus, place));
      expect(completionOf(answer).completer_id).toBe(bench.id(port));
    }
  });

  test('the capabilities: type 1 header, upstream and downstream ports, their numbers, slots, AER; MSI, ACS and containment below only', () => {
    using bench = configured();
    const walk = (port: number) => {
      const near: [number, number][] = [];
      for (let offset = bench.read(port, 0x34) & 0xff; offset; ) {
        const word = bench.read(port, offset);
        near.push([word & 0xff, offset]);
        offset = (word >> 8) & 0xff;
      }
      const far: [number, number][] = [];
      for (let offset = 0x100; offset; ) {
        const word = bench.read(port, offset);
        far.push([word & 0xffff, offset]);
        offset = word >>> 20;
      }
      return { near: near.map(([id]) => id), far: far.map(([id]) => id) };
    };
    expect(walk(0)).toEqual({ near: [1, 16, 9], far: [1] });
    expect(walk(2)).toEqual({ near: [1, 16, 9, 5], far: [1, 13, 29] });
    expect((bench.read(0, 0x0c) >> 16) & 0x7f).toBe(1);
    expect([bench.read(0, 0x50) >> 16, bench.read(2, 0x50) >> 16]).toEqual([0x52, 0x162]);
    expect([0, 1, 2, 3].map(port => bench.read(port, 0x5c) >>> 24)).toEqual([0, 1, 2, 3]);
    // Link active, presence in the slot, and the vector has a bit for each port number.
    expect([(bench.read(1, 0x60) >>> 29) & 1, (bench.read(1, 0x68) >>> 22) & 1]).toEqual([1, 1]);
    expect(bench.read(1, 0x154) & 0xffff).toBe(0x047f);
    // Where there is no register, no other one answers.
    expect([0x200, 0x400, 0x800, 0xe00, 0xffc].map(offset => bench.read(1, offset))).toEqual([0, 0, 0, 0, 0]);
    bench.write(1, 0x158, 0xffff_ffff);
    expect(bench.read(1, 0x158)).toBe(0b1110);
  });

  test('C20 C21: requests for buses below leave as type 0 for the next bus and unchanged beyond it', () => {
    using bench = configured();
    const direct = config(7, { write: true, function: 3, register: 17 });
    const beyond = config(9, { device: 13 });
    bench.send(0, direct, beyond);
    expect(outcome(bench)).toEqual([
      [2, { ...direct, type: TlpType.config0 }],
      [2, beyond],
    ]);
  });

  test('C22 C23 C26: requests for buses, devices and functions that are not there are answered by the upstream port', () => {
    using bench = configured();
    const absent = [
      config(3),
      config(200),
      config(2, { device: 3 }),
      config(2, { device: 31 }),
      config(2, { function: 1 }),
      config(linkBus, { kind: 0, function: 1 }),
      config(4, { device: 1 }),
      config(4, { device: 31, write: true }),
    ];
    bench.send(0, ...absent);
    expect(answers(bench)).toEqual(
      absent.map(() => ({
        port: 0,
        status: Status.unsupported,
        completer_id: bench.id(0),
        requester_id: rootId,
        tag: 9,
        byte_count: 4,
        lower_address: 0,
      })),
    );
  });

  test('C27: with ARI forwarding the device number is part of the function number', () => {
    using bench = configured();
    bench.write(1, 0x78, 1 << 5);
    bench.send(0, config(4, { device: 31 }));
    expect(outcome(bench).map(([port, { type }]) => [port, type])).toEqual([[1, TlpType.config0]]);
  });

  test('C25: configuration requests from below are refused, whatever their type and bus', () => {
    using bench = configured();
    bench.send(1, config(7), config(7, { kind: 0 }), config(2), config(200));
    expect(answers(bench).map(({ port, status, completer_id }) => [port, status, completer_id])).toEqual(
      Array.from({ length: 4 }, () => [1, Status.unsupported, bench.id(1)]),
    );
  });

  test('C61: posted traffic goes on while completions of configuration accesses cannot leave', () => {
    using bench = configured({
      partnerCredits: {
        posted: { headers: 8, data: 64 },
        non_posted: { headers: 8, data: 16 },
        completion: { headers: 1, data: 8 },
      },
    });
    bench.write(0, 0x3c, 1 << 17);
    bench.change(0, 4, 1 << 8);
    bench.change(1, 0x58, 0b1010);
    const root = bench.partner(0);
    root.holds.add('completion');
    root.source.queue.push(...Array.from({ length: 40 }, () => config(2)));
    bench.run(600);
    root.sink.received.length = 0;
    const posted = Array.from({ length: 30 }, (_, i) => write(bench, 1, i % 2 ? memoryOf(bench, 2) : 0x10_0000n));
    bench.partner(1).source.queue.push(...posted);
    bench.run(400);
    expect([bench.taken(0).length, bench.taken(2).length]).toEqual([15, 15]);
    root.source.queue.push(write(bench, 0, memoryOf(bench, 3)));
    bench.run(100);
    expect(bench.taken(3).length).toBe(1);
    // The agent's own messages too: an error of port 1, and a broadcast.
    bench.partner(1).source.queue.push(write(bench, 1, 0x8010_0000n));
    root.source.queue.push(message({ requester_id: rootId, route: MessageRoute.broadcast, code: 0x19 }));
    bench.run(200);
    expect(bench.taken(0).map(messageCode)).toEqual([0x31]);
    expect([bench.taken(1).length, bench.taken(2).length, bench.taken(3).length]).toEqual([1, 1, 1]);
    root.holds.clear();
    bench.settle();
    expect(bench.taken(0).length).toBeGreaterThan(30);
  });
});

describe('refusals', () => {
  test.each([
    ['C35 C51: in the upstream window and in none below', 0, 0x8010_0000n, 0],
    ['C35 C51: the same from below', 1, 0x8010_0000n, 1],
    ['C36 C51: in the window of the port that it came in by', 2, 0x8020_0000n, 2],
    ['C32 C51: from above, outside of all windows', 0, 0x10_0000n, 0],
  ])('%s: UR with the ID of the port, and posted ones dropped and counted', (_, from, address, completer) => {
    using bench = configured();
    bench.send(from, read(bench, from, address), write(bench, from, address));
    expect(answers(bench)).toEqual([
      {
        port: from,
        status: Status.unsupported,
        completer_id: bench.id(completer),
        requester_id: device(bench, from),
        tag: 5,
        byte_count: 33,
        lower_address: 0,
      },
    ]);
    expect(bench.read(completer, 0x94)).toBe(1);
    expect(uncorrectable(bench, completer)).toBe(1 << 20);
  });

  test('C8 C55: the Byte Count of a refused read of nothing is 1', () => {
    using bench = configured();
    bench.send(1, memoryRead({ requester_id: device(bench, 1), tag: 6, address: 0x8010_0000n, bytes: 0 }));
    expect(answers(bench)).toMatchObject([{ status: Status.unsupported, tag: 6, byte_count: 1 }]);
  });

  test('the Byte Count of a refused AtomicOp is the size of its operand', () => {
    using bench = configured();
    const sizes = [
      [TlpType.fetchAdd, 4, 4],
      [TlpType.fetchAdd, 8, 8],
      [TlpType.swap, 8, 8],
      [TlpType.compareSwap, 8, 4],
      [TlpType.compareSwap, 16, 8],
      [TlpType.compareSwap, 32, 16],
    ] as const;
    const requests = sizes.map(([type, bytes], tag) =>
      atomic(type, { requester_id: device(bench, 1), tag, address: 0x8010_0000n, data: bench.random.bytes(bytes) }),
    );
    bench.send(1, ...requests);
    expect(answers(bench).map(({ status, tag, byte_count, lower_address }) => [status, tag, byte_count, lower_address])).toEqual(
      sizes.map(([, , count], tag) => [Status.unsupported, tag, count, 0]),
    );
  });

  test('C82 C83: memory enable and bus master enable of the ports on the way', () => {
    using bench = configured();
    const cases = [
      { off: 1, command: 3, from: 1, to: memoryOf(bench, 2), passes: false },
      { off: 1, command: 3, from: 2, to: memoryOf(bench, 1), passes: true },
      { off: 2, command: 5, from: 1, to: memoryOf(bench, 2), passes: false },
      { off: 2, command: 5, from: 0, to: memoryOf(bench, 2), passes: false },
      { off: 0, command: 3, from: 1, to: memoryOf(bench, 2), passes: true },
      { off: 0, command: 3, from: 1, to: 0x10_0000n, passes: false },
      { off: 0, command: 5, from: 0, to: memoryOf(bench, 1), passes: false },
    ];
    for (const { off, command, from, to, passes } of cases) {
      bench.write(off, 4, command);
      bench.send(from, read(bench, from, to));
      const seen = outcome(bench).map(([, packet]) => packet.type === TlpType.memory);
      expect(seen, `command ${command} of port ${off}, from ${from} to ${to.toString(16)}`).toEqual([passes]);
      bench.write(off, 4, 7);
    }
  });

  test('C42: a completion that belongs nowhere is dropped and reported as unexpected', () => {
    using bench = configured();
    bench.send(0, completion({ requester_id: 0x0300, tag: 1 }, { completer_id: 8 }));
    bench.send(1, completion({ requester_id: 0x0400, tag: 1 }, { completer_id: 0x0400 }));
    expect(outcome(bench)).toEqual([]);
    expect([uncorrectable(bench, 0), uncorrectable(bench, 1)]).toEqual([0, 0]);
    // Advisory: logged as correctable (C89), which masks itself after reset.
    expect([bench.read(0, 0x110), bench.read(1, 0x110)]).toEqual([1 << 13, 1 << 13]);
    expect([bench.read(0, 0x94), bench.read(1, 0x94)]).toEqual([1, 1]);
    // Unmasked it shows what it was.
    bench.write(1, 0x114, 0);
    bench.send(1, completion({ requester_id: 0x0400, tag: 1 }, { completer_id: 0x0400 }));
    expect(uncorrectable(bench, 1)).toBe(1 << 16);
  });

  test('C4 C71d: malformed TLPs are dropped and their credits come back', () => {
    using bench = configured();
    bench.write(1, 0x58, 1 << 5);
    bench.write(2, 0x58, 0);
    const long = (bytes: number) =>
      memoryWrite({ requester_id: device(bench, 1), tag: 0, address: memoryOf(bench, 2), data: bench.random.bytes(bytes) });
    const bad: Packet[] = [
      { ...write(bench, 1, memoryOf(bench, 2)), type: 0b00111 },
      { ...read(bench, 1, memoryOf(bench, 2)), fmt: 4 },
      long(512),
      // Port 2 takes 128 bytes.
      long(256),
      { ...config(7), length: 2 },
    ];
    for (let round = 0; round < 8; round++) bench.partner(1).source.queue.push(...bad);
    bench.send(1, write(bench, 1, memoryOf(bench, 2)));
    expect(outcome(bench).map(([port, { type }]) => [port, type])).toEqual([[2, 0]]);
    expect(uncorrectable(bench, 1)).toBe(1 << 18);
    expect(bench.read(1, 0x94)).toBe(40);
    bench.write(2, 0x58, 1 << 5);
    bench.send(1, long(256));
    expect(outcome(bench).length).toBe(1);
  });

  test('C3 C71d: a TLP with more or fewer beats than its header says is dropped, or cut where it has begun to leave', () => {
    using bench = configured();
    const data = write(bench, 1, memoryOf(bench, 2));
    const [short, long] = [bench.random.bytes(32), bench.random.bytes(128)];
    bench.send(1, { ...data, length: 8 }, { ...data, payload: short }, { ...data, payload: long }, data);
    const seen = outcome(bench).map(([port, { payload }]) => [port, payload.length]);
    expect(seen).toEqual([
      [2, 64],
      [2, 64],
    ]);
    expect(uncorrectable(bench, 1)).toBe(1 << 18);
  });

  test('C98: an AtomicOp that the egress lets not out: UR, reported as blocked', () => {
    using bench = configured();
    bench.write(2, 0x78, 1 << 7);
    const swap = (from: number, tag: number) =>
      atomic(TlpType.swap, { requester_id: device(bench, from), tag, address: memoryOf(bench, 2), data: bench.random.bytes(8) });
    bench.send(1, swap(1, 1), read(bench, 1, memoryOf(bench, 2)));
    bench.send(0, swap(0, 2));
    const seen = outcome(bench);
    expect(seen.map(([port, { type, tag }]) => [port, type, tag])).toEqual([
      [0, TlpType.completion, 2],
      [1, TlpType.completion, 1],
      [2, TlpType.memory, 5],
    ]);
    expect(seen.slice(0, 2).map(([, packet]) => completionOf(packet).status)).toEqual([1, 1]);
    bench.write(1, 0x110, 1 << 13);
    bench.write(1, 0x114, 0);
    bench.send(1, swap(1, 3));
    expect(uncorrectable(bench, 1)).toBe(1 << 24);
    bench.write(1, 0x104, 1 << 24);
    expect(uncorrectable(bench, 1)).toBe(0);
  });
});

describe('what is refused', () => {
  test('C87: the header that is logged is that of the TLP, whatever is in it', () => {
    using bench = configured();
    const { random } = bench;
    for (const port of [0, 1, 2, 3])
      for (let i = 0; i < 12; i++) {
        const bytes = random.pick([1, 1024, 2048, 4096, 1 + random.below(4096)]);
        const address = 0x8010_0000n + BigInt(0x20_0000 * random.below(3)) + BigInt(random.below(4097 - bytes));
        const who = { requester_id: random.below(2 ** 16), tag: random.below(2 ** 10) };
        // Nobody takes it: there is a hole in all windows.
        const packet = { ...withAnyFields(random, memoryRead({ ...who, address, bytes })), th: i & 1 };
        // An advisory error is logged unless it is masked.
        bench.write(port, 0x114, 0);
        bench.send(port, packet);
        const words = [0x11c, 0x120, 0x124, 0x128].map(offset => bench.read(port, offset));
        const header = headerBytes(packet);
        const expected = [0, 4, 8].map(at =>
          header.reduce((word, byte, k) => (k >> 2 === at >> 2 ? word * 256 + byte : word), 0),
        );
        expect([words.slice(0, 3), bench.read(port, 0x118) & 31], `port ${port}, ${i}`).toEqual([expected, 20]);
        bench.write(port, 0x104, 1 << 20);
        outcome(bench);
      }
  });

  test.each([
    1, 4,
  ])('C98: an AtomicOp at whichever of %i ports, or above, that lets none out is answered with UR, and passes when it does again', ports => {
    using bench = configured({ ports });
    const targets = [0x10_0000n, ...bench.ports.slice(1).map(({ memory }) => memory[0])];
    for (const [port, address] of targets.entries()) {
      const from = port === 0 ? 1 : 0;
      const swap = atomic(TlpType.swap, { requester_id: device(bench, from), tag: 1, address, data: bench.random.bytes(8) });
      for (const blocks of [true, false]) {
        bench.write(port, 0x78, blocks ? 1 << 7 : 0);
        bench.send(from, swap);
        const [first, ...more] = outcome(bench);
        if (!first) throw new RangeError('nothing came');
        const [where, { type }] = first;
        expect([where, type, more], `port ${port}`).toEqual(blocks ? [from, TlpType.completion, []] : [port, TlpType.swap, []]);
        if (blocks) expect(completionOf(first[1]).status).toBe(1);
      }
    }
  });

  test.each([1, 4])('C43: a broadcast leaves by those of %i ports whose link is up', ports => {
    using bench = configured({ ports });
    const broadcast = message({ requester_id: rootId, route: MessageRoute.broadcast, code: 0x19 });
    for (let down = 1; down <= ports; down++) {
      bench.link(down, false);
      bench.run(20);
      bench.send(0, broadcast);
      const others = Array.from({ length: ports }, (_, j) => j + 1).filter(port => port !== down);
      expect(outcome(bench), `${down}`).toEqual(others.map(port => [port, broadcast]));
      bench.link(down, true);
      bench.run(60);
    }
    bench.send(0, broadcast);
    expect(outcome(bench).length).toBe(ports);
  });
});

describe('access control', () => {
  const acs = { sv: 1 << 16, tb: 1 << 17, rr: 1 << 18, cr: 1 << 19, uf: 1 << 20, ec: 1 << 21, dt: 1 << 22 };
  const peers = (bench: DeviceBench) => write(bench, 1, memoryOf(bench, 2));

  test.each([
    ['C74: request redirect', acs.rr, 0, {}, 0],
    ['C74: no control', 0, 0, {}, 2],
    ['C77: the egress vector is cleared, and redirection does not count', acs.rr | acs.ec, 0b1000, {}, 2],
    ['C77: the egress vector redirects', acs.rr | acs.ec, 0b0100, {}, 0],
    ['C78: a translated request goes direct', acs.rr | acs.dt, 0, { at: 2 }, 2],
    ['C72: a requester that lies behind the port', acs.sv, 0, {}, 2],
  ])('%s', (_, control, vector, more, port) => {
    using bench = configured();
    bench.write(1, 0x154, control);
    bench.write(1, 0x158, vector);
    const packet = { ...peers(bench), ...more };
    bench.send(1, packet);
    expect(outcome(bench)).toEqual([[port, packet]]);
  });

  test.each([
    ['C77 C80: the egress vector forbids', acs.ec, 0b0100, {}],
    ['C72 C80: a requester that lies elsewhere', acs.sv, 0, { requester_id: 0x0700 }],
    ['C73 C80: a translated request', acs.tb | acs.dt, 0, { at: 2 }],
  ])('%s: posted dropped, others answered with Completer Abort, both logged', (_, control, vector, more) => {
    using bench = configured();
    bench.write(1, 0x154, control);
    bench.write(1, 0x158, vector);
    bench.send(1, { ...peers(bench), ...more });
    expect(outcome(bench)).toEqual([]);
    expect([uncorrectable(bench, 1), bench.read(1, 0x94)]).toEqual([1 << 21, 1]);
    bench.send(1, { ...read(bench, 1, memoryOf(bench, 2)), ...more });
    expect(answers(bench).map(({ port, status, completer_id }) => [port, status, completer_id])).toEqual([
      [1, Status.abort, bench.id(1)],
    ]);
    // Signalled target abort, in the secondary status.
    expect((bench.read(1, 0x1c) >>> 27) & 1).toBe(1);
  });

  test('C76 C66: a completion without relaxed ordering goes up, one with it direct', () => {
    using bench = configured();
    bench.write(2, 0x154, acs.cr);
    const answer = (attr: number) => completion({ requester_id: device(bench, 1), tag: 3, attr }, { completer_id: 0x0700 });
    bench.send(2, answer(0), answer(2));
    expect(outcome(bench).map(([port, { attr }]) => [port, attr])).toEqual([
      [0, 0],
      [1, 2],
    ]);
  });

  test('C75: with upstream forwarding what is meant for behind the port goes up', () => {
    using bench = configured();
    bench.write(1, 0x154, acs.uf);
    const packet = write(bench, 1, memoryOf(bench, 1));
    bench.send(1, packet);
    expect(outcome(bench)).toEqual([[0, packet]]);
  });
});

describe('messages', () => {
  const errorMessage = (code: number) => message({ requester_id: 0x0400, route: MessageRoute.toRootComplex, code });

  test('C43: broadcast to all ports below, to the root complex, by ID, and those that end here', () => {
    using bench = configured();
    const data = bench.random.bytes(96);
    const broadcast = message({ requester_id: rootId, route: MessageRoute.broadcast, code: 0x7f, payload: data });
    const bare = message({ requester_id: rootId, route: MessageRoute.broadcast, code: 0x19 });
    const local = message({ requester_id: rootId, route: MessageRoute.local, code: 0x50 });
    bench.send(0, broadcast, bare, local);
    expect(outcome(bench)).toEqual([1, 2, 3].flatMap(port => [broadcast, bare].map(packet => [port, packet])));
    const up = message({ requester_id: 0x0400, route: MessageRoute.toRootComplex, code: 0x18 });
    const gather = message({ requester_id: 0x0400, route: MessageRoute.gather, code: 0x1b });
    const byId = message({ requester_id: 0x0400, route: MessageRoute.byId, code: 0x7e, address: 0x0a00n << 48n });
    bench.send(1, up, gather, byId);
    expect(outcome(bench)).toEqual([
      [0, up],
      [3, byId],
    ]);
    expect([bench.read(1, 0x94), bench.read(0, 0x94)]).toEqual([0, 0]);
  });

  test.each([
    64, 128, 256, 512,
  ])('C43: a broadcast with any fields and payload comes out of each port as it came, %i bits', width => {
    using bench = configured({ width, seed: width });
    const { random } = bench;
    const packets = Array.from({ length: 16 }, () => {
      const from = { requester_id: random.below(2 ** 16), tag: random.below(2 ** 10) };
      const payload = random.bytes(4 << random.below(8));
      const code = random.below(256);
      const packet = message({ ...from, route: MessageRoute.broadcast, code, address: random.bits(64), payload });
      return { ...withAnyFields(random, packet), ep: 0 };
    });
    bench.send(0, ...packets);
    expect(outcome(bench)).toEqual([1, 2, 3].flatMap(port => packets.map(packet => [port, packet])));
  });

  /** Room for two posted TLPs at a time. */
  const few = { posted: { headers: 2, data: 64 }, non_posted: { headers: 8, data: 16 }, completion: { headers: 8, data: 64 } };

  test('C90: error messages wait in the buffer for credits, as many as find room, and none is lost', () => {
    using bench = configured({ slots: 512, partnerCredits: few });
    for (const port of [0, 1, 2, 3]) bench.change(port, 4, 1 << 8);
    bench.write(0, 0x3c, 1 << 17);
    for (const port of [1, 2, 3]) bench.write(port, 0x3c, 1 << 17);
    bench.partner(0).holds.add('posted');
    const told = Array.from({ length: 18 }, (_, i) => 1 + (i % 3));
    for (const port of told) {
      bench.partner(port).source.queue.push(write(bench, port, 0x8010_0000n));
      bench.run(60);
    }
    // The partner had room for two.
    expect(bench.partner(0).sink.received.length).toBe(2);
    bench.partner(0).holds.clear();
    bench.settle();
    const came = bench.taken(0).map(packet => [messageCode(packet), packet.requester_id]);
    expect(came).toEqual(told.map(port => [0x31, bench.id(port)]));
  });

  test('C43 C60 C61: a write does not pass copies of broadcasts that wait for credits', () => {
    using bench = configured({ partnerCredits: few });
    const broadcast = (bytes: number) =>
      message({ requester_id: rootId, route: MessageRoute.broadcast, code: 0x7f, payload: bench.random.bytes(bytes) });
    const toPort2 = () => write(bench, 0, memoryOf(bench, 2));
    bench.partner(2).holds.add('posted');
    const sent = [toPort2(), toPort2(), broadcast(4), broadcast(8), toPort2(), broadcast(12), toPort2()];
    bench.partner(0).source.queue.push(...sent);
    bench.run(300);
    expect(bench.partner(2).sink.received.length).toBeLessThan(sent.length);
    bench.partner(2).holds.clear();
    bench.settle();
    expect(bench.taken(2)).toEqual(sent);
  });

  test.each([1, 2, 3])('C43 C60 C61: nothing passes a broadcast, nor does it pass anything, seed %i', seed => {
    using bench = configured({ partnerCredits: few, seed });
    const { random } = bench;
    const sent = Array.from({ length: 80 }, () => {
      const payload = random.bytes(4 << (2 * random.below(3)));
      if (random.chance(0.5)) {
        const route = MessageRoute.broadcast;
        return { port: undefined, packet: message({ requester_id: rootId, route, code: 0x7f, payload }) };
      }
      const port = 1 + random.below(3);
      return { port, packet: write(bench, 0, memoryOf(bench, port), { payload, length: payload.length / 4 }) };
    });
    bench.partner(0).source.queue.push(...sent.map(({ packet }) => packet));
    // An error of every port wants to go up meanwhile, again and again.
    for (const port of [1, 2, 3]) {
      bench.change(port, 4, 1 << 8);
      bench.partner(port).source.queue.push(...Array.from({ length: 20 }, () => write(bench, port, 0x8010_0000n)));
    }
    for (let n = 0; n < 12; n++) {
      const blocked = bench.partner(1 + random.below(3));
      blocked.holds.add('posted');
      bench.run(300);
      blocked.holds.clear();
      bench.run(20);
    }
    bench.settle();
    for (const port of [1, 2, 3]) {
      const due = sent.filter(each => (each.port ?? port) === port).map(({ packet }) => packet);
      expect(bench.taken(port), `port ${port}`).toEqual(due);
    }
  });

  test('C90: error messages from below pass where both ports pass them on', () => {
    using bench = configured();
    const [correctable, nonfatal, fatal] = [errorMessage(0x30), errorMessage(0x31), errorMessage(0x33)];
    const passed = () => {
      bench.send(1, correctable, nonfatal, fatal);
      return bench.taken(0).map(messageCode);
    };
    expect(passed()).toEqual([]);
    expect((bench.read(1, 0x1c) >>> 30) & 1).toBe(1);
    bench.write(1, 0x3c, 1 << 17);
    expect(passed()).toEqual([]);
    bench.write(0, 0x3c, 1 << 17);
    expect(passed()).toEqual([0x30]);
    bench.change(1, 4, 1 << 8);
    expect(passed()).toEqual([0x30]);
    bench.change(0, 4, 1 << 8);
    expect(passed()).toEqual([0x30, 0x31, 0x33]);
  });

  test('C88 C90: errors of a port are reported upward as it is told, through the upstream port; the header is logged', () => {
    using bench = configured();
    const bad = write(bench, 2, 0x8010_0000n);
    bench.send(2, bad);
    expect(bench.taken(0)).toEqual([]);
    expect(bench.read(2, 0x118) & 31).toBe(20);
    expect([0x11c, 0x120, 0x124].map(offset => bench.read(2, offset))).toEqual([0x4000_0010, 0x0700_00ff, 0x8010_0000]);
    bench.write(2, 0x104, 1 << 20);
    bench.write(0, 0x3c, 1 << 17);
    bench.change(0, 4, 1 << 8);
    // Non-fatal errors and Unsupported Requests are reported.
    bench.change(2, 0x58, 0b1010);
    bench.send(2, bad);
    expect(bench.taken(0).map(packet => [messageCode(packet), packet.requester_id])).toEqual([[0x31, bench.id(2)]]);
    bench.change(0, 0x58, 0b1010);
    bench.send(0, write(bench, 0, 0x8010_0000n));
    expect(bench.taken(0).map(packet => [messageCode(packet), packet.requester_id])).toEqual([[0x31, bench.id(0)]]);
    // The upstream port passes nothing on any more.
    bench.write(0, 0x3c, 0);
    bench.write(2, 0x104, 1 << 20);
    bench.send(2, bad);
    expect(bench.taken(0)).toEqual([]);
  });

  test('C71b C89: a poisoned write is passed on with its mark, and noted as advisory', () => {
    using bench = configured();
    const packet = write(bench, 1, memoryOf(bench, 3), { ep: 1 });
    bench.send(1, packet);
    expect(outcome(bench)).toEqual([[3, packet]]);
    expect([uncorrectable(bench, 1), bench.read(1, 0x110), bench.read(1, 0x1c) >>> 31]).toEqual([0, 1 << 13, 1]);
    // Of one to a register of the switch itself nothing is used.
    for (const port of [0, 2]) {
      const { bus, device: number } = configTarget({ ...config(0), address: BigInt(bench.id(port)) << 16n });
      const kind = port === 0 ? (0 as const) : (1 as const);
      const target = { requester_id: rootId, tag: 9, kind, bus, device: number, function: 0, register: 0x3c / 4 };
      const before = bench.read(port, 0x3c);
      bench.send(0, { ...configWrite({ ...target, data: 0x55 }), ep: 1 });
      expect(answers(bench)).toMatchObject([{ port: 0, status: Status.unsupported, completer_id: bench.id(0), tag: 9 }]);
      expect(bench.read(port, 0x3c)).toBe(before);
      expect(bench.read(0, 0x110)).toBe(1 << 13);
    }
  });
});
