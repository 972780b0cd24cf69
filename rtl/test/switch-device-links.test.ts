import { describe, expect, test } from 'vitest';
import { at } from '../src/at.ts';
import { completion, completionOf, memoryRead, memoryWrite, messageCode, type Packet } from '../src/tlp/packet.ts';
import { Status, TlpType } from '../src/tlp/tlp.ts';
import { type BenchOptions, DeviceBench, least, type PartnerCredits } from './switch-device-bench.ts';

function configured(options: Partial<BenchOptions> = {}): DeviceBench {
  const bench = new DeviceBench({ ports: 3, ...options });
  bench.configure();
  return bench;
}
const device = (bench: DeviceBench, port: number): number => (port === 0 ? 8 : at(bench.ports, port).secondary << 8);
const target = (bench: DeviceBench, to: number): bigint => (to === 0 ? 0x10_0000n : at(bench.ports, to).memory[0]);
const write = (bench: DeviceBench, from: number, to: number, bytes = 64): Packet =>
  memoryWrite({ requester_id: device(bench, from), tag: 0, address: target(bench, to), data: bench.random.bytes(bytes) });
const read = (bench: DeviceBench, from: number, to: number): Packet =>
  memoryRead({ requester_id: device(bench, from), tag: 7, address: target(bench, to), bytes: 64 });
const statuses = (bench: DeviceBench, port: number) =>
  bench.taken(port).map(packet => (packet.type === TlpType.completion ? completionOf(packet).status : -1));
const resets = (bench: DeviceBench) => bench.sim.dut.downstream_hot_reset.map(signal => Number(bench.sim.peek(signal)));

describe('resets', () => {
  test('C85: a secondary bus reset of a downstream port goes to its link alone, and its windows survive', () => {
    using bench = configured();
    bench.write(2, 0x3c, 1 << 22);
    bench.reset([2], true);
    expect(resets(bench)).toEqual([0, 1, 0]);
    bench.send(1, read(bench, 1, 2), write(bench, 1, 2));
    expect([statuses(bench, 1), bench.taken(2)]).toEqual([[Status.unsupported], []]);
    bench.write(2, 0x3c, 0);
    bench.reset([2], false);
    expect(resets(bench)).toEqual([0, 0, 0]);
    bench.send(1, write(bench, 1, 2));
    expect(bench.taken(2).length).toBe(1);
    // Nothing surprising: the link status has changed, and no error is logged but the refused write.
    expect([bench.read(2, 0x68) & (1 << 24), bench.read(2, 0x104)]).toEqual([1 << 24, 0]);
  });

  test('C85: a secondary bus reset of the upstream port resets the downstream ports and all links', () => {
    using bench = configured();
    bench.write(0, 0x3c, 1 << 22);
    bench.reset([1, 2, 3], true);
    expect(resets(bench)).toEqual([1, 1, 1]);
    bench.write(0, 0x3c, 0);
    bench.reset([1, 2, 3], false);
    expect(resets(bench)).toEqual([0, 0, 0]);
    expect([bench.read(0, 0x18), bench.read(1, 0x18), bench.read(1, 0x20), bench.read(1, 0x04) & 7]).toEqual([
      0x000d_0201, 0, 0x0000_fff0, 0,
    ]);
  });

  test('C71e C91: link disable holds the device below in reset, and requests to it are refused', () => {
    using bench = configured();
    bench.write(3, 0x60, 1 << 4);
    bench.reset([3], true);
    expect([resets(bench), (bench.read(3, 0x60) >>> 29) & 1]).toEqual([[0, 0, 1], 0]);
    bench.send(0, read(bench, 0, 3));
    expect(statuses(bench, 0)).toEqual([Status.unsupported]);
    bench.write(3, 0x60, 0);
    bench.reset([3], false);
    bench.send(0, read(bench, 0, 3));
    expect(bench.taken(3).length).toBe(1);
  });

  test('C85: a hot reset from above clears all ports but what is sticky, and goes to all links', () => {
    using bench = configured();
    bench.send(1, write(bench, 1, 1));
    const { hot_reset } = bench.sim.dut;
    bench.sim.poke(hot_reset, 1);
    bench.reset([0, 1, 2, 3], true);
    expect(resets(bench)).toEqual([1, 1, 1]);
    bench.sim.poke(hot_reset, 0);
    bench.reset([0, 1, 2, 3], false);
    expect(resets(bench)).toEqual([0, 0, 0]);
    expect([bench.read(0, 0x18), bench.read(0, 4) & 7, bench.read(0, 0x20)]).toEqual([0, 0, 0xfff0]);
    bench.write(0, 0x18, 0x000d_0201);
    for (const port of [1, 2, 3])
      expect([bench.read(port, 0x18), bench.read(port, 4) & 7, bench.read(port, 0x20)]).toEqual([0, 0, 0xfff0]);
    bench.configure();
    expect(bench.read(1, 0x104)).toBe(1 << 20);
    bench.send(0, write(bench, 0, 2));
    expect(bench.taken(2).length).toBe(1);
  });
});

