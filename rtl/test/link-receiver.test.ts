import { describe, expect, test } from 'vitest';
import { simulate, type TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import type { Engine } from '../../hdl/src/index.ts';
import { Random } from '../../hdl/test/random.ts';
import { engines } from '../../sim/testbench/src/on-engines.ts';
import { beatsOfCredits } from '../src/link/class-buffer.ts';
import { CreditSender } from '../src/link/credit-sender.ts';
import { FcClass, type FcClassName, FcKind, fcClasses, type LinkCredits } from '../src/link/fc-update.ts';
import { LinkReceiver, type LinkReceiverParams } from '../src/link/link-receiver.ts';
import type { Packet } from '../src/tlp/packet.ts';
import {
  type Actor,
  CreditObserver,
  classOf,
  dataCreditsOf,
  FcSink,
  OrderObserver,
  plainPacket,
  type Rate,
  randomPacket,
  run,
  Sink,
  Source,
  serialOf,
} from './link-bench.ts';

/** Sends what the credits allow: of the classes in turn, so that order between classes is random. */
class CreditedSource extends Source {
  ignore = false;
  observer = new CreditObserver();
  protected override allowed(packet: Packet): boolean {
    const left = this.observer.left(classOf(packet));
    return this.ignore || (left !== undefined && left.headers >= 1 && left.data >= dataCreditsOf(packet));
  }
}

const small: LinkCredits = {
  posted: { headers: 4, data: 24 },
  non_posted: { headers: 3, data: 4 },
  completion: { headers: 2, data: 20 },
};

interface BenchOptions extends Partial<LinkReceiverParams> {
  readonly width: number;
  readonly seed?: number;
  readonly source?: Rate;
  readonly sink?: Rate;
  readonly fc?: Rate;
  readonly engine?: Engine;
}

function bench({ width, credits = small, seed = 1, source = 1, sink = 1, fc: fcRate = 1, engine, ...rest }: BenchOptions) {
  const sim: TypedSimulation<LinkReceiver> = simulate(
    () => new LinkReceiver({ width, credits, max_payload: 128, ...rest }),
    engine ? { engine } : {},
  );
  const random = new Random(seed);
  const { dut } = sim;
  const link = new CreditedSource(sim, dut.tlp, random, source);
  const sinks = {
    posted: new Sink(sim, dut.posted, random, sink),
    non_posted: new Sink(sim, dut.non_posted, random, sink),
    completion: new Sink(sim, dut.completion, random, sink),
  };
  const fc = new FcSink(sim, dut.fc, random, fcRate);
  const order = new OrderObserver();
  fc.onPacket = packet => link.observer.sees(packet);
  link.onStart = packet => {
    if (!link.ignore) link.observer.sends(packet);
    order.enters(packet);
  };
  for (const s of Object.values(sinks)) {
    s.onOffer = header => order.offered(header);
    s.onPacket = packet => order.goes(packet);
  }
  sim.poke(dut.overflow.ready, 1);
  const actors: Actor[] = [link, ...Object.values(sinks), fc];
  const known = () => {
    sim.poke(dut.partner.limits_known, 1);
    sim.poke(dut.partner.ready, 1);
  };
  const received = () => Object.values(sinks).flatMap(s => s.received);
  return { sim, random, link, sinks, fc, order, actors, known, received, credits };
}

function fill(b: ReturnType<typeof bench>, count: number, dws: number): Packet[] {
  const all = Array.from({ length: count }, (_, serial) => randomPacket(b.random, b.random.pick(fcClasses), serial, dws));
  b.link.queue.push(...all);
  return all;
}

const finite = (credits: LinkCredits, name: FcClassName) => {
  const c = credits[name];
  return c === 'infinite' ? { headers: Number.POSITIVE_INFINITY, data: Number.POSITIVE_INFINITY } : c;
};

describe.each([64, 128, 256, 512])('width %d', width => {
  test.each([
    ['full speed', 1, 1, 1],
    ['slow link', 0.5, 1, 1],
    ['slow consumers', 1, 0.4, 1],
    ['slow flow control packets', 1, 0.9, 0.05],
    ['everything slow', 0.7, 0.6, 0.2],
  ])('C60 C61 C70a C70b C70d: order, content, and all credits come back: %s', (_, source, sink, fc) => {
    const seed = width + 3;
    const b = bench({ width, seed, source, sink, fc, refresh_cycles: 300 });
    using sim = b.sim;
    b.known();
    const sent = fill(b, 300, 60);
    const cycles = run(sim, b.actors, 60_000, () => b.received().length === sent.length);
    expect(b.received().length, `seed ${seed}: TLPs after ${cycles} cycles`).toBe(sent.length);
    expect(
      b.received().toSorted((x, y) => serialOf(x) - serialOf(y)),
      `seed ${seed}`,
    ).toEqual(sent);
    run(sim, b.actors, 900);
    for (const name of fcClasses) expect(b.link.observer.left(name), `credits of ${name}`).toEqual(finite(b.credits, name));
  });

  test('1 cycle of latency where nothing waits, a beat per cycle, one-beat TLPs too', () => {
    const plenty = { headers: 127, data: 2047 };
    const b = bench({ width, credits: { posted: plenty, non_posted: plenty, completion: plenty }, max_payload: 4096 });
    using sim = b.sim;
    b.known();
    run(sim, b.actors, 12);
    const lanes = width / 32;
    for (const [i, beats] of [1, 1, 1, 4, 1, 1, 2, 3, 1, 1].entries())
      b.link.queue.push(plainPacket(b.random, 'posted', i, lanes * beats));
    run(sim, b.actors, 100);
    const { times } = b.sinks.posted;
    expect(times.map((t, i) => t - (b.link.times[i] ?? 0))).toEqual(times.map(() => 1));
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBe(15);
  });

  test('C70a: buffers hold exactly what the credits can become, digests included, and are not overrun', () => {
    const credits = { headers: 5, data: 11 };
    const lanes = width / 32;
    const b = bench({ width, credits: { ...small, posted: credits }, sink: 0 });
    using sim = b.sim;
    b.known();
    // The worst case: all data credits in one TLP that is a whole number of beats, and a digest behind it; the others have no data.
    const packet = (serial: number, dws: number): Packet => {
      return { ...plainPacket(b.random, 'posted', serial, dws), td: 1, digest: serial };
    };
    const whole = 44 - (44 % lanes);
    b.link.queue.push(packet(0, 0), packet(1, whole), packet(2, 0), packet(3, 0), packet(4, 0), packet(5, 0));
    run(sim, b.actors, 200);
    expect(b.link.queue.length, 'one more than there are header credits').toBe(1);
    expect(beatsOfCredits(credits, width)).toBe(5 + Math.floor(44 / lanes));
    expect(4 + Math.ceil((whole + 1) / lanes), 'beats of these').toBe(beatsOfCredits(credits, width));
    b.sinks.posted.rate = 1;
    run(sim, b.actors, 200);
    expect(b.sinks.posted.received.length).toBe(6);
  });
});

test('C70b C70c: InitFC1 until the limits are known, InitFC2 until the partner knows ours, infinite is 0 and has no updates', () => {
  const b = bench({ width: 128, credits: { ...small, completion: 'infinite' }, refresh_cycles: 50 });
  using sim = b.sim;
  const kinds = () => new Set(b.fc.received.map(f => f.kind));
  run(sim, b.actors, 40);
  expect(kinds()).toEqual(new Set([FcKind.init1]));
  expect(b.fc.received.slice(0, 4).map(({ cycle: _, ...fc }) => fc)).toEqual([
    { kind: FcKind.init1, traffic: FcClass.posted, headers: 4, data: 24 },
    { kind: FcKind.init1, traffic: FcClass.non_posted, headers: 3, data: 4 },
    { kind: FcKind.init1, traffic: FcClass.completion, headers: 0, data: 0 },
    { kind: FcKind.init1, traffic: FcClass.posted, headers: 4, data: 24 },
  ]);
  sim.poke(sim.dut.partner.limits_known, 1);
  run(sim, b.actors, 10);
  b.fc.received.length = 0;
  run(sim, b.actors, 40);
  expect(kinds()).toEqual(new Set([FcKind.init2]));
  sim.poke(sim.dut.partner.ready, 1);
  run(sim, b.actors, 10);
  b.fc.received.length = 0;
  run(sim, b.actors, 200);
  expect(kinds()).toEqual(new Set([FcKind.update]));
  // Refreshes, and no update for what is infinite.
  const count = (name: FcClassName) => b.fc.received.filter(f => f.traffic === FcClass[name]).length;
  expect([count('posted'), count('non_posted'), count('completion')]).toEqual([4, 4, 0]);
});

test.each<readonly [string, Partial<LinkReceiverParams>]>([
  [
    '8 data credits for posted TLPs do not hold a payload of 256 bytes',
    { credits: { ...small, posted: { headers: 1, data: 8 } }, max_payload: 256 },
  ],
  ['a class has 1 to 127 header credits, not 128', { credits: { ...small, posted: { headers: 128, data: 64 } } }],
  ['a class has 1 to 2,047 data credits, not 0', { credits: { ...small, non_posted: { headers: 1, data: 0 } } }],
  ['the largest payload is a power of two of 128 to 4,096 bytes, not 100', { max_payload: 100 }],
  ['the width of a beat is 64, 128, 256 or 512 bits, not 32', { width: 32 }],
])('C70b C70d: refused: %s', (message, params) => {
  expect(() => bench({ width: 64, ...params })).toThrow(message);
});

test('a TLP ends FC_INIT2 as well', () => {
  const b = bench({ width: 128 });
  using sim = b.sim;
  sim.poke(sim.dut.partner.limits_known, 1);
  run(sim, b.actors, 30);
  expect(b.fc.received.at(-1)?.kind).toBe(FcKind.init2);
  b.link.queue.push(plainPacket(b.random, 'posted', 1, 96));
  run(sim, b.actors, 100);
  expect(b.fc.received.at(-1)?.kind).toBe(FcKind.update);
});

test('a partner that is quick still gets one InitFC2 of each class', () => {
  const b = bench({ width: 64 });
  using sim = b.sim;
  b.known();
  run(sim, b.actors, 20);
  expect(b.fc.received.map(f => f.kind)).toEqual([1, 1, 1, 3, 3, 3]);
});

describe('C61: what a consumer does not take blocks nothing that may pass', () => {
  test.each([
    ['non_posted', ['posted', 'completion']],
    ['completion', ['posted', 'non_posted']],
  ] as const)('%s', (blocked, free) => {
    const b = bench({ width: 256 });
    using sim = b.sim;
    b.known();
    b.sinks[blocked].rate = 0;
    let serial = 0;
    for (let i = 0; i < 2; i++) b.link.queue.push(randomPacket(b.random, blocked, serial++, 8));
    for (const name of free) for (let i = 0; i < 150; i++) b.link.queue.push(randomPacket(b.random, name, serial++, 30));
    run(sim, b.actors, 5000);
    for (const name of free) expect(b.sinks[name].received.length, name).toBe(150);
    b.sinks[blocked].rate = 1;
    run(sim, b.actors, 50);
    expect(b.received().length).toBe(serial);
  });
});

test('C60: what is behind a posted TLP waits until its last beat is taken', () => {
  const b = bench({ width: 64, credits: { ...small, completion: 'infinite' } });
  using sim = b.sim;
  b.known();
  b.sinks.posted.rate = 0;
  b.link.queue.push(plainPacket(b.random, 'posted', 0, 8));
  b.link.queue.push(randomPacket(b.random, 'non_posted', 1, 1), randomPacket(b.random, 'completion', 2, 4));
  run(sim, b.actors, 50);
  expect([sim.peek(sim.dut.non_posted.valid), sim.peek(sim.dut.completion.valid)]).toEqual([0n, 0n]);
  let taken = 0;
  b.sinks.posted.rate = () => taken++ < 3;
  run(sim, b.actors, 50);
  expect(b.sinks.posted.beats).toBe(3);
  expect([sim.peek(sim.dut.non_posted.valid), sim.peek(sim.dut.completion.valid)]).toEqual([0n, 0n]);
  b.sinks.posted.rate = 1;
  run(sim, b.actors, 50);
  expect(b.received().length).toBe(3);
});

test('C70f: infinite completion credits: the link stalls while the small buffer waits for posted TLPs, and nothing is lost', () => {
  const credits: LinkCredits = { ...small, completion: 'infinite' };
  const b = bench({ width: 128, credits, completion_skid: 8 });
  using sim = b.sim;
  b.known();
  b.sinks.posted.rate = 0;
  b.link.queue.push(randomPacket(b.random, 'posted', 0, 8));
  for (let i = 1; i < 100; i++) b.link.queue.push(randomPacket(b.random, 'completion', i, 32));
  run(sim, b.actors, 300);
  expect(b.received().length).toBe(0);
  expect(b.link.queue.length).toBeGreaterThan(80);
  b.sinks.posted.rate = 0.5;
  run(sim, b.actors, 3000);
  expect(b.received().length).toBe(100);
});

describe('C70e: a TLP beyond the credits is dropped and reported, and takes no credits', () => {
  test.each(['posted', 'non_posted', 'completion'] as const)('%s', name => {
    const b = bench({ width: 128, sink: 0 });
    using sim = b.sim;
    b.known();
    run(sim, b.actors, 20);
    b.link.ignore = true;
    const { headers } = finite(small, name);
    for (let i = 0; i < headers; i++) b.link.queue.push(plainPacket(b.random, name, i, 0));
    run(sim, b.actors, 30);
    expect(sim.peek(sim.dut.overflow.valid)).toBe(0n);
    sim.poke(sim.dut.overflow.ready, 0);
    const beyond = plainPacket(b.random, name, 77, 8);
    b.link.queue.push(beyond);
    run(sim, b.actors, 10);
    expect(sim.peek(sim.dut.overflow.valid)).toBe(1n);
    expect(sim.peek(sim.dut.overflow.payload.address)).toBe(beyond.address);
    sim.poke(sim.dut.overflow.ready, 1);
    for (const s of Object.values(b.sinks)) {
      s.rate = 1;
      s.onOffer = () => {};
      s.onPacket = () => {};
    }
    run(sim, b.actors, 60);
    expect(b.received().map(serialOf)).toEqual(Array.from({ length: headers }, (_, i) => i));
    b.link.queue.push(beyond);
    run(sim, b.actors, 20);
    expect(b.received().at(-1)).toEqual(beyond);
  });

  test('C60: what comes behind a posted TLP that was dropped does not wait for it', () => {
    const b = bench({ width: 128, sink: 0 });
    using sim = b.sim;
    b.known();
    run(sim, b.actors, 20);
    b.link.ignore = true;
    const { headers } = small.posted;
    for (let i = 0; i <= headers; i++) b.link.queue.push(plainPacket(b.random, 'posted', i, 0));
    b.link.queue.push(plainPacket(b.random, 'completion', 50, 4));
    for (const s of Object.values(b.sinks)) {
      s.onOffer = () => {};
      s.onPacket = () => {};
    }
    run(sim, b.actors, 30);
    for (const s of Object.values(b.sinks)) s.rate = 1;
    run(sim, b.actors, 40);
    expect(b.received().map(serialOf)).toEqual([...Array.from({ length: headers }, (_, i) => i), 50]);
  });

  test('data credits alone', () => {
    const b = bench({ width: 512, sink: 0 });
    using sim = b.sim;
    b.known();
    run(sim, b.actors, 20);
    b.link.ignore = true;
    const write = (serial: number, dws: number) => plainPacket(b.random, 'posted', serial, dws);
    sim.poke(sim.dut.overflow.ready, 0);
    b.link.queue.push(write(0, 80), write(1, 16));
    run(sim, b.actors, 20);
    expect(sim.peek(sim.dut.overflow.valid)).toBe(0n);
    b.link.queue.push(write(2, 1));
    run(sim, b.actors, 20);
    expect(sim.peek(sim.dut.overflow.valid)).toBe(1n);
  });
});

test('C3 C70e: a TLP that does not end where its header says is cut when the buffer is full, and reported; later ones come through', () => {
  const b = bench({ width: 128, sink: 0 });
  using sim = b.sim;
  b.known();
  run(sim, b.actors, 20);
  sim.poke(sim.dut.overflow.ready, 0);
  const long = { ...plainPacket(b.random, 'posted', 1, 400), length: 1 };
  b.link.queue.push(long, plainPacket(b.random, 'posted', 2, 0), plainPacket(b.random, 'non_posted', 3, 0));
  const { posted } = sim.dut;
  run(sim, [b.link, b.fc], 200);
  expect(b.link.queue.length).toBe(0);
  expect(sim.peek(sim.dut.overflow.valid)).toBe(1n);
  expect(sim.peek(sim.dut.overflow.payload.address)).toBe(long.address);
  sim.poke(posted.ready, 1);
  let beats = 1;
  for (; sim.peek(posted.payload.last) === 0n; beats++) sim.step();
  // 32 words of memory, one at its output, and one that is offered.
  expect(beats).toBe(34);
  sim.step();
  b.sinks.posted.rate = b.sinks.non_posted.rate = 1;
  b.link.queue.push(plainPacket(b.random, 'posted', 4, 8));
  for (const s of Object.values(b.sinks)) s.onOffer = s.onPacket = () => {};
  run(sim, b.actors, 50);
  expect(b.received().map(serialOf)).toEqual([4, 3]);
});

describe('updates', () => {
  const credits: LinkCredits = { ...small, posted: { headers: 64, data: 300 } };
  test('by halves while the partner has enough', () => {
    const b = bench({ width: 512, credits, refresh_cycles: 100_000 });
    using sim = b.sim;
    b.known();
    run(sim, b.actors, 20);
    b.fc.received.length = 0;
    for (let i = 0; i < 640; i++) b.link.queue.push(plainPacket(b.random, 'posted', i, 0));
    run(sim, b.actors, 3000, () => b.received().length === 640);
    run(sim, b.actors, 5);
    // Each tells of 32 headers, or of a few more that became free meanwhile.
    expect(b.fc.received.length).toBeGreaterThanOrEqual(18);
    expect(b.fc.received.length).toBeLessThanOrEqual(20);
  });

  // A payload of 128 bytes is 8 data credits.
  test.each([
    ['it may be waiting', 4, 2],
    ['it is not waiting', 8, 1],
  ])('at once: %s', (_, left, updates) => {
    const b = bench({ width: 512, credits, refresh_cycles: 100_000 });
    using sim = b.sim;
    b.known();
    run(sim, b.actors, 20);
    b.fc.received.length = 0;
    b.sinks.posted.rate = 0;
    b.link.queue.push(plainPacket(b.random, 'posted', 0, 160), plainPacket(b.random, 'posted', 1, 4 * (260 - left)));
    run(sim, b.actors, 200);
    b.sinks.posted.rate = 1;
    run(sim, b.actors, 200);
    expect(b.received().length).toBe(2);
    expect(b.fc.received.length).toBe(updates);
  });
});

test.each(engines)('order, content and credits (%s)', (_, engine) => {
  const b = bench({ width: 256, engine, seed: 9, source: 0.8, sink: 0.6, fc: 0.5, refresh_cycles: 200 });
  using sim = b.sim;
  b.known();
  const sent = fill(b, 500, 60);
  run(sim, b.actors, 60_000, () => b.received().length === sent.length);
  expect(b.received().toSorted((x, y) => serialOf(x) - serialOf(y))).toEqual(sent);
});

test('C70d: all limits are sent again after just as many cycles as it is told, be they many', () => {
  const refresh_cycles = 40_000;
  using sim = simulate(() => new CreditSender({ credits: small, refresh_cycles }));
  const { dut } = sim;
  sim.poke(dut.partner.limits_known, 1);
  sim.poke(dut.partner.ready, 1);
  sim.poke(dut.fc.ready, 1);
  const refresh = sim.port(dut.refresh);
  const times: number[] = [];
  for (let i = 0; i < 2.5 * refresh_cycles; i++) {
    sim.settle();
    if (refresh.words[0] === 1) times.push(sim.cycle);
    sim.step();
  }
  expect(times.map(time => time - (times[0] ?? 0))).toEqual([0, refresh_cycles]);
});
