import {
  allOf,
  anyOf,
  type Bool,
  Bundle,
  bool,
  cat,
  clog2,
  connect,
  fromOneHot,
  HdlError,
  input,
  Module,
  mux,
  muxOneHot,
  output,
  reg,
  ShowAheadFifo,
  stream,
  type UInt,
  u,
  uint,
  vec,
  when,
  wire,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { roundRobin } from '../link/round-robin.ts';
import { tlpBeat } from '../tlp/tlp.ts';
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
  /** So many of its last egresses copy what goes there: `origin` tells whose it is, `held` keeps it back. */
  readonly casters?: number;
}

/** A packet that moves: tells credit counters what it costs. */
export class Moved extends Bundle({
  valid: bool,
  /** A code of `TlpClass`. */
  class: uint(2),
  /** Data credits. */
  credits: uint(9),
}) {}

/** `served` after `grant`: the one granted and all below it. */
const upTo = (grant: readonly Bool[]): UInt<number> => cat(...grant.map((_, i) => anyOf(grant.slice(i))).toReversed());
const word = (bits: readonly Bool[]): UInt<number> => cat(...bits.toReversed());

/**
 * The ingress of a crossbar: the queues of a port, and the choice of whose packet it sends. It asks every egress for which it has a packet that may go,
 * takes one of the grants in turn over the egresses (and for it one of the classes in turn), and sends that packet to its end, a beat per cycle as long as
 * beats come and the egress has room. `send` and all that goes with it are of the cycle in which the beat is taken; `beat` comes 1 cycle later.
 */
export class CrossbarIngress extends Module<CrossbarParams> {
  readonly in = input(stream(queuedBeat(this.p.width, this.p.ports)));
  /** Bit e: egress e has chosen this ingress. */
  readonly grant = input(uint(this.p.ports));
  /** Bit e: egress e can take a beat. */
  readonly room = input(uint(this.p.ports));
  /** Per egress, by class: its link partner has credits for a packet. */
  readonly allowed = input(vec(this.p.ports, uint(3)));
  /** Bit e: a packet may go to egress e, and this ingress begins none or ends one in this cycle. */
  readonly request = output(uint(this.p.ports));
  /** One-hot: a beat goes to that egress. */
  readonly send = output(uint(this.p.ports));
  /** It is the first, or the last one of its packet. */
  readonly begins = output(bool);
  readonly ends = output(bool);
  /** The packet that begins in this cycle, and the one that is gone from the buffer. */
  readonly begun = output(Moved);
  readonly gone = output(Moved);
  readonly beat = output(tlpBeat(this.p.width));
  private readonly queues = new VirtualOutputQueues({ width: this.p.width, egresses: this.p.ports, slots: this.p.slots });
  /** In the middle of a packet: where it goes, its class and credits. */
  private readonly busy = reg(bool, { init: 0 });
  private readonly held_egress = reg(uint(this.p.ports));
  private readonly held_class = reg(uint(3));
  private readonly held_credits = reg(uint(9));
  private readonly egress = wire(uint(this.p.ports));
  private readonly kind = wire(uint(3));
  private readonly served = reg(uint(this.p.ports), { init: 0 });
  private readonly served_class = reg(uint(3), { init: 0 });

