import { describe, expect, test } from 'vitest';
import { type Engine, simulate } from '../../hdl/src/engine/simulate.ts';
import { Random } from '../../hdl/test/random.ts';
import { engines } from '../../sim/testbench/src/on-engines.ts';
import { at } from '../src/at.ts';
import { TlpClass } from '../src/switch/tlp-class.ts';
import { VirtualOutputQueues } from '../src/switch/virtual-output-queues.ts';

interface Packet {
  readonly id: number;
  readonly egress: number;
  readonly kind: number;
  readonly beats: number;
  readonly relaxed: boolean;
  /** ID-based ordering, and who sent it. */
  readonly ido: boolean;
  readonly sender: number;
  /** Posted packets of the same egress that came before and have to be gone. */
  readonly before: ReadonlySet<Packet>;
  /** Beats that came, and that left. */
  came: number;
  left: number;
}

/** What the queues should hold, by packets: slow and plain. */
class Model {
  readonly queues: Packet[][][];
  constructor(egresses: number) {
    this.queues = Array.from({ length: egresses }, () => [[], [], []]);
  }
  queue(egress: number, kind: number): Packet[] {
    return at(at(this.queues, egress), kind);
  }
  begin(packet: Omit<Packet, 'before' | 'came' | 'left'>): Packet {
    const own = this.queue(packet.egress, packet.kind);
    const posted = this.queue(packet.egress, TlpClass.posted);
    const others = posted.every(({ sender }) => sender !== packet.sender);
    const overtakes = (packet.relaxed || (packet.ido && others)) && own.every(p => p.before.size === 0);
    const full: Packet = { ...packet, before: new Set(packet.kind === 0 || overtakes ? [] : posted), came: 0, left: 0 };
    own.push(full);
    return full;
  }
  /** Packets that may be begun, in all classes: what the hardware offers is among them. */
  mayBegin(egress: number, kind: number): boolean {
    const head = this.queue(egress, kind)[0];
    return head !== undefined && head.came > 0 && head.left === 0 && head.before.size === 0;
  }
  /** A beat of the head leaves. */
  take(egress: number, kind: number): { readonly packet: Packet; readonly beat: number; readonly last: boolean } {
    const queue = this.queue(egress, kind);
    const packet = at(queue, 0);
    const beat = packet.left++;
    const last = packet.left === packet.beats;
    if (last) {
      queue.shift();
      if (kind === TlpClass.posted) for (const others of this.queues.flat(2)) (others.before as Set<Packet>).delete(packet);
    }
    return { packet, beat, last };
  }
}

const width = 64;