describe('a link that goes down', () => {
  test('C71e C91: requests are answered, posted TLPs and completions dropped, and the surprise is reported', () => {
    using bench = configured();
    bench.link(2, false);
    bench.run(10);
    bench.send(1, read(bench, 1, 2), write(bench, 1, 2));
    bench.send(0, read(bench, 0, 2));
    expect([statuses(bench, 1), statuses(bench, 0)]).toEqual([[Status.unsupported], [Status.unsupported]]);
    expect([bench.read(2, 0x104), bench.read(1, 0x94)]).toEqual([1 << 5, 1]);
    bench.link(2, true);
    bench.settle();
    bench.send(1, write(bench, 1, 2));
    bench.send(2, write(bench, 2, 1));
    expect([bench.taken(1).length, bench.taken(2).length]).toEqual([1, 1]);
  });

  test('C87 C90: ERR_FATAL tells of the surprise where it is enabled', () => {
    using bench = configured();
    bench.write(0, 0x3c, 1 << 17);
    bench.change(0, 4, 1 << 8);
    bench.write(2, 0x58, 0b100);
    bench.link(2, false);
    bench.run(40);
    expect(bench.taken(0).map(packet => [messageCode(packet), packet.requester_id])).toEqual([[0x33, bench.id(2)]]);
  });

  const tight: PartnerCredits = {
    posted: { headers: 2, data: 64 },
    non_posted: { headers: 1, data: 2 },
    completion: { headers: 2, data: 64 },
  };

  test.each([
    1, 2, 3, 5, 8,
  ])('C71e: what is queued for it is dropped and blocks nobody, packets under way too (%i cycles in)', after => {
    using bench = configured({ partnerCredits: tight });
    // Port 2 gives nothing back and takes nothing: everything for it piles up.
    for (const kind of ['posted', 'non_posted', 'completion'] as const) bench.partner(2).holds.add(kind);
    bench.partner(2).sink.rate = 0;
    const long = { length: 12 };
    bench.partner(1).source.queue.push(...Array.from(long, () => write(bench, 1, 2, 128)), read(bench, 1, 2));
    bench.partner(3).source.queue.push(...Array.from(long, () => write(bench, 3, 2, 96)));
    bench.run(100);
    bench.partner(3).source.queue.push(...Array.from(long, () => write(bench, 3, 1, 96)));
    bench.run(after);
    bench.link(2, false);
    bench.settle();
    expect([bench.taken(1).filter(p => p.type === 0).length, bench.partner(3).source.queue.length]).toEqual([12, 0]);
    bench.link(2, true);
    bench.partner(2).holds.clear();
    bench.settle();
    const packets = Array.from({ length: 30 }, (_, i) => (i % 3 ? write(bench, 1, 2, 128) : read(bench, 1, 2)));
    bench.send(1, ...packets);
    expect(bench.taken(2).length).toBe(30);
    bench.send(2, ...Array.from({ length: 40 }, () => write(bench, 2, 0, 128)));
    expect(bench.taken(0).length).toBe(40);
  });

  test('C71e: a TLP that the lost device has left unfinished is ended, and its port begins anew', () => {
    using bench = configured();
    const packet = write(bench, 2, 1, 128);
    // One beat of four, then nothing.
    bench.partner(2).source.rate = cycle =>
      cycle === bench.partner(2).source.times.at(-1) || bench.partner(2).source.times.length === 0;
    bench.partner(2).source.times.length = 0;
    bench.partner(2).source.queue.push(packet);
    bench.run(30);
    expect(bench.partner(1).sink.beats).toBeGreaterThan(0);
    const ended: number[] = [];
    const { last, first } = at(bench.sim.dut.downstream_tx, 0).payload;
    bench.partner(1).online = false;
    const ready = bench.sim.port(at(bench.sim.dut.downstream_tx, 0).ready);
    bench.link(2, false);
    for (let i = 0; i < 60; i++) {
      ready.words[0] = 1;
      bench.sim.settle();
      if (bench.sim.peek(at(bench.sim.dut.downstream_tx, 0).valid))
        ended.push(Number(bench.sim.peek(last)), Number(bench.sim.peek(first)));
      bench.sim.step();
    }
    expect(ended.slice(-2)).toEqual([1, 0]);
    bench.link(2, true);
    bench.settle();
    bench.send(2, write(bench, 2, 0, 128));
    expect(bench.taken(0).length).toBe(1);
  });

  test.each([
    [31, [0n, 1n]],
    [32, [1n]],
  ])('C71e: a TLP that the lost device has left unfinished is not ended before 32 cycles without a beat (one comes after %i)', (quiet, lasts) => {
    using bench = configured();
    const { source } = bench.partner(2);
    source.rate = cycle => cycle === source.times.at(-1) || source.times.length === 0;
    source.times.length = 0;
    source.queue.push(write(bench, 2, 1, 128));
    bench.run(30);
    const { valid, ready, payload } = at(bench.sim.dut.downstream_tx, 0);
    const rx = at(bench.sim.dut.downstream_rx, 1);
    bench.partner(1).online = false;
    bench.sim.port(ready).words[0] = 1;
    bench.link(2, false);
    const came: bigint[] = [];
    for (let i = 0; i < 80; i++) {
      bench.sim.port(rx.valid).words[0] = i === quiet ? 1 : 0;
      bench.sim.port(rx.payload.first).words[0] = 0;
      bench.sim.port(rx.payload.last).words[0] = 0;
      bench.sim.settle();
      if (bench.sim.peek(valid) === 1n) came.push(bench.sim.peek(payload.last));
      bench.sim.step();
    }
    expect(came).toEqual(lasts);
  });

  test('C71e: a port whose link comes back begins anew only when its buffer has given away what came before', () => {
    using bench = configured({ partnerCredits: tight });
    for (const kind of ['posted', 'non_posted', 'completion'] as const) bench.partner(0).holds.add(kind);
    bench.partner(2).source.queue.push(...Array.from({ length: 12 }, () => write(bench, 2, 0, 256)));
    bench.run(200);
    const left = bench.partner(2).source.queue.length;
    bench.link(2, false);
    bench.run(50);
    bench.link(2, true);
    bench.partner(2).source.queue.push(...Array.from({ length: 20 }, () => write(bench, 2, 0, 256)));
    bench.run(200);
    expect([bench.partner(2).source.queue.length, left]).toEqual([20, 12 - 2 - 4]);
    bench.partner(0).holds.clear();
    bench.settle();
    expect(bench.taken(0).length).toBe(12 - left + 20);
  });

  test.each([
    0, 1, 2, 3, 4, 5, 6,
  ])('C70b C71e: so it does when the link is down for a cycle while a TLP comes (%i cycles after it was sent)', after => {
    using bench = configured({ partnerCredits: tight });
    bench.partner(0).holds.add('posted');
    bench.send(2, write(bench, 2, 0), write(bench, 2, 0));
    bench.partner(2).source.queue.push(write(bench, 2, 0, 32));
    bench.run(after);
    const up = bench.sim.port(at(bench.sim.dut.link_up, 1));
    up.words[0] = 0;
    bench.run(1);
    up.words[0] = 1;
    bench.partner(2).begin();
    bench.run(100);
    bench.partner(2).source.queue.push(...Array.from({ length: 20 }, () => write(bench, 2, 0, 32)));
    bench.run(300);
    const waiting = bench.partner(2).source.queue.length;
    bench.partner(0).holds.clear();
    bench.settle();
    const arrived = bench.taken(0).length;
    expect([waiting === 20, arrived]).toEqual(arrived === 23 ? [true, 23] : [false, 22]);
  });

  test('C71e: of a TLP that was under way when the link went down nothing comes when it is up again', () => {
    using bench = configured();
    const { source } = bench.partner(1);
    source.rate = cycle => cycle % 40 === 0;
    source.queue.push(write(bench, 1, 2, 512), write(bench, 1, 2, 64));
    bench.run(130);
    expect(bench.partner(2).sink.beats).toBeGreaterThan(0);
    bench.link(2, false);
    bench.run(60);
    bench.link(2, true);
    bench.run(300);
    expect([source.times.length, bench.partner(2).sink.beats]).toEqual([1, 0]);
    bench.settle();
    expect(bench.taken(2).map(packet => packet.payload.length)).toEqual([64]);
  });
});