  protected override logic() {
    const { queues, busy, egress } = this;
    const offers = queues.offered.map((o, e) => o.and(at(this.allowed, e)));
    const candidates = offers.map((o, e) => o.any().and(this.grant.bit(e)).and(this.room.bit(e)));
    const chosen = roundRobin(candidates, this.served);
    const choice = muxOneHot(chosen, offers) as UInt<3>;
    const kind = roundRobin([choice.bit(0), choice.bit(1), choice.bit(2)], this.served_class);
    const continues = muxOneHot(
      [...Array(this.p.ports).keys()].map(e => this.held_egress.bit(e)),
      queues.occupied.map(o => o.and(this.held_class).any()),
    ) as Bool;
    const moves = mux(busy, continues.and(this.held_egress.and(this.room).any()), anyOf(candidates));

    egress.set(mux(busy, this.held_egress, word(chosen)));
    this.kind.set(mux(busy, this.held_class, word(kind).as(3)));
    connect(queues, { in: this.in, take: moves, take_egress: fromOneHot(egress), take_class: fromOneHot(this.kind) });
    this.beat.set(queues.beat);

    const begins = moves.and(busy.not());
    const ends = moves.and(queues.ending);
    when(moves, () => busy.set(queues.ending.not()));
    when(begins, () => {
      this.held_egress.set(egress);
      this.held_class.set(this.kind);
      this.held_credits.set(queues.credits);
      this.served.set(upTo(chosen));
      this.served_class.set(upTo(kind).as(3));
    });
    // A packet that comes can be granted in the cycle in which it could be taken; a grant for one that must wait costs nothing.
    const comes = this.in.valid.and(this.in.payload.beat.first);
    const coming = offers.map((_, e) => comes.and(this.in.payload.egress.eq(e)));
    this.request.set(word(offers.map((o, e) => o.any().or(at(coming, e)).and(busy.not().or(ends)))));
    this.send.set(muxOneHot([moves], [egress]));
    this.begins.set(begins);
    this.ends.set(ends);
    this.begun.set({ valid: begins, class: fromOneHot(this.kind), credits: queues.credits });
    this.gone.set({ valid: ends, class: fromOneHot(this.kind), credits: mux(busy, this.held_credits, queues.credits) });
  }
}

/** Beats on their way to the output of an egress, and waiting there: what keeps a beat per cycle going. */
const waiting = 4;

/**
 * The egress of a crossbar: chooses one of the ingresses that ask, in turn, and keeps to it until its packet is over; a grant that the ingress did not take
 * up in a cycle goes to the next. A beat leaves 1 cycle after its ingress gave it, from a register; a beat per cycle.
 *
 * With `weights` it is passed over once it has begun as many packets in this round as its weight says; a round ends when nobody asks who may go. So nobody waits longer than
 * the weights of the others, and the egress never rests while somebody asks.
 */
export class CrossbarEgress extends Module<{ width: number; ports: number; weights?: readonly number[] }> {
  /** Bit i: ingress i asks; it sends a beat here; it begins a packet with it; it ends one. */
  readonly request = input(uint(this.p.ports));
  readonly sends = input(uint(this.p.ports));
  readonly begins = input(uint(this.p.ports));
  readonly ends = input(uint(this.p.ports));
  /** By ingress: the beat taken in the cycle before. */
  readonly beat = input(vec(this.p.ports, tlpBeat(this.p.width)));
  readonly grant = output(uint(this.p.ports));
  readonly room = output(bool);
  readonly out = output(stream(tlpBeat(this.p.width)));
  private readonly owner = reg(uint(this.p.ports), { init: 0 });
  private readonly busy = reg(bool, { init: 0 });
  private readonly served = reg(uint(this.p.ports), { init: 0 });
  /** Packets of this round, by ingress. */
  private readonly spent = this.p.weights && reg(vec(this.p.ports, uint(8)), { init: 0 });
  private readonly arriving = reg(uint(this.p.ports), { init: 0 });
  private readonly reserved = reg(uint(clog2(waiting + 1)), { init: 0 });
  private readonly queue = new ShowAheadFifo({ type: tlpBeat(this.p.width), depth: waiting });

  protected override logic() {
    const { ports } = this.p;
    const { owner, busy, served, arriving, reserved, queue } = this;
    const numbers = [...Array(ports).keys()];
    const sent = this.sends.any();
    const ended = this.sends.and(this.ends).any();
    // A packet that begins in this cycle was granted before: its ingress has had its turn.
    const began = this.sends.and(this.begins).any();
    const turn = mux(began, upTo(numbers.map(i => owner.bit(i))), served);
    when(began, () => served.set(turn));
    when(sent, () => busy.set(ended.not()));
    const chooses = ended.or(busy.not().and(sent.not()));
    const candidates = this.candidates(began, chooses);
    // Nobody keeps the grant while nobody asks: who had it last would be the first to see a credit that comes back, each time.
    when(chooses, () => owner.set(word(roundRobin(candidates, turn))));
    this.grant.set(owner);

    arriving.set(this.sends);
    queue.in.valid.set(arriving.any());
    queue.in.put(
      muxOneHot(
        numbers.map(i => arriving.bit(i)),
        this.beat,
      ) as never,
    );
    this.out.from(queue.out);
    const left = this.out.fire;
    when(sent.and(left.not()), () => reserved.set(reserved.add(1))).elsewhen(left.and(sent.not()), () =>
      reserved.set(reserved.sub(1)),
    );
    this.room.set(reserved.ne(waiting));
  }

