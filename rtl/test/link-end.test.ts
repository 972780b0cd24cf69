import { describe, expect, test } from 'vitest';
import { simulate, type TypedSimulation } from '../../hdl/src/engine/simulate.ts';
import type { Engine } from '../../hdl/src/index.ts';
import { Random } from '../../hdl/test/random.ts';
import { engines } from '../../sim/testbench/src/on-engines.ts';
import { at } from '../src/at.ts';
import { fcClasses, type LinkCredits } from '../src/link/fc-update.ts';
import type { LinkReceiverParams } from '../src/link/link-receiver.ts';
import { type Actor, CreditObserver, FcSink, OrderObserver, randomPacket, run, Sink, Source } from './link-bench.ts';
import { LinkPair } from './link-pair.ts';

/** The least that an end may advertise, for payloads of 128 bytes (C70b). */
const minimum: LinkCredits = {
  posted: { headers: 1, data: 8 },
  non_posted: { headers: 1, data: 2 },
  completion: { headers: 1, data: 8 },
};

interface BenchOptions extends Partial<LinkReceiverParams> {
  readonly width: number;
  readonly seed?: number;
  /** How often the link takes a beat, the consumers take one, the sources have one. */
  readonly link?: number;
  readonly sink?: number;
  readonly source?: number;
  readonly engine?: Engine;
}

/** One end as its user sees it: requests go out at random, every non-posted one that comes in is answered, and waits for room to answer. */
class User {
  readonly sources: Record<'posted' | 'non_posted' | 'completion', Source>;
  readonly sinks: Record<'posted' | 'non_posted' | 'completion', Sink>;
  readonly actors: readonly Actor[];
  /** Order of what this end sends: on its way to the link, and from the link to the other end's user. */
  readonly sending = new OrderObserver();
  readonly arriving = new OrderObserver();
  readonly credits = new CreditObserver();
  busy = true;
  sent = 0;
  answers = 0;
  private readonly random: Random;
  private readonly longest: number;

  constructor(
    sim: TypedSimulation<LinkPair>,
    end: number,
    random: Random,
    options: { source: number; sink: number; link: number },
  ) {
    const { dut } = sim;
    const { source, sink, link } = options;
    this.random = random;
    this.longest = 32;
    this.sources = {
      posted: new Source(sim, at(dut.posted, end), random, source),
      non_posted: new Source(sim, at(dut.non_posted, end), random, source),
      completion: new Source(sim, at(dut.completion, end), random, source),
    };
    const answerable = () => this.sources.completion.queue.length < 2 && random.chance(sink);
    this.sinks = {
      posted: new Sink(sim, at(dut.received_posted, end), random, sink),
      non_posted: new Sink(sim, at(dut.received_non_posted, end), random, answerable),
      completion: new Sink(sim, at(dut.received_completion, end), random, sink),
    };
    this.sinks.non_posted.onPacket = () => {
      this.answers++;
      this.sources.completion.queue.push(this.packet('completion'));
    };
    for (const s of Object.values(this.sources)) s.onStart = packet => this.sending.enters(packet);
    const tap = new Sink(sim, at(dut.tap, end), random, link);
    const fc = new FcSink(sim, at(dut.fc_tap, 1 - end), random, link);
    fc.onPacket = packet => this.credits.sees(packet);
    tap.onOffer = header => {
      this.credits.sends(header);
      this.sending.offered(header);
      this.arriving.enters(header);
    };
    tap.onPacket = packet => this.sending.goes(packet);
    const feed: Actor = { drive: () => this.feed(), sample: () => {} };
    const { posted, non_posted, completion } = this.sources;
    this.actors = [feed, non_posted, completion, posted, tap, ...Object.values(this.sinks), fc];
  }

  /** What the other end sends is checked where it arrives. */
  listen(other: User): void {
    for (const s of Object.values(this.sinks)) {
      const more = s.onPacket;
      s.onOffer = header => other.arriving.offered(header);
      s.onPacket = (packet, cycle) => {
        other.arriving.goes(packet);
        more(packet, cycle);
        s.received.length = 0;
        s.times.length = 0;
      };
    }
  }

  private packet(name: 'posted' | 'non_posted' | 'completion') {
    return randomPacket(this.random, name, this.sent++, this.longest);
  }
  private feed(): void {
    if (!this.busy) return;
    for (const name of ['posted', 'non_posted'] as const)
      if (this.sources[name].queue.length === 0) this.sources[name].queue.push(this.packet(name));
  }
}