function run(options: {
  seed: number;
  egresses: number;
  slots: number;
  cycles: number;
  engine?: Engine;
  fill: number;
  drain: number;
  /** In turns it is filled with packets mostly of one kind for one egress, and emptied. */
  swings?: boolean;
}) {
  const { seed, egresses, slots, cycles, engine, swings = false } = options;
  let { fill, drain } = options;
  const random = new Random(seed);
  using sim = simulate(() => new VirtualOutputQueues({ width, egresses, slots }), engine ? { engine } : {});
  const { dut } = sim;
  const port = {
    valid: sim.port(dut.in.valid),
    ready: sim.port(dut.in.ready),
    egress: sim.port(dut.in.payload.egress),
    kind: sim.port(dut.in.payload.class),
    relaxed: sim.port(dut.in.payload.relaxed),
    credits: sim.port(dut.in.payload.credits),
    data: sim.port(dut.in.payload.beat.data),
    attr: sim.port(dut.in.payload.beat.header.attr),
    sender: sim.port(dut.in.payload.sender),
    first: sim.port(dut.in.payload.beat.first),
    last: sim.port(dut.in.payload.beat.last),
    selected: sim.port(dut.selected),
    takes: sim.port(dut.takes),
    kinds: dut.kinds.map(kinds => sim.port(kinds)),
    lasts: dut.lasts.map(lasts => sim.port(lasts)),
    held_ending: sim.port(dut.held_ending),
    costs: dut.credits.map(credits => sim.port(credits)),
    beat: sim.port(dut.beat.data),
    offered: dut.offered.map(o => sim.port(o)),
    there: sim.port(dut.there),
  };
  const bit = (word: Uint32Array, index: number) => ((word[0] ?? 0) >> index) & 1;
  const one = (view: { readonly words: Uint32Array }) => view.words[0] === 1;
  sim.port(dut.in.payload.beat.header.fmt).words[0] = 0;
  const model = new Model(egresses);
  let next = 1;
  let coming: Packet | undefined;
  let going: { egress: number; kind: number } | undefined;
  let expected: number | undefined;
  let expected_before: number | undefined;
  let begun: { egress: number; credits: number } | undefined;
  const statistics = { taken: 0, overtaken: 0, idle: 0, most: 0 };
  let inside = 0;
  let turns = 0;
  let mostly: { readonly egress: number; readonly kind: number } | undefined;
  for (let cycle = 0; cycle < cycles; cycle++) {
    const stop = cycle > cycles - 4 * slots;
    if (swings && cycle % (3 * slots) === 0) {
      const fills = cycle % (6 * slots) === 0;
      [fill, drain] = fills ? [1, 0] : [0.5, 1];
      mostly = fills ? { egress: random.below(egresses), kind: 1 + (turns++ % 2) } : undefined;
    }
    // Posted packets are the first ones, which hold up all others, and nearly the last ones.
    const kind = (inside < 3 || inside > slots - 6) && mostly ? TlpClass.posted : mostly?.kind;
    coming ??=
      stop || !random.chance(fill)
        ? undefined
        : model.begin({
            id: next++,
            egress: mostly?.egress ?? random.below(egresses),
            kind: kind ?? random.below(3),
            beats: mostly ? 1 : 1 + random.below(random.pick([1, 1, 4])),
            relaxed: random.chance(0.1),
            ido: random.chance(0.5),
            sender: 0x1234 + random.below(random.pick([1, 3])),
          });
    const sending = coming !== undefined && (coming.came === 0 || random.chance(fill));
    port.valid.words[0] = sending ? 1 : 0;
    port.egress.words.fill(0);
    if (coming && sending) port.egress.words[coming.egress >> 5] = 1 << (coming.egress & 31);
    if (coming) {
      port.kind.words[0] = 1 << coming.kind;
      port.relaxed.words[0] = coming.relaxed && coming.kind > 0 ? 1 : 0;
      port.credits.words[0] = coming.id % 500;
      port.attr.words[0] = coming.ido ? 4 : 0;
      port.sender.words[0] = coming.sender;
      port.data.words.set([coming.id, coming.came]);
      port.first.words[0] = coming.came === 0 ? 1 : 0;
      port.last.words[0] = coming.came === coming.beats - 1 ? 1 : 0;
    }
    // What stands there while nothing comes means nothing.
    if (!sending) for (const view of [port.last, port.credits, port.kind]) view.words[0] = random.below(2);
    port.selected.words.fill(0);
    // Between packets it means nothing while none begins.
    port.takes.words[0] = going ? 0 : random.below(2);
    for (const kinds of port.kinds) kinds.words[0] = 1 << (going ? going.kind : random.below(3));
    if (going) port.selected.words[going.egress >> 5] = 2 ** (going.egress % 32);
    sim.settle();
    if (expected_before !== undefined) {
      const beat = [expected_before >> 8, expected_before & 255];
      expect([...port.beat.words], `beat taken 2 cycles before cycle ${cycle}, seed ${seed}`).toEqual(beat);
    }
    if (begun)
      expect(at(port.costs, begun.egress).words[0], `credits of what began before cycle ${cycle}, seed ${seed}`).toBe(
        begun.credits,
      );
    begun = undefined;
    expected_before = expected;
    expected = undefined;
    // What is offered is what may go, and after a while all that may go is offered.
    const choices: { egress: number; kind: number }[] = [];
    for (let e = 0; e < egresses; e++)
      for (let k = 0; k < 3; k++) {
        const middle = going?.egress === e && going.kind === k;
        const offered = bit(at(port.offered, e).words, k) === 1;
        if (offered && !middle) {
          expect(model.mayBegin(e, k), `egress ${e} class ${k} is offered in cycle ${cycle}, seed ${seed}`).toBe(true);
          choices.push({ egress: e, kind: k });
        }
      }
    const candidate = going ?? (choices.length > 0 ? random.pick(choices) : undefined);
    const there = going ? one(port.there) : candidate !== undefined;
    if (!going) expect(one(port.there), `between packets, cycle ${cycle} seed ${seed}`).toBe(false);
    if (candidate && there && (stop || random.chance(drain))) {
      port.takes.words[0] = 1;
      port.selected.words[candidate.egress >> 5] = 2 ** (candidate.egress % 32);
      at(port.kinds, candidate.egress).words[0] = 1 << candidate.kind;
      sim.settle();
      const { packet, beat, last } = model.take(candidate.egress, candidate.kind);
      if (packet.kind > 0 && at(at(model.queues, packet.egress), 0).length > 0) statistics.overtaken++;
      expect(packet.came, 'a beat that came').toBeGreaterThan(beat);
      const ends = going ? one(port.held_ending) : bit(at(port.lasts, candidate.egress).words, candidate.kind) === 1;
      expect(ends, `packet ${packet.id} cycle ${cycle} seed ${seed}`).toBe(last);
      if (!going) begun = { egress: candidate.egress, credits: packet.id % 500 };
      expected = (packet.id << 8) | beat;
      going = last ? undefined : candidate;
      statistics.taken++;
      inside--;
    } else if (stop) statistics.idle++;
    if (sending && coming && one(port.ready)) {
      coming.came++;
      inside++;
      statistics.most = Math.max(statistics.most, inside);
      if (coming.came === coming.beats) coming = undefined;
    } else if (sending && coming) expect(fill, 'full only where it is filled faster').toBeGreaterThan(drain * 0.4);
    sim.step();
  }
  expect(model.queues.flat(2), `packets left inside, seed ${seed}`).toEqual([]);
  return statistics;
}

