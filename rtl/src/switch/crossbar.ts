import {
  assert,
  type Bool,
  Bundle,
  bool,
  clog2,
  connect,
  HdlError,
  input,
  Module,
  memory,
  mux,
  muxOneHot,
  output,
  reg,
  stream,
  type UInt,
  u,
  uint,
  vec,
  when,
  wire,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { tlpBeat } from '../tlp/tlp.ts';
import { TlpClass } from './tlp-class.ts';
import { every, oneOf, some, word } from './trees.ts';
import { inTurn, turnBits, turnsAfter } from './turns.ts';
import { queuedBeat, VirtualOutputQueues } from './virtual-output-queues.ts';

interface CrossbarParams {
  /** Bits of a beat. */
  readonly width: number;
  /** Ports, each with an ingress and an egress. */
  readonly ports: number;
  /** Beats that the buffer of an ingress holds: a power of two. */
  readonly slots: number;
  /** Per ingress: packets that it may send to an egress in a round of all that ask, 1 to 255. Without, each egress is shared in turns. */
  readonly weights?: readonly number[];
  /** So many of its last egresses copy the posted packets that go there: `origin` tells whose they are, `held` keeps them back. */
  readonly casters?: number;
}

/** A packet that moves: tells credit counters what it costs. */
export class Moved extends Bundle({
  valid: bool,
  /** One-hot, see `TlpClass`. */
  class: uint(3),
  /** Data credits. */
  credits: uint(9),
}) {}

/**
 * The ingress of a crossbar: the queues of a port, and the choice of whose packet it sends. It asks every egress for which it has a packet that may go,
 * takes one of the grants in turn over the egresses (and for it one of the classes in turn), and sends that packet to its end, a beat per cycle as long as
 * beats come and the egress has room. `send` and all that goes with it are of the cycle in which the beat is taken; `credits` and `gone` come 1
 * cycle later, and `beat` 2.
 */
export class CrossbarIngress extends Module<{ readonly width: number; readonly egresses: number; readonly slots: number }> {
  readonly in = input(stream(queuedBeat(this.p.width, this.p.egresses)));
  /** Bit e: a packet for egress e may come in this cycle. */
  readonly asks = input(uint(this.p.egresses));
  /** Bit e: egress e has chosen this ingress, and a packet may begin there; it can take a beat. */
  readonly grant = input(uint(this.p.egresses));
  readonly room = input(uint(this.p.egresses));
  /** Per egress, by class: its link partner has credits for a packet. */
  readonly allowed = input(vec(this.p.egresses, uint(3)));
  /** Bit e: a packet may go to egress e, and this ingress begins none or ends one in this cycle. */
  readonly request = output(uint(this.p.egresses));
  /** One-hot: a beat goes to that egress; it is the first of its packet; and the only one; it is the last of several. */
  readonly send = output(uint(this.p.egresses));
  readonly begins = output(uint(this.p.egresses));
  readonly singles = output(uint(this.p.egresses));
  readonly closes = output(uint(this.p.egresses));
  /** Per egress, one-hot: the class of the packet that would begin. */
  readonly kinds = output(vec(this.p.egresses, uint(3)));
  /** Per egress: data credits of the packet that began for it in the cycle before, if one did; and the packet that left the buffer then. */
  readonly credits = output(vec(this.p.egresses, uint(9)));
  readonly gone = output(Moved);
  readonly beat = output(tlpBeat(this.p.width));
  private readonly queues = new VirtualOutputQueues({ width: this.p.width, egresses: this.p.egresses, slots: this.p.slots });
  /** In the middle of a packet: where it goes (else 0), and its class. */
  private readonly busy = reg(bool, { init: 0 });
  private readonly held_egress = reg(uint(this.p.egresses), { init: 0 });
  private readonly held_class = reg(uint(3));
  /** Where a packet began in the cycle before; data credits of the one that did earlier. */
  private readonly begun = reg(uint(this.p.egresses), { init: 0 });
  private readonly held_credits = reg(uint(9));
  private readonly left = reg(bool, { init: 0 });
  private readonly left_class = reg(uint(3));
  private readonly turns = reg(uint(turnBits(this.p.egresses)), { init: 0 });
  private readonly class_turns = reg(uint(turnBits(3)), { init: 0 });

  protected override logic() {
    const { queues, busy, held_egress, held_class } = this;
    const offers = queues.offered.map((o, e) => o.and(at(this.allowed, e)));
    const wants = offers.map(o => o.any());
    // Whose turn it is among the grants does not wait for what is there: an egress was asked for it, so but for credits that are gone since, something is.
    const turns = inTurn(this.grant.words(1), this.turns);
    const chosen = turns.map((turn, e) => every([turn, at(wants, e), busy.not()]));
    const begins = some(chosen);
    // The class is chosen for each egress at once, while the egress is.
    const fresh = offers.map(o => word(inTurn(o.words(1), this.class_turns)).as(3));
    const single = fresh.map((kind, e) => kind.and(at(queues.lasts, e)).any());
    const granted = held_egress.and(this.room).any();
    const continues = granted.and(queues.there);
    const ends = queues.there.and(queues.held_ending);
    const send = chosen.map((c, e) => c.or(every([held_egress.bit(e), this.room.bit(e), queues.there])));
    connect(queues, {
      in: this.in,
      // In the middle of a packet nothing begins, and between packets none is held: both are chosen in one gate.
      selected: word(chosen.map((c, e) => c.or(held_egress.bit(e)))),
      kinds: fresh.map(kind => mux(busy, held_class, kind)),
      takes: busy.not().or(continues),
    });
    this.beat.set(queues.beat);
    this.kinds.set(fresh);
    assert(this.in.valid.eq(this.in.payload.egress.any()), 'a beat comes for an egress, and without one there is none');

    // Per egress, since the room of all others says nothing of it.
    const closing = held_egress.words(1).map((held, e) => every([held, this.room.bit(e), ends]));
    const closes = granted.and(ends);
    const stays = chosen.map((c, e) => c.and(at(single, e).not()).or(held_egress.bit(e).and(at(closing, e).not())));
    busy.set(some(stays));
    held_egress.set(word(stays));
    const kind = oneOf(word(chosen), fresh);
    // That a packet begins is known too late to enable registers.
    when(busy.not(), () => held_class.set(kind));
    this.turns.set(mux(begins, turnsAfter(chosen), this.turns));
    this.class_turns.set(mux(begins, turnsAfter(kind.words(1)), this.class_turns));
    // A packet that comes can be granted in the cycle in which it could be taken; a grant for one that must wait costs nothing.
    this.request.set(word(offers.map((o, e) => o.any().or(this.asks.bit(e)).and(busy.not().or(closes)))));
    this.send.set(word(send));
    this.begins.set(word(chosen));
    const singles = word(chosen.map((c, e) => c.and(at(single, e))));
    this.singles.set(singles);
    this.closes.set(word(closing));
    this.left.set(singles.any().or(closes));
    this.left_class.set(mux(busy, held_class, kind));
    this.credits.set(queues.credits);
    this.begun.set(word(chosen));
    const began = this.begun.any();
    const credits = mux(began, oneOf(this.begun, queues.credits), this.held_credits);
    this.held_credits.set(credits);
    this.gone.set({ valid: this.left, class: this.left_class, credits });
  }
}

/** Beats that wait at the output of an egress, a power of two. Of two more that are on their way nobody knows when the room for a beat is counted. */
const waiting = 8;

/**
 * The egress of a crossbar: chooses one of the ingresses that ask, in turn, in every cycle in which the next one can begin a packet; who is chosen may do so in that one, and then
 * no other begins until that packet is over. A beat leaves in the cycle in which its ingress gives it, unless others wait; a beat per cycle.
 *
 * With `weights` it is passed over once it has begun as many packets in this round as its weight says; a round ends when nobody asks who may go. So nobody waits longer than
 * the weights of the others, and the egress never rests while somebody asks.
 */
export class CrossbarEgress extends Module<{ width: number; ingresses: number; weights?: readonly number[] }> {
  /** Bit i: ingress i asks; it sends a beat here; it begins a packet with it; one of one beat; it ends a longer one. */
  readonly request = input(uint(this.p.ingresses));
  readonly sends = input(uint(this.p.ingresses));
  readonly begins = input(uint(this.p.ingresses));
  readonly singles = input(uint(this.p.ingresses));
  readonly closes = input(uint(this.p.ingresses));
  /** By ingress: the beat taken 2 cycles before. */
  readonly beat = input(vec(this.p.ingresses, tlpBeat(this.p.width)));
  readonly grant = output(uint(this.p.ingresses));
  readonly room = output(bool);
  /** `sends` of the cycle before. */
  readonly sent = output(uint(this.p.ingresses));
  readonly out = output(stream(tlpBeat(this.p.width)));
  private readonly granted = reg(uint(this.p.ingresses), { init: 0 });
  private readonly idle = reg(bool, { init: 1 });
  private readonly turns = reg(uint(turnBits(this.p.ingresses)), { init: 0 });
  /** Packets of this round, by ingress. */
  private readonly spent = this.p.weights && reg(vec(this.p.ingresses, uint(8)), { init: 0 });
  private readonly sending = reg(uint(this.p.ingresses), { init: 0 });
  private readonly arriving = reg(uint(this.p.ingresses), { init: 0 });
  private readonly arrives = reg(bool, { init: 0 });
  /** The beat that is sent, or arrives, is the last one: known sooner than from its memory. */
  private readonly sending_last = reg(bool);
  private readonly arriving_last = reg(bool);
  private readonly has_room = reg(bool, { init: 1 });
  /** Each beat is written, those that leave at once too: whether they do is known too late for so many memories. */
  private readonly beats = memory(tlpBeat(this.p.width), { depth: waiting, style: 'distributed' });
  private readonly write_address = reg(uint(clog2(waiting)), { init: 0 });
  private readonly read_address = reg(uint(clog2(waiting)), { init: 0 });
  private readonly used = reg(uint(clog2(waiting + 1)), { init: 0 });
  private readonly with_arrived = wire(uint(clog2(waiting + 1)));

  protected override logic() {
    const { granted, idle, turns, sending, arriving, arrives, used } = this;
    const ended_at_once = this.singles.any();
    const closed = this.closes.any();
    // A packet that begins in this cycle was granted before: its ingress has had its turn.
    const began = this.begins.any();
    const next_turns = turnsAfter(granted.words(1));
    when(began, () => turns.set(next_turns));
    const rests = idle.or(closed);
    const frees = mux(began, ended_at_once, rests);
    idle.set(frees);
    const candidates = this.candidates(began, frees);
    // Nobody keeps the grant while nobody asks: who had it last would be the first to see a credit that comes back, each time.
    // Whether a packet begins is known late, and whether it is over at once the latest: a choice is made for each case.
    const has_room = this.hasRoom();
    const next = word(inTurn(candidates, next_turns));
    const same = word(inTurn(candidates, turns));
    const if_over = mux(has_room, next, 0);
    const if_none = mux(every([rests, has_room, began.not()]), same, 0);
    granted.set(mux(ended_at_once, if_over, if_none));
    this.grant.set(granted);

    sending.set(this.sends);
    this.sent.set(sending);
    arriving.set(sending);
    arrives.set(sending.any());
    // What comes while nothing waits leaves at once.
    this.sending_last.set(ended_at_once.or(closed));
    this.arriving_last.set(this.sending_last);
    const given = muxOneHot(arriving.words(1), this.beat);
    assert(arrives.not().or(given.last.eq(this.arriving_last)), 'a packet ends elsewhere than its beats say');
    const beat = { ...given, last: this.arriving_last };
    const waits = used.any();
    this.out.valid.set(waits.or(arrives));
    this.out.put(mux(waits, this.beats.peek(this.read_address), beat));
    when(arrives, () => {
      this.beats.write(this.write_address, beat);
      this.write_address.set(this.write_address.add(1));
    });
    when(this.out.fire, () => this.read_address.set(this.read_address.add(1)));
    used.set(mux(this.out.fire, this.with_arrived.sub(1), this.with_arrived));
    assert(used.le(waiting), 'more beats come to the output of an egress than have room');
    this.has_room.set(has_room);
    this.room.set(this.has_room);
  }

  /** There is room for a beat that is sent in the next cycle. */
  private hasRoom(): Bool {
    const { used, with_arrived } = this;
    with_arrived.set(used.add(this.arrives.zext(used.width)));
    return with_arrived.add(this.sending.any().zext(used.width)).le(waiting - 2);
  }

  /** Who may be chosen. With weights, `began` (the one granted begins a packet) spends a packet of this round, and a choice that counts and finds nobody begins the next. */
  private candidates(began: Bool, counts: Bool): Bool[] {
    const { spent, granted } = this;
    const { ingresses, weights } = this.p;
    const asking = [...Array(ingresses).keys()].map(i => this.request.bit(i));
    if (!spent || !weights) return asking;
    const counted = spent.map((count, i) => count.add(began.and(granted.bit(i)).zext(8)));
    const may = asking.map((asks, i) => asks.and(at(counted, i).lt(at(weights, i))));
    const over = some(may).not();
    const renews = every([counts, over, some(asking)]);
    spent.forEach((count, i) => {
      count.set(mux(renews, u(8, 0), at(counted, i)));
    });
    return asking.map((asks, i) => at(may, i).or(over.and(asks)));
  }
}

/**
 * Every ingress to every egress but its own, packet by packet (nothing leaves a switch by the port it came in): input queues per egress and class (`VirtualOutputQueues`) and a round-robin match of ingresses and egresses.
 *
 *     in[i] ─► CrossbarIngress ─── request ──► CrossbarEgress ─► out[e]
 *                    ▲ └────────── beat ────────►   │
 *                    └──────────── grant ───────────┘
 *
 * Pairs of ports that share neither end do not slow each other, and what waits for one egress does not delay packets to another (C70g). An egress is shared
 * in turns between packets. From the first beat in to the first beat out: 3 cycles where nothing else asks for the egress; a beat per cycle, also between
 * packets. `begun[e]` and `gone[i]` are for the credit counters of the links. Reset empties it.
 */
export class Crossbar extends Module<CrossbarParams> {
  readonly in = input(vec(this.p.ports, stream(queuedBeat(this.p.width, this.p.ports))));
  /**
   * Per ingress: the egresses that a packet may begin for in this cycle. Where it does begin, and that may be known later, was asked for; to ask for more costs these
   * a turn at most.
   */
  readonly asks = input(vec(this.p.ports, uint(this.p.ports)));
  readonly out = output(vec(this.p.ports, stream(tlpBeat(this.p.width))));
  /** Per egress, by class: a packet may begin. */
  readonly allowed = input(vec(this.p.ports, uint(3)));
  /** Per egress: a packet begins to leave by it; its `credits` come in the next cycle. */
  readonly begun = output(vec(this.p.ports, Moved));
  /** One-hot by ingress: where the packet of `begun` comes from. */
  readonly origin = this.p.casters ? output(vec(this.p.ports, uint(this.p.ports))) : undefined;
  /** Bit i: no posted packet of ingress i goes to be copied. */
  readonly held = this.p.casters ? input(uint(this.p.ports)) : undefined;
  /** Per ingress: a packet left its buffer in the cycle before. */
  readonly gone = output(vec(this.p.ports, Moved));
  private readonly entering = wire(vec(this.p.ports, stream(queuedBeat(this.p.width, this.p.ports - 1))));
  private readonly ingress = this.each(
    () => new CrossbarIngress({ width: this.p.width, egresses: this.p.ports - 1, slots: this.p.slots }),
  );
  private readonly egress = this.each(e => new CrossbarEgress(this.egressParams(e)));

  /** What may begin, for an ingress. */
  private allowedTo(ingress: number) {
    const { held } = this;
    if (!held) return this.allowed;
    const first = this.p.ports - (this.p.casters ?? 0);
    const posted = 1 << TlpClass.posted;
    const others = (allowed: UInt<3>) => allowed.and(u(3, 7 - posted));
    return this.allowed.map((allowed, e) => (e < first ? allowed : mux(held.bit(ingress), others(allowed), allowed)));
  }

  private egressParams(egress: number) {
    const { width, ports, weights } = this.p;
    if (weights && (weights.length !== ports || weights.some(weight => !Number.isInteger(weight) || weight < 1 || weight > 255)))
      throw new HdlError(`${ports} ingresses have the weights ${weights.join(', ')}`, { help: 'give each one from 1 to 255' });
    return { width, ingresses: ports - 1, ...(weights && { weights: others(weights, egress) }) };
  }

  private each<X>(make: (port: number) => X): X[] {
    return Array.from({ length: this.p.ports }, (_, port) => make(port));
  }

  protected override logic() {
    const { ports } = this.p;
    if (ports < 3) throw new HdlError(`a crossbar has at least 3 ports, not ${ports}`);
    const { ingress, egress } = this;
    ingress.forEach((port, i) => {
      const from = at(this.in, i);
      const to = at(this.entering, i);
      to.valid.set(from.valid);
      to.put({ ...from.payload, egress: word(others(from.payload.egress.words(1), i)) });
      from.ready.set(to.ready);
      connect(port, {
        in: to,
        asks: word(others(at(this.asks, i).words(1), i)),
        grant: word(others(egress, i).map((e, k) => e.grant.bit(placeOf(i, k)))),
        room: word(others(egress, i).map(e => e.room)),
        allowed: others(this.allowedTo(i), i),
      });
      at(this.gone, i).set(port.gone);
    });
    egress.forEach((port, e) => {
      const sources = others(ingress, e);
      const bits = (of: (ingress: CrossbarIngress) => UInt<number>) => sources.map((source, k) => of(source).bit(placeOf(e, k)));
      const begins = bits(i => i.begins);
      connect(port, {
        request: word(bits(i => i.request)),
        sends: word(bits(i => i.send)),
        begins: word(begins),
        singles: word(bits(i => i.singles)),
        closes: word(bits(i => i.closes)),
        beat: sources.map(i => i.beat),
      });
      at(this.out, e).from(port.out);
      const kind = oneOf(
        word(begins),
        sources.map((i, k) => at(i.kinds, placeOf(e, k))),
      );
      const credits = oneOf(
        port.sent,
        sources.map((i, k) => at(i.credits, placeOf(e, k))),
      );
      at(this.begun, e).set({ valid: some(begins), class: kind, credits });
      if (this.origin) at(this.origin, e).set(word([...begins.slice(0, e), u(1, 0), ...begins.slice(e)]));
    });
  }
}

/** All of them but number `own`: what leaves never goes back to where it came from. */
const others = <X>(all: readonly X[], own: number): X[] => all.filter((_, k) => k !== own);

/** Of the `k`th of the others of `own`: the place of `own` among its others. */
const placeOf = (own: number, k: number): number => (k < own ? own - 1 : own);