  /** Who may be chosen. With weights, `began` (the owner begins a packet) spends a packet of this round, and a choice of `chooses` that finds nobody begins the next. */
  private candidates(began: Bool, chooses: Bool): Bool[] {
    const { spent, owner } = this;
    const { ports, weights } = this.p;
    const asking = [...Array(ports).keys()].map(i => this.request.bit(i));
    if (!spent || !weights) return asking;
    const counted = spent.map((count, i) => count.add(began.and(owner.bit(i)).zext(8)));
    const may = asking.map((asks, i) => asks.and(at(counted, i).lt(at(weights, i))));
    const over = anyOf(may).not();
    const renews = allOf([chooses, over, anyOf(asking)]);
    spent.forEach((count, i) => {
      count.set(mux(renews, u(8, 0), at(counted, i)));
    });
    return asking.map((asks, i) => at(may, i).or(over.and(asks)));
  }
}

/**
 * Every ingress to every egress, packet by packet: input queues per egress and class (`VirtualOutputQueues`) and a round-robin match of ingresses and egresses.
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
  readonly out = output(vec(this.p.ports, stream(tlpBeat(this.p.width))));
  /** Per egress, by class: a packet may begin. */
  readonly allowed = input(vec(this.p.ports, uint(3)));
  /** Per egress: a packet begins to leave by it. */
  readonly begun = output(vec(this.p.ports, Moved));
  /** One-hot by ingress: where the packet of `begun` comes from. */
  readonly origin = this.p.casters ? output(vec(this.p.ports, uint(this.p.ports))) : undefined;
  /** Bit i: nothing of ingress i goes to be copied. */
  readonly held = this.p.casters ? input(uint(this.p.ports)) : undefined;
  /** Per ingress: a packet left its buffer. */
  readonly gone = output(vec(this.p.ports, Moved));
  private readonly ingress = this.each(() => new CrossbarIngress(this.p));
  private readonly egress = this.each(() => new CrossbarEgress(this.egressParams()));

  /** What may begin, for an ingress. */
  private allowedTo(ingress: number) {
    const { held } = this;
    if (!held) return this.allowed;
    const first = this.p.ports - (this.p.casters ?? 0);
    return this.allowed.map((allowed, e) => (e < first ? allowed : mux(held.bit(ingress), u(3, 0), allowed)));
  }

  private egressParams() {
    const { width, ports, weights } = this.p;
    if (weights && (weights.length !== ports || weights.some(weight => !Number.isInteger(weight) || weight < 1 || weight > 255)))
      throw new HdlError(`${ports} ingresses have the weights ${weights.join(', ')}`, { help: 'give each one from 1 to 255' });
    return { width, ports, ...(weights && { weights }) };
  }

  private each<X>(make: () => X): X[] {
    return Array.from({ length: this.p.ports }, make);
  }

  protected override logic() {
    const { ingress, egress } = this;
    ingress.forEach((port, i) => {
      connect(port, {
        in: at(this.in, i),
        grant: word(egress.map(e => e.grant.bit(i))),
        room: word(egress.map(e => e.room)),
        allowed: this.allowedTo(i),
      });
      at(this.gone, i).set(port.gone);
    });
    egress.forEach((port, e) => {
      const from = word(ingress.map(i => i.send.bit(e)));
      connect(port, {
        request: word(ingress.map(i => i.request.bit(e))),
        sends: from,
        begins: word(ingress.map(i => i.begins)),
        ends: word(ingress.map(i => i.ends)),
        beat: ingress.map(i => i.beat),
      });
      at(this.out, e).from(port.out);
      const begun = muxOneHot(
        ingress.map(i => i.send.bit(e)),
        ingress.map(i => i.begun),
      );
      at(this.begun, e).set(begun);
      if (this.origin) at(this.origin, e).set(from);
    });
  }
}