describe('credits', () => {
  test('C70b: what the ports advertise is backed by their buffers, else they refuse to be built', () => {
    const credits = least(512) as never;
    expect(() => new DeviceBench({ ports: 2, slots: 32 })).toThrow(/beats, and its buffer holds 32/);
    expect(() => new DeviceBench({ ports: 2, credits, max_payload: 1024 })).toThrow(/do not hold a payload of 1024 bytes/);
    expect(() => new DeviceBench({ ports: 2, width: 100 })).toThrow(/width/);
    expect(() => new DeviceBench({ ports: 33 })).toThrow(/33/);
  });

  test('C70e: a TLP beyond the credits is dropped and reported, and the next one finds everything in order', () => {
    using bench = configured({ credits: least(512) });
    const { source } = bench.partner(1);
    bench.partner(2).sink.rate = 0;
    for (let i = 0; i < 8; i++) source.queue.push(write(bench, 1, 2, 512));
    bench.run(100);
    const left = source.queue.length;
    expect(left).toBeGreaterThan(0);
    // A sender that does not care.
    const { observer } = source;
    source.observer = Object.assign(Object.create(observer), { left: () => ({ headers: 9, data: 999 }), sends: () => {} });
    bench.run(200);
    expect([source.queue.length, bench.read(1, 0x104)]).toEqual([0, 1 << 17]);
    bench.partner(2).sink.rate = 1;
    bench.settle();
    expect(bench.taken(2).length).toBe(8 - left);
    source.observer = observer;
    bench.send(1, write(bench, 1, 2, 512), write(bench, 1, 2, 512));
    expect(bench.taken(2).length).toBe(2);
  });

  test('C61 C70b: non-posted requests without credits stop neither posted TLPs nor completions', () => {
    using bench = configured({ partnerCredits: least(128) });
    bench.partner(2).holds.add('non_posted');
    const many = Array.from({ length: 10 }, () => read(bench, 1, 2));
    bench.partner(1).source.queue.push(...many);
    bench.run(100);
    const answer: Packet = { ...write(bench, 1, 2), type: TlpType.completion, requester_id: device(bench, 2), address: 0n };
    bench.partner(1).source.queue.push(...Array.from({ length: 20 }, (_, i) => (i % 2 ? write(bench, 1, 2) : answer)));
    bench.run(400);
    expect(bench.taken(2).length).toBe(21);
  });
});