function bench({ width, seed = 1, link = 1, sink = 1, source = 1, engine, ...params }: BenchOptions) {
  const random = new Random(seed);
  const sim: TypedSimulation<LinkPair> = simulate(
    () => new LinkPair({ width, credits: minimum, max_payload: 128, refresh_cycles: 500, ...params }),
    engine ? { engine } : {},
  );
  const users = [0, 1].map(end => new User(sim, end, random, { source, sink, link }));
  const [a, b] = [at(users, 0), at(users, 1)];
  a.listen(b);
  b.listen(a);
  for (const end of [0, 1]) sim.poke(at(sim.dut.overflow, end).ready, 1);
  const actors = [...a.actors, ...b.actors];
  const idle = () =>
    users.every(u => u.sending.inside + u.arriving.inside === 0 && Object.values(u.sources).every(s => s.queue.length === 0));
  return { sim, users, a, b, actors, idle };
}

/** Runs in steps and expects that each class of each end moves in each. */
function runAlive({ sim, users, actors }: ReturnType<typeof bench>, steps: number, cycles: number): void {
  const counts = () => users.flatMap(u => Object.values(u.sinks).map(s => s.beats));
  for (let step = 0; step < steps; step++) {
    const before = counts();
    run(sim, actors, cycles);
    const moved = counts().map((n, i) => n - (before[i] ?? 0));
    if (moved.some(n => n === 0)) expect.fail(`a class stands still in cycles up to ${sim.cycle}: ${moved.join()}`);
  }
}

/** Ends the traffic and expects that everything arrives and all credits are back. */
function finish(b: ReturnType<typeof bench>, credits: LinkCredits): void {
  for (const user of b.users) user.busy = false;
  run(b.sim, b.actors, 20_000, b.idle);
  expect(b.idle(), 'everything arrived').toBe(true);
  run(b.sim, b.actors, 3000);
  for (const user of b.users)
    for (const name of fcClasses) {
      const c = credits[name];
      const all = c === 'infinite' ? { headers: Number.POSITIVE_INFINITY, data: Number.POSITIVE_INFINITY } : { ...c };
      expect(user.credits.left(name), `credits of ${name}`).toEqual(all);
    }
}

describe('C60 C61 C62 C70b C70d: two ends, each answering the other, with the least credits', () => {
  test('100,000 cycles: no deadlock, no starvation, no credit lost', () => {
    const b = bench({ width: 128, seed: 11, link: 0.9, sink: 0.8, source: 0.9 });
    using _ = b.sim;
    runAlive(b, 200, 500);
    expect(at(b.users, 0).answers).toBeGreaterThan(2000);
    finish(b, minimum);
  });

  test.each([
    [64, 1, 1],
    [256, 0.5, 0.5],
    [512, 1, 0.7],
  ])('width %d, link %d, consumers %d', (width, link, sink) => {
    const b = bench({ width, seed: width, link, sink });
    using _ = b.sim;
    runAlive(b, 12, 500);
    finish(b, minimum);
  });

  test('infinite completion credits', () => {
    const credits: LinkCredits = { ...minimum, completion: 'infinite' };
    const b = bench({ width: 256, seed: 3, credits, sink: 0.9 });
    using _ = b.sim;
    runAlive(b, 12, 500);
    finish(b, credits);
  });
});

test.each(engines)('several credits (%s)', (_, engine) => {
  const credits: LinkCredits = {
    posted: { headers: 6, data: 40 },
    non_posted: { headers: 4, data: 8 },
    completion: { headers: 5, data: 48 },
  };
  const b = bench({ width: 256, seed: 4, credits, engine });
  using __ = b.sim;
  runAlive(b, 8, 500);
  finish(b, credits);
});

test('C70d C70e: a partner that promises one header too many makes the receiver report an overflow', () => {
  const b = bench({ width: 64, seed: 5 });
  using sim = b.sim;
  sim.poke(sim.dut.raise_updates, 1);
  const overflows = () => [0, 1].map(end => sim.peek(at(sim.dut.overflow, end).valid));
  let seen = false;
  for (const user of b.users) user.credits.sends = () => {};
  for (const user of b.users) for (const s of Object.values(user.sinks)) s.onPacket = s.onOffer = () => {};
  const watch: Actor = {
    drive: () => {},
    sample: () => {
      seen ||= overflows()[0] === 1n;
    },
  };
  run(sim, [...b.actors, watch], 500, () => seen);
  expect(seen).toBe(true);
  expect(overflows()[1]).toBe(0n);
});

test('updates that were lost on the link are made good by the next refresh', () => {
  const b = bench({ width: 64, seed: 6 });
  using sim = b.sim;
  sim.poke(sim.dut.lose_updates, 1);
  run(sim, b.actors, 2000);
  const before = at(b.users, 1).sending.inside;
  const beats = () => Object.values(at(b.users, 0).sinks).reduce((sum, s) => sum + s.beats, 0);
  const stuck = beats();
  run(sim, b.actors, 1000);
  expect(beats(), 'end 1 has no credits').toBe(stuck);
  expect(before).toBeGreaterThan(0);
  sim.poke(sim.dut.lose_updates, 0);
  finish(b, minimum);
});
