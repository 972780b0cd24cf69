import {
  allOf,
  type Bool,
  Bundle,
  type BundleType,
  bool,
  cat,
  clog2,
  Fifo,
  HdlError,
  input,
  Module,
  memory,
  mux,
  output,
  reg,
  stream,
  type UInt,
  uint,
  vec,
  when,
  wire,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { type TlpBeatType, tlpBeat } from '../tlp/tlp.ts';

/** The classes that ordering and flow control know, as codes and as bits of a set. */
export const TlpClass = { posted: 0, non_posted: 1, completion: 2 } as const;
const classes = 3;

const queuedFields = (width: number, egresses: number) => ({
  beat: tlpBeat(width),
  /** Number of the egress, and the class: the same in all beats of a packet. */
  egress: uint(clog2(egresses)),
  class: uint(2),
  /** Data credits of the packet (C70a), which come back when it leaves. */
  credits: uint(9),
  /** A completion or request that may pass posted packets whoever sent them: relaxed ordering (C60). */
  relaxed: bool,
});

/** A beat with its way through a switch. */
export const queuedBeat = (width: number, egresses: number): QueuedBeatType => {
  const key = `${width} ${egresses}`;
  const known = types.get(key);
  if (known) return known;
  const type = class QueuedBeat extends Bundle(queuedFields(width, egresses)) {};
  types.set(key, type);
  return type;
};
export type QueuedBeatType = BundleType<ReturnType<typeof queuedFields>>;
const types = new Map<string, QueuedBeatType>();

/** An element of a queue: where its beat lies, and what must be known of it before the beat is read. */
const elementFields = (slots: number) => ({ slot: uint(clog2(slots)), last: bool, credits: uint(9) });
type ElementType = BundleType<ReturnType<typeof elementFields>>;

/** What an element says of the next one in its queue. */
const linkFields = (slots: number) => ({
  ...elementFields(slots),
  /** Packets of the other classes that came between the posted packet before and this one: they may go when that one is gone. */
  non_posted: uint(clog2(slots) + 1),
  completions: uint(clog2(slots) + 1),
});
type LinkType = BundleType<ReturnType<typeof linkFields>>;

/**
 * The buffer of a switch port: beats of all classes and all egresses in one block RAM, kept apart as 3 queues per egress (linked lists), so that a packet
 * never waits for one that goes elsewhere (C70g), nor posted packets for others (C60, C61).
 *
 *     in ─► data[slot]                                       take ─► head of the queue ─► data[slot] ─► beat (1 cycle later)
 *           link[tail of the queue] = slot, last, credits                   └─ next head: link[slot]
 *
 * **Order** (C60), for each egress by itself: a non-posted packet or completion is offered when all posted packets that came before it are gone, wholly.
 * Each posted packet carries how many others wait for it. Within a class packets leave in the order of their coming. `relaxed` packets are offered at
 * once, if none of their class waits before them; so are those with ID-based ordering where all posted packets that wait are of one requester, and that is
 * another one (C65).
 *
 * A beat per cycle in and a beat per cycle out, of any queue; a beat can be taken 1 cycle after it came (the packet need not be complete). `beat` is the
 * beat taken in the cycle before. `offered`, `occupied` and `in.ready` come from registers; `ending` and `credits` depend on `take_egress` and `take_class`.
 * `in.ready` is 0 when all slots are full, which credits prevent. Taking from an empty queue is forbidden. Reset empties it.
 */
export class VirtualOutputQueues extends Module<{
  /** Bits of a beat. */
  readonly width: number;
  readonly egresses: number;
  /** Beats that it holds: a power of two. */
  readonly slots: number;
}> {
  readonly in = input(stream(queuedBeat(this.p.width, this.p.egresses)));
  /** Per egress, by class: a packet may be begun. */
  readonly offered = output(vec(this.p.egresses, uint(classes)));
  /** Per egress, by class: a beat is there. */
  readonly occupied = output(vec(this.p.egresses, uint(classes)));
  readonly take = input(bool);
  readonly take_egress = input(uint(clog2(this.p.egresses)));
  readonly take_class = input(uint(2));
  /** What `take` would take: the last beat of its packet; data credits of the packet. */
  readonly ending = output(bool);
  readonly credits = output(uint(9));
  readonly beat = output(tlpBeat(this.p.width));

  private readonly slotWidth: number = clog2(this.p.slots);
  private readonly queueWidth: number = clog2(this.p.egresses) + 2;
  private readonly Element: ElementType = Bundle(elementFields(this.p.slots));
  private readonly Link: LinkType = Bundle(linkFields(this.p.slots));
  private readonly data = memory(tlpBeat(this.p.width) as TlpBeatType, { depth: this.p.slots, style: 'block' });
  private readonly links = memory(this.Link, { depth: this.p.slots, style: 'block' });
  /** By queue: its last slot; its head, if it came to an empty queue, or if it followed another. */
  private readonly tails = memory(uint(this.slotWidth), { depth: 2 ** this.queueWidth, style: 'distributed' });
  private readonly firsts = memory(this.Element, { depth: 2 ** this.queueWidth, style: 'distributed' });
  private readonly followers = memory(this.Element, { depth: 2 ** this.queueWidth, style: 'distributed' });
  /** By queue: its head stands in `firsts`. */
  private readonly is_first = reg(uint(2 ** this.queueWidth), { init: 0 });
  private readonly used = reg(vec(this.p.egresses, uint(classes)), { init: 0 });

  /** Slots that were never used, and those that were and are free again. */
  private readonly fresh = reg(uint(this.slotWidth + 1), { init: 0 });
  private readonly free = new Fifo({ type: uint(this.slotWidth), depth: this.p.slots });
  private readonly slot = wire(uint(this.slotWidth));
  private readonly entry = wire(this.Link);
  private readonly head = wire(this.Element);
  private readonly next = wire(this.Element);
  private readonly put_queue = wire(uint(this.queueWidth));
  private readonly take_queue = wire(uint(this.queueWidth));
  private readonly emptying = wire(bool);
  /** The beat that comes finds its queue empty, or taken empty in this cycle. */
  private readonly direct = wire(bool);
  /** The queue that was taken from in the cycle before goes on where `link_word` says. */
  private readonly stepping = reg(bool, { init: 0 });
  private readonly stepping_queue = reg(uint(this.queueWidth));

  /** Per egress: packets of non-posted requests and completions that came after the newest posted packet. */
  private readonly after = reg(vec(this.p.egresses, vec(2, uint(this.slotWidth + 1))), { init: 0 });
  /** Per egress: such packets that wait for no posted packet any more. */
  private readonly released = reg(vec(this.p.egresses, vec(2, uint(this.slotWidth + 1))), { init: 0 });
  /** Per egress: some of them wait. */
  private readonly held = reg(vec(this.p.egresses, uint(2)), { init: 0 });
  /** Per egress, where posted packets wait: who sent the newest one, and that another one may have sent one before it. */
  private readonly poster = reg(vec(this.p.egresses, uint(16)));
  private readonly several = reg(uint(this.p.egresses));
  /** A posted packet was finished in the cycle before, for this egress; the packets that waited for it if no posted one followed. */
  private readonly finished = reg(uint(this.p.egresses), { init: 0 });
  private readonly followed = reg(bool);
  private readonly freed_after = reg(vec(2, uint(this.slotWidth + 1)));

  protected override logic() {
    const { slots, egresses } = this.p;
    if (egresses < 2) throw new HdlError(`a switch has at least 2 egresses, not ${egresses}`);
    if (2 ** this.slotWidth !== slots || slots < 4) throw new HdlError(`slots is a power of two of at least 4, not ${slots}`);
    this.allocate();
    const following = this.take_();
    this.put();
    this.keepOrder(following);
  }

  /** A slot for the beat that comes. */
  private allocate(): void {
    const { fresh, free, slot } = this;
    const unused = fresh.bit(this.slotWidth).not();
    slot.set(mux(unused, fresh.trunc(this.slotWidth), free.out.payload));
    this.in.ready.set(unused.or(free.out.valid));
    free.out.ready.set(this.in.valid.and(unused.not()));
    when(this.in.fire.and(unused), () => fresh.set(fresh.add(1)));
    free.in.valid.set(this.take);
    free.in.put(this.head.slot);
  }

  /** Finds the head, reads beat and link; returns the link read in the cycle before. */
  private take_() {
    const { take, take_queue, stepping, stepping_queue, head, emptying } = this;
    take_queue.set(cat(this.take_egress, this.take_class).as(this.queueWidth));
    const link = this.links.read(head.slot, take);
    const { next } = this;
    next.set({ slot: link.slot, last: link.last, credits: link.credits });
    const resting = mux(this.is_first.bit(take_queue), this.firsts.peek(take_queue), this.followers.peek(take_queue));
    head.set(mux(stepping.and(take_queue.eq(stepping_queue)), next, resting));
    emptying.set(take.and(head.slot.eq(this.tails.peek(take_queue))));
    this.ending.set(head.last);
    this.credits.set(head.credits);
    this.beat.set(this.data.read(head.slot, take));
    stepping.set(take.and(emptying.not()));
    stepping_queue.set(take_queue);
    when(stepping, () => {
      this.followers.write(stepping_queue, next);
      this.is_first.bit(stepping_queue).set(0);
    });
    return link;
  }

  private put(): void {
    const { put_queue, take_queue, entry, direct, emptying } = this;
    const { egress, class: kind, beat, credits } = this.in.payload;
    const put = this.in.fire;
    put_queue.set(cat(egress, kind).as(this.queueWidth));
    const present = this.used.map((bits, e) => egress.eq(e).and(bits.bit(kind)));
    const found = present.reduce((a, b) => a.or(b));
    direct.set(put.and(found.not().or(emptying.and(put_queue.eq(take_queue)))));
    when(put, () => {
      this.data.write(this.slot, beat);
      this.tails.write(put_queue, this.slot);
      when(direct, () => {
        this.firsts.write(put_queue, { slot: entry.slot, last: entry.last, credits: entry.credits });
        this.is_first.bit(put_queue).set(1);
      }).otherwise(() => this.links.write(this.tails.peek(put_queue), entry));
    });
    // What waited for the posted packet before. Nobody reads it where the packet became the head at once: `keepOrder` sees to those.
    const carries = kind.eq(TlpClass.posted).and(beat.first);
    const after = this.after.map((counts, e) => ({ counts, chosen: egress.eq(e) }));
    const carried = (k: number): UInt<number> =>
      after.map(({ counts, chosen }) => mux(chosen.and(carries), at(counts, k), 0) as UInt<number>).reduce((a, b) => a.or(b));
    entry.set({ slot: this.slot, last: beat.last, credits, non_posted: carried(0), completions: carried(1) });

    this.used.forEach((bits, e) => {
      for (let c = 0; c < classes; c++) {
        const coming = allOf([put, egress.eq(e), kind.eq(c)]);
        const leaving = allOf([emptying, this.take_egress.eq(e), this.take_class.eq(c)]);
        when(coming, () => bits.bit(c).set(1)).elsewhen(leaving, () => bits.bit(c).set(0));
      }
      at(this.occupied, e).set(bits);
    });
  }

  /** Counts, per egress, what may go. */
  private keepOrder(link: ReturnType<VirtualOutputQueues['take_']>): void {
    const { take, emptying, head } = this;
    const { egress, class: kind, beat, relaxed } = this.in.payload;
    const { requester_id, address, attr } = beat.header;
    // A completion is its completer's.
    const sender = mux(kind.eq(TlpClass.completion), address.part(48, 16), requester_id);
    const put = this.in.fire;
    const finishing = allOf([take, this.take_class.eq(TlpClass.posted), head.last]);
    this.followed.set(emptying.not());
    const waiting = [
      mux(this.followed, link.non_posted, at(this.freed_after, 0)),
      mux(this.followed, link.completions, at(this.freed_after, 1)),
    ];

    this.offered.forEach((offered, e) => {
      const used = at(this.used, e);
      const taken = this.take_egress.eq(e);
      const posted_leaves = allOf([finishing, taken]);
      const last_posted_leaves = posted_leaves.and(emptying);
      const posted_waits = used.bit(TlpClass.posted).and(last_posted_leaves.not());
      const here = put.and(egress.eq(e)).and(beat.first);
      this.finished.bit(e).set(posted_leaves);
      const poster = at(this.poster, e);
      const passes = relaxed.or(allOf([attr.bit(2), this.several.bit(e).not(), sender.ne(poster)]));
      when(here.and(kind.eq(TlpClass.posted)), () => {
        poster.set(requester_id);
        this.several.bit(e).set(posted_waits.and(this.several.bit(e).or(poster.ne(requester_id))));
      });
      const bits: Bool[] = [used.bit(0)];
      for (const k of [0, 1]) {
        const released = at(at(this.released, e), k);
        const after = at(at(this.after, e), k);
        const held = at(this.held, e).bit(k);
        const comes = here.and(kind.eq(k + 1));
        const at_once = comes.and(posted_waits.not().or(passes.and(held.not())));
        const goes = allOf([take, taken, this.take_class.eq(k + 1), head.last]);
        const freed = mux(this.finished.bit(e), at(waiting, k), 0) as UInt<number>;
        released.set(released.add(freed).add(at_once.zext(released.width)).sub(goes.zext(released.width)));
        when(last_posted_leaves.or(here.and(kind.eq(TlpClass.posted))), () => after.set(0)).elsewhen(
          comes.and(at_once.not()),
          () => after.set(after.add(1)),
        );
        when(last_posted_leaves, () => at(this.freed_after, k).set(after));
        when(comes.and(at_once.not()), () => held.set(1)).elsewhen(posted_waits.not(), () => held.set(0));
        bits.push(used.bit(k + 1).and(released.any()));
      }
      offered.set(cat(...bits.toReversed()).as(classes));
    });
  }
}