describe('order', () => {
  test('C60 C65: where posted TLPs wait for credits, ID-based ordering lets requests and completions of others go before them', () => {
    using bench = configured({
      partnerCredits: { ...least(512), non_posted: { headers: 16, data: 16 }, completion: { headers: 16, data: 64 } },
    });
    bench.partner(2).holds.add('posted');
    const own = device(bench, 1);
    const [ido, neighbour] = [4, own + 0x100];
    // The first one takes the credits, the second one waits.
    const [first, waiting] = [write(bench, 1, 2), write(bench, 1, 2)];
    const asks = (requester_id: number, attr: number): Packet => ({ ...read(bench, 1, 2), requester_id, attr });
    const answers = (completer_id: number, attr: number): Packet =>
      completion({ requester_id: device(bench, 2), tag: completer_id & 0xff, attr }, { completer_id }, new Uint8Array(4));
    const passing = [asks(neighbour, ido), answers(neighbour, ido | 1)];
    const staying = [asks(neighbour, 0), asks(own, ido), answers(own, ido), answers(neighbour, 1)];
    bench.send(1, first, waiting, ...passing, ...staying);
    const there = bench.taken(2);
    expect([there[0], there.slice(1)]).toEqual([first, expect.arrayContaining(passing)]);
    expect(there.length).toBe(3);
    bench.partner(2).holds.clear();
    bench.settle();
    // Each as it was, the attribute too; the waiting one before all that stayed.
    const [next, ...rest] = bench.taken(2);
    expect([next, rest]).toEqual([waiting, expect.arrayContaining(staying)]);
    expect(rest.length).toBe(4);
  });
});

test('C70b C70c: a partner may come back with other credits, and TLPs pass by those that it has now', () => {
  using bench = configured({ fcRate: 0.6 });
  // What is sent is no longer than 128 bytes, for which 8 credits are enough.
  const partner = bench.partner(1);
  for (const data of [8, 13, 18, 21, 31, 0, 64, 10]) {
    bench.link(1, false);
    bench.run(20);
    partner.credits = {
      posted: { headers: 1 + (data % 5), data },
      non_posted: { headers: 2, data: data % 2 === 0 ? 2 : 3 },
      completion: { headers: 1 + (data % 3), data },
    };
    bench.link(1, true);
    bench.settle();
    const packets = Array.from({ length: 12 }, (_, i) => write(bench, 2, 1, i % 2 === 0 ? 128 : 16));
    const requests = Array.from({ length: 4 }, () => read(bench, 2, 1));
    bench.send(2, ...packets, ...requests);
    expect(bench.taken(1), `${data}`).toEqual([...packets, ...requests]);
  }
});
