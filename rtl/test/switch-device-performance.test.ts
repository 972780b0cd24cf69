import { describe, expect, test } from 'vitest';
import { at } from '../src/at.ts';
import { memoryRead, memoryWrite, type Packet } from '../src/tlp/packet.ts';
import { DeviceBench } from './switch-device-bench.ts';

/** A write of `bytes` bytes to downstream port `to`, or up. */
const write = (bench: DeviceBench, from: number, to: number, bytes: number): Packet =>
  memoryWrite({
    requester_id: from === 0 ? 8 : at(bench.ports, from).secondary << 8,
    tag: 0,
    address: to === 0 ? 0x70_0000_0000n : at(bench.ports, to).prefetch[0],
    data: bench.random.bytes(bytes),
  });

describe('latency', () => {
  test.each([
    [256, 32],
    [256, 256],
    [64, 128],
  ])('4 cycles from first beat in to first beat out, whatever the ports (%i bits, %i bytes)', (width, bytes) => {
    using bench = new DeviceBench({ ports: 3, width });
    bench.configure();
    for (const [from, to] of [
      [1, 2],
      [3, 2],
      [2, 0],
      [0, 3],
      [0, 1],
    ] as const) {
      const { sink } = bench.partner(to);
      const { source } = bench.partner(from);
      sink.times.length = 0;
      source.times.length = 0;
      bench.send(from, write(bench, from, to, bytes));
      expect([sink.times.length, at(sink.times, 0) - at(source.times, 0)]).toEqual([1, 4]);
    }
  });

  test('a configuration access of the switch is answered 15 cycles after it came', () => {
    using bench = new DeviceBench({ ports: 3, width: 256 });
    bench.configure();
    bench.settle();
    const { sink, source } = bench.partner(0);
    sink.times.length = 0;
    source.times.length = 0;
    bench.read(1, 0);
    expect(at(sink.times, 0) - at(source.times, 0)).toBe(15);
  });
});

describe('throughput', () => {
  test.each([
    [256, 32],
    [256, 128],
    [256, 512],
  ])('non-blocking: pairs of 8 downstream ports move a beat per cycle each (%i bits, %i bytes)', (width, bytes) => {
    using bench = new DeviceBench({ ports: 8, width });
    bench.configure();
    const peers = [0, 2, 1, 4, 3, 6, 5, 8, 7];
    for (let port = 1; port <= 8; port++) {
      const packet = write(bench, port, at(peers, port), bytes);
      bench.partner(port).source.queue.push(...Array.from({ length: (4000 * width) / 8 / bytes }, () => packet));
    }
    bench.run(150);
    const before = bench.partners.map(p => p.sink.beats);
    bench.run(400);
    expect(bench.partners.map((p, i) => p.sink.beats - at(before, i))).toEqual([0, ...Array.from({ length: 8 }, () => 400)]);
  });

  test('C70g: a blocked root link slows nothing between downstream ports', () => {
    using bench = new DeviceBench({ ports: 8, width: 256 });
    bench.configure();
    for (const kind of ['posted', 'non_posted', 'completion'] as const) bench.partner(0).holds.add(kind);
    bench.partner(0).sink.rate = 0;
    // Ports 1 and 2 write to each other and, as long as their credits last, up; 3 reads up.
    for (const [from, to] of [
      [1, 2],
      [2, 1],
    ] as const) {
      const queue: Packet[] = [];
      for (let i = 0; i < 200; i++) queue.push(write(bench, from, to, 128));
      for (let i = 0; i < 3; i++) queue.splice(2 * i, 0, write(bench, from, 0, 128));
      bench.partner(from).source.queue.push(...queue);
    }
    const read = memoryRead({ requester_id: 0x0a00, tag: 1, address: 0x70_0000_0000n, bytes: 64 });
    bench.partner(3).source.queue.push(...Array.from({ length: 10 }, () => read));
    bench.run(150);
    const before = bench.partners.map(p => p.sink.beats);
    bench.run(400);
    expect(bench.partners.map((p, i) => p.sink.beats - at(before, i))).toEqual([0, 400, 400, 0, 0, 0, 0, 0, 0]);
  });
});

describe('quality of service', () => {
  test('ports share the upstream link by their weights, and none waits for ever', () => {
    const weights = [1, 1, 2, 5];
    using bench = new DeviceBench({ ports: 3, width: 256, weights });
    bench.configure();
    const shares = [0, 0, 0];
    const { sink } = bench.partner(0);
    bench.partner(0).onPacket = packet => {
      const port = bench.ports.findIndex(({ secondary }) => secondary === packet.requester_id >> 8);
      shares[port - 1] = at(shares, port - 1) + 1;
      sink.received.pop();
    };
    for (const port of [1, 2, 3])
      bench.partner(port).source.queue.push(...Array.from({ length: 800 }, () => write(bench, port, 0, 128)));
    bench.run(300);
    shares.fill(0);
    const beats = sink.beats;
    bench.run(1600);
    expect(sink.beats - beats).toBe(1600);
    const due = shares.map((share, i) => share / at(weights, i + 1));
    const sum = due.reduce((a, b) => a + b, 0);
    expect(sum ** 2 / (due.length * due.reduce((a, b) => a + b * b, 0))).toBeGreaterThan(0.999);
    expect(() => new DeviceBench({ ports: 3, weights: [1, 2] })).toThrow(/2 weights for 4 ports/);
  });
});