/** Queues of two egresses, of which the second one gets packets of one beat, cycle by cycle. */
class ByHand {
  readonly sim = simulate(() => new VirtualOutputQueues({ width, egresses: 2, slots: 64 }));

  constructor() {
    // The first slot is found a cycle after reset.
    this.sim.step();
  }

  /** A packet comes in this cycle. */
  come(type: number, sender: number, ido: boolean): void {
    const { valid, payload } = this.sim.dut.in;
    const { beat, egress, class: kind, sender: from } = payload;
    for (const bit of [valid, beat.first, beat.last]) this.sim.poke(bit, 1);
    this.sim.poke(egress, 2);
    this.sim.poke(kind, 1 << type);
    this.sim.poke(beat.header.attr, ido ? 4 : 0);
    this.sim.poke(from, sender);
  }

  /** None comes. */
  pause(): void {
    const { valid, payload } = this.sim.dut.in;
    for (const port of [valid, payload.egress]) this.sim.poke(port, 0);
  }

  /** One leaves in this cycle. */
  begin(type: number): void {
    const { selected, takes, kinds } = this.sim.dut;
    this.sim.poke(selected, 2);
    this.sim.poke(takes, 1);
    this.sim.poke(at(kinds, 1), 1 << type);
  }

  /** A posted packet comes and, when it is the only one, leaves in this cycle; so one of another class comes at the latest moment at which it would have to wait. */
  comeAsLastPostedLeaves(type: number): void {
    this.sim.step(3);
    this.come(TlpClass.posted, 0x0100, false);
    this.sim.step();
    this.rest();
    this.begin(TlpClass.posted);
    this.come(type, 0x0200, false);
  }

  /** Nothing comes or leaves any more. */
  rest(): void {
    const { in: into, selected, takes } = this.sim.dut;
    for (const port of [into.valid, into.payload.egress, selected, takes]) this.sim.poke(port, 0);
    this.sim.settle();
  }

  offers(): number {
    return Number(this.sim.peek(at(this.sim.dut.offered, 1)));
  }

  [Symbol.dispose](): void {
    this.sim[Symbol.dispose]();
  }
}

