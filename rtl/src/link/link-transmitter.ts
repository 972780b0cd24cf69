import {
  allOf,
  anyOf,
  type Bool,
  bool,
  cat,
  connect,
  HdlError,
  input,
  Module,
  mux,
  muxOneHot,
  output,
  RegisterSlice,
  reg,
  stream,
  u,
  uint,
  when,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { tlpBeat } from '../tlp/tlp.ts';
import { CreditGate } from './credit-gate.ts';
import { FcKind, FcUpdate, fcClasses, PartnerState } from './fc-update.ts';
import { stampBits } from './order.ts';
import { roundRobin, servedUpTo } from './round-robin.ts';
import { TransmitQueue } from './transmit-queue.ts';

export interface LinkTransmitterParams {
  /** Bits of a beat: 64, 128, 256 or 512. */
  readonly width: number;
  /** Beats that wait in each class behind its head; 16 by default, which is what LUT RAM has at least. */
  readonly depth?: number;
}

/**
 * The transmit side of a link: three classes in, one stream of TLPs out, each TLP gated by the link partner's credits (2.4.1, 2.6.1; rules C60, C61, C64,
 * C70a, C70c, C70d).
 *
 *     posted ─────► TransmitQueue ─┐ credits?                        CreditGate × 3 ◄── fc
 *     non_posted ─► TransmitQueue ─┼ credits? posted gone? ─► round robin ─► RegisterSlice ─► tlp
 *     completion ─► TransmitQueue ─┘ credits? posted gone?
 *
 * 2 cycles from a TLP's first beat in to its first beat out when it may go; a beat per cycle and no idle cycle between TLPs, one-beat TLPs too. A TLP
 * leaves while it still comes in (cut-through) and is never interleaved with another, so its source has to deliver the rest whatever happens to other
 * TLPs. `valid`, payload and all `ready` come from registers.
 *
 * Order: a TLP enters when its first beat is taken. Non-posted TLPs and completions leave after all posted ones that entered in earlier cycles; with
 * `relaxed` a completion with relaxed ordering need not (C64). IDO never loosens the order, which the rules allow. Posted TLPs wait for posted ones and
 * for posted credits alone; a class without credits stops no other. Of the classes that may go, each has its turn.
 *
 * Nothing leaves before all credits are known and the partner knows ours (FC_INIT1, FC_INIT2; `partner` tells the own receiver). `fc` is always taken; a limit
 * counts 3 cycles later. Reset empties everything and forgets the partner.
 */
export class LinkTransmitter extends Module<LinkTransmitterParams> {
  readonly posted = input(stream(tlpBeat(this.p.width)));
  readonly non_posted = input(stream(tlpBeat(this.p.width)));
  readonly completion = input(stream(tlpBeat(this.p.width)));
  readonly fc = input(stream(FcUpdate));
  /** Completions with relaxed ordering may pass posted TLPs. */
  readonly relaxed = input(bool);
  readonly tlp = output(stream(tlpBeat(this.p.width)));
  readonly partner = output(PartnerState);

  private readonly depth = this.p.depth ?? 16;
  /** Posted TLPs that wait at once: the queue, the head, and one that is being counted. */
  private readonly stamp_bits = stampBits(this.depth + 2);
  private readonly queue = [false, true, true].map(
    behind_posted => new TransmitQueue({ width: this.p.width, depth: this.depth, stamp_bits: this.stamp_bits, behind_posted }),
  );
  private readonly gate = fcClasses.map(() => new CreditGate({ late: false }));
  private readonly slice = new RegisterSlice({ type: tlpBeat(this.p.width) });
  private readonly posted_entered = reg(uint(this.stamp_bits), { init: 0 });
  private readonly posted_left = reg(uint(this.stamp_bits), { init: 0 });
  /** Classes whose InitFC came, and whether the partner has ours. */
  private readonly known = reg(uint(3), { init: 0 });
  private readonly partner_knows = reg(bool, { init: 0 });
  /** The class whose TLP is under way, one-hot; 0 between TLPs. */
  private readonly owner = reg(uint(3), { init: 0 });
  /** Classes up to and including the one last granted: they come after the others. */
  private readonly served = reg(uint(3), { init: 0 });

  protected override logic() {
    if (![64, 128, 256, 512].includes(this.p.width))
      throw new HdlError(`the width of a beat is 64, 128, 256 or 512 bits, not ${this.p.width}`);
    this.enter();
    const grant = this.arbitrate();
    this.listen(grant);
    this.tlp.from(this.slice.out);
  }

  private enter(): void {
    const { posted_entered, posted_left, completion } = this;
    const inputs = [this.posted, this.non_posted, completion];
    const may_pass = this.relaxed.and(completion.payload.header.attr.bit(1));
    this.queue.forEach((queue, i) => {
      connect(queue, { in: at(inputs, i), posted_entered, posted_left, relaxed: i === 2 ? may_pass : 0 });
    });
    when(this.posted.fire.and(this.posted.payload.first), () => posted_entered.set(posted_entered.add(1)));
  }

  /** @returns the classes, one-hot, of which a TLP begins to leave in this cycle. */
  private arbitrate(): readonly Bool[] {
    const { slice, owner, served, queue } = this;
    const heads = queue.map(q => q.out);
    const may = heads.map((head, i) => allOf([head.valid, head.payload.ordered, at(this.gate, i).enough, this.partner_knows]));
    const chosen = roundRobin(may, served);
    const free = owner.any().not();
    const move = heads.map((head, i) => free.and(at(chosen, i)).or(owner.bit(i).and(head.valid)));

    const moves = anyOf(move);
    slice.in.valid.set(moves);
    const beat = muxOneHot(
      move,
      heads.map(head => head.payload.beat),
    );
    slice.in.put(beat);
    heads.forEach((head, i) => {
      head.ready.set(at(move, i).and(slice.in.ready));
    });
    when(moves.and(slice.in.ready), () => {
      owner.set(mux(beat.last, u(3, 0), cat(...move.toReversed()).as(3)));
      move.forEach((m, i) => {
        when(m, () => served.set(servedUpTo(i)));
      });
    });
    const starts = chosen.map(c => allOf([free, c, slice.in.ready]));
    when(at(starts, 0), () => this.posted_left.set(this.posted_left.add(1)));
    return starts;
  }

  private listen(starts: readonly Bool[]): void {
    const { valid, payload } = this.fc;
    const initial = payload.kind.eq(FcKind.init1).or(payload.kind.eq(FcKind.init2));
    this.fc.ready.set(1);
    this.gate.forEach((gate, i) => {
      const mine = valid.and(payload.traffic.eq(i));
      connect(gate, {
        initialise: mine.and(initial),
        update: mine.and(payload.kind.eq(FcKind.update)),
        headers: payload.headers,
        data: payload.data,
        needed: at(this.queue, i).out.payload.credits,
        advances: at(this.queue, i).advances,
        following: at(this.queue, i).following,
        take: at(starts, i),
        restart: 0,
      });
      when(mine.and(initial), () => this.known.bit(i).set(1));
    });
    // The partner sends these only once it has all our limits.
    when(allOf([valid, this.known.all(), payload.kind.ne(FcKind.init1)]), () => this.partner_knows.set(1));
    this.partner.set({ limits_known: this.known.all(), ready: this.partner_knows });
  }
}
