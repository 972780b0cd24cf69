import { describe, expect, test } from 'vitest';
import { simulate, type TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import type { Engine } from '../../hdl/src/index.ts';
import { Random } from '../../hdl/test/random.ts';
import { engines } from '../../sim/testbench/src/on-engines.ts';
import { FcClass, type FcClassName, FcKind, fcClasses } from '../src/link/fc-update.ts';
import { LinkTransmitter } from '../src/link/link-transmitter.ts';
import type { Packet } from '../src/tlp/packet.ts';
import {
  type Actor,
  CreditObserver,
  classOf,
  dataCreditsOf,
  type Fc,
  FcSource,
  OrderObserver,
  plainPacket,
  type Rate,
  randomPacket,
  run,
  Sink,
  Source,
  serialOf,
} from './link-bench.ts';

type Credits = Record<FcClassName, { headers: number; data: number }>;
const plenty: Credits = {
  posted: { headers: 127, data: 2047 },
  non_posted: { headers: 127, data: 2047 },
  completion: { headers: 0, data: 0 },
};

/** A link partner that gives credits back some time after a TLP came; `until` stops it. */
class Partner implements Actor {
  readonly fc: FcSource;
  /** Credits of these classes are not given back. */
  readonly closed = new Set<FcClassName>();
  private readonly credits: Credits;
  private readonly random: Random;
  private readonly rate: number;
  private readonly waiting: Packet[] = [];

  constructor(fc: FcSource, credits: Credits, random: Random, rate: number) {
    this.fc = fc;
    this.credits = credits;
    this.random = random;
    this.rate = rate;
  }
  /** The first credits, each class twice. */
  initialise(): void {
    for (const kind of [FcKind.init1, FcKind.init2])
      for (const name of fcClasses) this.fc.queue.push({ kind, traffic: FcClass[name], ...this.credits[name] });
  }
  takes(packet: Packet): void {
    this.waiting.push(packet);
  }
  drive(): void {
    if (!this.random.chance(this.rate)) return;
    const index = this.waiting.findIndex(p => !this.closed.has(classOf(p)));
    const [packet] = index < 0 ? [] : this.waiting.splice(index, 1);
    if (!packet) return;
    const name = classOf(packet);
    const limit = this.credits[name];
    if (limit.headers) limit.headers += 1;
    if (limit.data) limit.data += dataCreditsOf(packet);
    const update: Fc = { kind: FcKind.update, traffic: FcClass[name], headers: limit.headers & 0xff, data: limit.data & 0xfff };
    this.fc.queue.push(update);
  }
  sample(): void {}
}

interface BenchOptions {
  readonly width: number;
  readonly credits?: Credits;
  readonly seed?: number;
  readonly source?: Rate;
  readonly sink?: Rate;
  readonly back?: number;
  readonly depth?: number;
  readonly engine?: Engine;
}

function bench({ width, credits = plenty, seed = 1, source = 1, sink = 1, back = 1, depth, engine }: BenchOptions) {
  const sim: TypedSimulation<LinkTransmitter> = simulate(
    () => new LinkTransmitter({ width, ...(depth ? { depth } : {}) }),
    engine ? { engine } : {},
  );
  const random = new Random(seed);
  const { dut } = sim;
  const sources = {
    posted: new Source(sim, dut.posted, random, source),
    non_posted: new Source(sim, dut.non_posted, random, source),
    completion: new Source(sim, dut.completion, random, source),
  };
  const out = new Sink(sim, dut.tlp, random, sink);
  const fc = new FcSource(sim, dut.fc);
  const partner = new Partner(fc, structuredClone(credits), random, back);
  const observer = new CreditObserver();
  const order = new OrderObserver();
  for (const s of Object.values(sources)) s.onStart = packet => order.enters(packet);
  out.onOffer = header => {
    observer.sends(header);
    order.offered(header);
  };
  out.onPacket = packet => {
    order.goes(packet);
    partner.takes(packet);
  };
  const watch: Actor = {
    drive: () => {},
    sample: () => {
      const next = fc.queue[0];
      if (next) observer.sees(next);
    },
  };
  // A posted TLP that enters in the same cycle as another is not before it: it is told last.
  const actors = [partner, watch, fc, sources.non_posted, sources.completion, sources.posted, out];
  return { sim, random, sources, out, fc, partner, observer, order, actors };
}

const fill = (b: ReturnType<typeof bench>, count: number, dws: number): Packet[] => {
  const all: Packet[] = [];
  for (let serial = 0; serial < count; serial++) {
    const name = b.random.pick(fcClasses);
    const packet = randomPacket(b.random, name, serial, dws);
    b.sources[name].queue.push(packet);
    all.push(packet);
  }
  return all;
};

describe.each([64, 128, 256, 512])('width %d', width => {
  test.each([
    ['full speed', 1, 1, 1],
    ['slow sources', 0.5, 1, 1],
    ['slow link', 1, 0.5, 1],
    ['slow credits', 1, 0.9, 0.2],
    ['everything slow', 0.7, 0.7, 0.3],
  ])('C60 C61 C70a C70d: order within and between classes, and never without credits: %s', (_, source, sink, back) => {
    const credits: Credits = {
      posted: { headers: 4, data: 24 },
      non_posted: { headers: 3, data: 4 },
      completion: { headers: 2, data: 20 },
    };
    const seed = width + 1;
    const b = bench({ width, credits, seed, source, sink, back });
    using sim = b.sim;
    const sent = fill(b, 400, 60);
    b.partner.initialise();
    const cycles = run(sim, b.actors, 60_000, () => b.out.received.length === sent.length);
    expect(b.out.received.length, `seed ${seed}: TLPs that left after ${cycles} cycles`).toBe(sent.length);
    const bySerial = (list: readonly Packet[]) => list.toSorted((x, y) => serialOf(x) - serialOf(y));
    expect(bySerial(b.out.received), `seed ${seed}`).toEqual(sent);
  });

  test('a beat per cycle: TLPs of one beat, and TLPs of many; 2 cycles of latency', () => {
    const b = bench({ width });
    using sim = b.sim;
    b.partner.initialise();
    run(sim, b.actors, 12);
    const lanes = width / 32;
    const packet = (serial: number, name: FcClassName, beats: number) => plainPacket(b.random, name, serial, lanes * beats);
    let beats = 0;
    for (let i = 0; i < 60; i++) {
      const name = i % 2 ? 'posted' : 'completion';
      const size = i < 30 ? 1 : 1 + (i % 4);
      beats += size;
      b.sources[name].queue.push(packet(i, name, size));
    }
    run(sim, b.actors, 1000, () => b.out.received.length === 60);
    const first = b.out.times[0] ?? 0;
    expect(first - Math.min(...Object.values(b.sources).flatMap(s => s.times))).toBe(2);
    expect(b.out.beats).toBe(beats);
    expect(sim.cycle - first).toBe(beats);
  });
});

test('C70b: nothing leaves before the credits of all classes are known and the partner knows ours', () => {
  const b = bench({ width: 128 });
  using sim = b.sim;
  b.partner.closed.add('posted').add('non_posted').add('completion');
  fill(b, 30, 8);
  const limits = { headers: 127, data: 2047 };
  for (const name of ['posted', 'completion'] as const)
    b.fc.queue.push({ kind: FcKind.init1, traffic: FcClass[name], ...limits });
  run(sim, b.actors, 50);
  expect(sim.peek(sim.dut.partner.limits_known)).toBe(0n);
  b.fc.queue.push({ kind: FcKind.init1, traffic: FcClass.non_posted, ...limits });
  run(sim, b.actors, 50);
  expect(sim.peek(sim.dut.partner.limits_known)).toBe(1n);
  expect(sim.peek(sim.dut.partner.ready)).toBe(0n);
  expect(b.out.received.length).toBe(0);
  b.fc.queue.push({ kind: FcKind.init2, traffic: FcClass.posted, ...limits });
  run(sim, b.actors, 200, () => b.out.received.length === 30);
  expect(b.out.received.length).toBe(30);
});

test('C70c: initial credits of 0 are infinite for headers and for data, one by one, and nothing changes that later', () => {
  const credits: Credits = {
    posted: { headers: 0, data: 40 },
    non_posted: { headers: 5, data: 0 },
    completion: { headers: 0, data: 0 },
  };
  const b = bench({ width: 64, credits, back: 0 });
  using sim = b.sim;
  b.partner.initialise();
  const one = (name: FcClassName, serial: number) => plainPacket(b.random, name, serial, 2);
  for (let i = 0; i < 300; i++)
    for (const name of fcClasses) b.sources[name].queue.push(one(name, 3 * i + fcClasses.indexOf(name)));
  for (const name of fcClasses) b.fc.queue.push({ kind: FcKind.update, traffic: FcClass[name], ...credits[name] });
  // Initial credits that come again change nothing.
  b.fc.queue.push({ kind: FcKind.init2, traffic: FcClass.posted, headers: 3, data: 100 });
  run(sim, b.actors, 3000);
  const count = (name: FcClassName) => b.out.received.filter(p => classOf(p) === name).length;
  expect(count('posted')).toBe(40);
  expect(count('non_posted')).toBe(5);
  // Completions wait for the posted TLPs that entered before them, so the last ones do not leave.
  expect(count('completion')).toBeGreaterThan(20);
});

test.each([
  [4, 127, 10, 2],
  [4, 127, 12, 3],
  [1, 3, 100, 3],
])('C70d: TLPs of one beat and %d data credits back to back: %d headers and %d data credits let %d leave', (size, headers, data, leave) => {
  const b = bench({ width: 512, back: 0, credits: { ...structuredClone(plenty), posted: { headers, data } } });
  using sim = b.sim;
  for (let i = 0; i < 20; i++) b.sources.posted.queue.push(plainPacket(b.random, 'posted', i, 4 * size));
  run(sim, b.actors, 40);
  b.partner.initialise();
  run(sim, b.actors, 60);
  expect(b.out.received.length).toBe(leave);
});

describe('C61: a class without credits blocks no other', () => {
  test.each([
    ['non_posted', ['posted', 'completion']],
    ['completion', ['posted', 'non_posted']],
    ['posted', []],
  ] as const)('%s is blocked', (blocked, free) => {
    const credits: Credits = structuredClone(plenty);
    credits.completion = { headers: 20, data: 400 };
    const b = bench({ width: 256, credits });
    using sim = b.sim;
    b.partner.initialise();
    b.partner.closed.add(blocked);
    // Everything of the blocked class first, more than its credits.
    let serial = 0;
    for (let i = 0; i < 150; i++) b.sources[blocked].queue.push(randomPacket(b.random, blocked, serial++, 16));
    run(sim, b.actors, 1500);
    const before = b.out.received.length;
    for (const name of free) for (let i = 0; i < 200; i++) b.sources[name].queue.push(randomPacket(b.random, name, serial++, 16));
    run(sim, b.actors, 6000);
    for (const name of free) expect(b.out.received.filter(p => classOf(p) === name).length, name).toBe(200);
    expect(b.out.received.length - before).toBe(200 * free.length);
    b.partner.closed.clear();
    run(sim, b.actors, 6000, () => b.out.received.length === serial);
    expect(b.out.received.length).toBe(serial);
  });
});

test('C60: non-posted TLPs and completions wait behind blocked posted ones, and go on when those do', () => {
  const b = bench({ width: 128, credits: { ...structuredClone(plenty), posted: { headers: 1, data: 64 } } });
  using sim = b.sim;
  b.partner.initialise();
  b.partner.closed.add('posted');
  for (let i = 0; i < 3; i++) b.sources.posted.queue.push(randomPacket(b.random, 'posted', i, 4));
  run(sim, b.actors, 60);
  b.sources.non_posted.queue.push(randomPacket(b.random, 'non_posted', 10, 1));
  b.sources.completion.queue.push(randomPacket(b.random, 'completion', 11, 1));
  run(sim, b.actors, 100);
  expect(b.out.received.map(serialOf)).toEqual([0]);
  b.partner.closed.clear();
  run(sim, b.actors, 100);
  expect(b.out.received.map(serialOf).slice(0, 3)).toEqual([0, 1, 2]);
  expect(b.out.received.length).toBe(5);
});

test('C64: with `relaxed` a completion with relaxed ordering passes posted TLPs, another one does not', () => {
  const b = bench({ width: 128, credits: { ...structuredClone(plenty), posted: { headers: 1, data: 64 } } });
  using sim = b.sim;
  b.out.onOffer = header => b.observer.sends(header);
  sim.poke(sim.dut.relaxed, 1);
  b.partner.initialise();
  b.partner.closed.add('posted');
  for (let i = 0; i < 3; i++) b.sources.posted.queue.push({ ...randomPacket(b.random, 'posted', i, 4), attr: 0b010 });
  run(sim, b.actors, 60);
  b.sources.non_posted.queue.push({ ...randomPacket(b.random, 'non_posted', 9, 1), attr: 0b010 });
  b.sources.completion.queue.push({ ...randomPacket(b.random, 'completion', 10, 1), attr: 0b010 });
  b.sources.completion.queue.push({ ...randomPacket(b.random, 'completion', 11, 1), attr: 0b101 });
  run(sim, b.actors, 100);
  expect(b.out.received.map(serialOf)).toEqual([0, 10]);
  // No more, and again.
  sim.poke(sim.dut.relaxed, 0);
  b.sources.completion.queue.push({ ...randomPacket(b.random, 'completion', 12, 1), attr: 0b010 });
  run(sim, b.actors, 100);
  expect(b.out.received.map(serialOf)).toEqual([0, 10]);
  sim.poke(sim.dut.relaxed, 1);
  b.partner.closed.clear();
  run(sim, b.actors, 100);
  expect(b.out.received.map(serialOf).toSorted((x, y) => x - y)).toEqual([0, 1, 2, 9, 10, 11, 12]);
});

test('no class starves while the others always have something to send', () => {
  const b = bench({ width: 512, depth: 4 });
  using sim = b.sim;
  b.partner.initialise();
  let serial = 0;
  for (let i = 0; i < 600; i++)
    for (const name of fcClasses) b.sources[name].queue.push(randomPacket(b.random, name, serial++, 2));
  run(sim, b.actors, 900);
  const received = b.out.received.slice(0, 800);
  for (const name of fcClasses) {
    const places = received.flatMap((p, i) => (classOf(p) === name ? [i] : []));
    const gaps = places.map((place, i) => place - (places[i - 1] ?? 0));
    expect(Math.max(...gaps), `longest wait of ${name}, in TLPs`).toBeLessThan(20);
    expect(places.length).toBeGreaterThan(200);
  }
});

test.each(engines)('C70d: the counters of credits wrap (%s)', (_, engine) => {
  const b = bench({ width: 64, engine, credits: { ...plenty, completion: { headers: 127, data: 2047 } } });
  using sim = b.sim;
  b.partner.initialise();
  const sent = fill(b, 1500, 160);
  run(sim, b.actors, 60_000, () => b.out.received.length === sent.length);
  const posted = b.out.received.filter(p => classOf(p) === 'posted');
  expect(posted.length).toBeGreaterThan(400);
  expect(posted.reduce((sum, p) => sum + dataCreditsOf(p), 0)).toBeGreaterThan(4096);
  expect(b.out.received.length).toBe(sent.length);
});