describe('virtual output queues', () => {
  test.each([
    [1, 2, 16, 0.5, 0.9],
    [2, 5, 64, 0.9, 0.9],
    [3, 3, 32, 1, 1],
    [4, 9, 128, 1, 0.5],
    [5, 33, 256, 0.9, 0.6],
    [6, 33, 256, 0.9, 0.6],
  ])('C60 C61 C65: each egress and class is a queue of its own, in order; nothing passes posted packets (seed %i, %i egresses)', (seed, egresses, slots, fill, drain) => {
    const { taken, overtaken } = run({ seed, egresses, slots, cycles: 6000, fill, drain });
    expect(taken).toBeGreaterThan(1000);
    // Relaxed packets, and others while posted ones that came later wait.
    expect(overtaken).toBeGreaterThan(5);
  });

  test.each([
    [11, 2, 64],
    [12, 3, 256],
    [13, 2, 512],
  ])('C60 C61: the same from empty to full, whichever class it is full of (seed %i, %i egresses)', (seed, egresses, slots) => {
    const { most } = run({ seed, egresses, slots, cycles: 64 * slots, fill: 1, drain: 0, swings: true });
    expect(most).toBe(slots);
  });

  test('C65: ID-based ordering lets a request, and a completion, pass posted packets of others, and of others alone', () => {
    using hand = new ByHand();
    const { sim } = hand;
    const put = (type: number, sender: number, ido: boolean) => {
      hand.come(type, sender, ido);
      sim.step();
      hand.rest();
    };
    const offers = () => hand.offers();
    const remove = (type: number) => {
      hand.begin(type);
      sim.step(1);
      hand.rest();
      sim.step(2);
    };
    const [posted, both] = [1, 7];
    // The first slot is found a cycle after reset.
    sim.step();
    // In the cycle after it nobody knows who sent the posted packet: what comes then waits.
    put(TlpClass.posted, 0x0100, false);
    put(TlpClass.non_posted, 0x0200, true);
    put(TlpClass.completion, 0x0200, true);
    expect(offers()).toBe(posted | (1 << TlpClass.completion));
    remove(TlpClass.completion);
    remove(TlpClass.posted);
    remove(TlpClass.non_posted);
    expect(offers()).toBe(0);
    put(TlpClass.posted, 0x0100, false);
    sim.step();
    put(TlpClass.non_posted, 0x0200, true);
    put(TlpClass.completion, 0x0200, true);
    expect(offers()).toBe(both);
    remove(TlpClass.non_posted);
    remove(TlpClass.completion);
    // Neither its own requester's, nor without the attribute.
    put(TlpClass.non_posted, 0x0100, true);
    put(TlpClass.completion, 0x0200, false);
    expect(offers()).toBe(posted);
    remove(TlpClass.posted);
    expect(offers()).toBe(6);
    remove(TlpClass.non_posted);
    remove(TlpClass.completion);
    // Of two requesters one is its own.
    put(TlpClass.posted, 0x0200, false);
    put(TlpClass.posted, 0x0100, false);
    put(TlpClass.completion, 0x0200, true);
    expect(offers()).toBe(posted);
    // What may pass still keeps the order of its class.
    put(TlpClass.non_posted, 0x0100, false);
    put(TlpClass.non_posted, 0x0300, true);
    expect(offers()).toBe(posted);
  });

  test('what comes while the last posted packet leaves waits for nothing', () => {
    using hand = new ByHand();
    const { sim } = hand;
    for (const kind of [TlpClass.non_posted, TlpClass.completion]) {
      hand.comeAsLastPostedLeaves(kind);
      sim.step();
      hand.rest();
      expect(hand.offers()).toBe(1 << kind);
      hand.begin(kind);
      sim.step();
      hand.rest();
      expect(hand.offers()).toBe(0);
    }
  });

  test('C61: what waited for the last posted packet is offered from then on, until it is taken', () => {
    using hand = new ByHand();
    const { sim } = hand;
    for (const kind of [TlpClass.non_posted, TlpClass.completion]) {
      hand.comeAsLastPostedLeaves(kind);
      for (let i = 0; i < 5; i++) {
        sim.step();
        hand.rest();
        expect(hand.offers(), `${i} cycles later`).toBe(1 << kind);
      }
      hand.begin(kind);
      sim.step();
      hand.rest();
    }
  });

  test.each([
    ['posted', TlpClass.posted],
    ['non-posted', TlpClass.non_posted],
    ['completion', TlpClass.completion],
  ])('packets of one beat come and leave in every cycle (%s)', (_, kind) => {
    using hand = new ByHand();
    const { sim } = hand;
    sim.step(3);
    hand.come(kind, 0x0100, false);
    sim.step();
    for (let i = 0; i < 100; i++) {
      // From one that none follows to two at once, and back.
      sim.settle();
      expect(hand.offers(), `cycle ${i}`).toBe(1 << kind);
      if (i % 8 !== 4) hand.begin(kind);
      else hand.rest();
      if (i % 8 !== 0 || i === 0) hand.come(kind, 0x0100, false);
      else hand.pause();
      sim.step();
    }
  });

  test.each([
    ['non-posted', TlpClass.non_posted],
    ['completion', TlpClass.completion],
  ])('a packet that comes while the one before it leaves is offered until it is taken (%s)', (_, kind) => {
    using hand = new ByHand();
    const { sim } = hand;
    sim.step(3);
    hand.come(kind, 0x0100, false);
    sim.step();
    hand.begin(kind);
    for (let i = 0; i < 4; i++) {
      sim.step();
      hand.rest();
      expect(hand.offers(), `${i} cycles later`).toBe(1 << kind);
    }
    hand.begin(kind);
    sim.step();
    hand.rest();
    expect(hand.offers()).toBe(0);
  });

  test.each(engines)('C60 C65: the same on every engine (%s)', (_, engine) => {
    run({ seed: 77, egresses: 4, slots: 32, cycles: 2000, engine, fill: 0.8, drain: 0.8 });
  });
});
