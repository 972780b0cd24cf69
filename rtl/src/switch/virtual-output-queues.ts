import {
  type Bool,
  Bundle,
  type BundleType,
  bool,
  cat,
  clog2,
  connect,
  Fifo,
  HdlError,
  input,
  Module,
  memory,
  mux,
  output,
  reg,
  type Sig,
  stream,
  type UInt,
  u,
  uint,
  vec,
  when,
  wire,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { type Header, type TlpBeatType, tlpBeat } from '../tlp/tlp.ts';
import { PassingOrder, type WaitersType, waitersOf } from './passing-order.ts';
import { classes, TlpClass } from './tlp-class.ts';
import { every, oneOf, some, word } from './trees.ts';

const queuedFields = (width: number, egresses: number) => ({
  beat: tlpBeat(width),
  /** One-hot, 0 where no beat comes: the egress. And, one-hot, the class. Both are the same in all beats of a packet. */
  egress: uint(egresses),
  class: uint(classes),
  /** Data credits of the packet (C70a), which come back when it leaves. */
  credits: uint(9),
  /** A completion or request that may pass posted packets whoever sent them: relaxed ordering (C60). */
  relaxed: bool,
  /** Who sent it, see `senderOf`. */
  sender: uint(16),
});

/** The ID that ID-based ordering goes by (C65): a completion is its completer's. */
export const senderOf = ({ requester_id, address }: Header, completion: Bool): UInt<16> =>
  mux(completion, address.part(48, 16), requester_id);

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

/** What must be known of a beat before it is read: where it lies, whether it ends its packet, and what that costs (data credits). */
const elementFields = (slots: number) => ({ slot: uint(clog2(slots)), last: bool, credits: uint(9) });
type ElementType = BundleType<ReturnType<typeof elementFields>>;

/** What of an element decides where it is chosen: its slot, and above that its credits. */
const place = ({ slot, credits }: { readonly slot: UInt<number>; readonly credits: UInt<9> }): UInt<number> => cat(credits, slot);

/**
 * The buffer of a switch port: beats of all classes and all egresses in one block RAM, kept apart as 3 queues per egress (linked lists), so that a packet
 * never waits for one that goes elsewhere (C70g), nor posted packets for others (C60, C61).
 *
 *     in ─► register ─► data[slot]              selected, takes ─► first beat of the queue ─► register ─► data[slot] ─► beat (2 cycles later)
 *                       link[tail of the queue] = element             └ second beat ─► first, third one: link[second] ─► second
 *
 * **Order**: within a class packets leave in the order of their coming; what may pass posted packets, for each egress by itself, says `PassingOrder`.
 *
 * A beat per cycle in and a beat per cycle out, of any queue; a beat can be taken 1 cycle after it came (the packet need not be complete). `beat` is the
 * beat taken 2 cycles before. All that it tells comes from registers, `lasts` soon after them.
 * `in.ready` is 0 in the first cycle after reset, and when all slots are full, which credits prevent. Taking from an empty queue is forbidden. Reset empties it.
 *
 * **Speed**: whose beat is taken is known late in a cycle, so whatever follows from it is prepared for both cases: whether a queue has a second beat
 * (`count`), and where its first two lie, whether they end their packets, what they cost (`heads`, `first_last`, `seconds`). The beat itself, which lies in many block
 * RAMs, and the link of the second one, in LUT RAM, are looked up in the cycle after, and what a departure means for the counts and for the order is found then.
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
  /** One-hot: the egress of the packet under way, between packets of the one that begins; 0 if there is none. */
  readonly selected = input(uint(this.p.egresses));
  /** Per egress, one-hot: the class of the packet under way, between packets of the one that would begin there. */
  readonly kinds = input(vec(this.p.egresses, uint(classes)));
  /** A beat of the selected packet is taken, if there is such a packet; of one under way it must be `there`. */
  readonly takes = input(bool);
  /** The packet under way has a beat; 0 between packets. */
  readonly there = output(bool);
  /** Per egress, by class: the beat that would be taken next is its packet's last. */
  readonly lasts = output(vec(this.p.egresses, uint(classes)));
  /** The next beat of the packet under way is its last; means nothing where no beat is there. */
  readonly held_ending = output(bool);
  /** Per egress: data credits of the packet that `kinds` of the cycle before would have begun. */
  readonly credits = output(vec(this.p.egresses, uint(9)));
  readonly beat = output(tlpBeat(this.p.width));

  private readonly slotWidth: number = clog2(this.p.slots);
  private readonly Element: ElementType = Bundle(elementFields(this.p.slots));
  private readonly Waiters: WaitersType = waitersOf(this.p.slots);
  /** What an element of a queue says of the next one. */
  private readonly Link = Bundle({ element: this.Element, waiters: this.Waiters });
  /** No slot is read in the cycle in which it is written. */
  private readonly data = memory(tlpBeat(this.p.width) as TlpBeatType, {
    depth: this.p.slots,
    style: 'block',
    collisions: 'never',
  });
  private readonly links = memory(this.Link, { depth: this.p.slots, style: 'distributed' });
  /** The last slot, by queue. */
  private readonly tails = reg(vec(this.p.egresses, vec(classes, uint(this.slotWidth))));
  /** A beat is there; the first one is the last of its packet; its `place`. All but the first mean nothing while `stepping`. */
  private readonly used = reg(vec(this.p.egresses, uint(classes)), { init: 0 });
  private readonly first_last = reg(vec(this.p.egresses, uint(classes)), { init: 0 });
  private readonly heads = reg(vec(this.p.egresses, vec(classes, uint(this.slotWidth + 9))));
  /** The second beat, if there is one; the first while `stepping`. And for posted packets what waits for the one before. */
  private readonly seconds = reg(vec(this.p.egresses, vec(classes, this.Element)));
  private readonly waiters = reg(vec(this.p.egresses, this.Waiters));
  /** Per egress: data credits of the packet that would have begun. */
  private readonly costs = reg(vec(this.p.egresses, uint(9)));
  /** Beats by queue, but for what came (`came`) and was taken (`took`) in the cycle before; and whether there are 1, 2, 3, 4 at least. */
  private readonly count = reg(vec(this.p.egresses, vec(classes, uint(this.slotWidth + 1))), { init: 0 });
  private readonly at_least = reg(vec(this.p.egresses, vec(classes, uint(4))), { init: 0 });
  private readonly came = reg(vec(this.p.egresses, uint(classes)), { init: 0 });
  private readonly took = reg(vec(this.p.egresses, uint(classes)), { init: 0 });
  /** The queue that was taken from in the cycle before, if a beat is still there: that was its second one, and `next` is behind it. */
  private readonly stepping = reg(vec(this.p.egresses, uint(classes)), { init: 0 });
  /** The packet under way has a beat: it was there when the one before was taken; or it has come since, by two egresses each. */
  private readonly waits = reg(bool, { init: 0 });
  private readonly arrives = reg(uint(Math.ceil(this.p.egresses / 2)), { init: 0 });
  /** It is the packet's last; it is, if the link tells so that was read when the one before was taken. */
  private readonly ending = reg(bool);
  private readonly ending_linked = reg(bool);
  private readonly link_last = reg(bool);

  /** Slots that were never used, and those that were and are free again; the one of the beat that is read. */
  private readonly fresh = reg(uint(this.slotWidth + 1), { init: 0 });
  private readonly free = new Fifo({ type: uint(this.slotWidth), depth: this.p.slots });
  private readonly freed = reg(bool, { init: 0 });
  private readonly freed_slot = reg(uint(this.slotWidth));
  /** Slots for the next two beats, the first of them used up where a beat came in the cycle before; whether they are there; the one for the beat that comes. */
  private readonly reserve = reg(vec(2, uint(this.slotWidth)));
  private readonly reserved = reg(uint(2), { init: 0 });
  private readonly slot = wire(uint(this.slotWidth));
  /** One-hot: the class of the beat that comes, if it is taken. */
  private readonly coming_class = wire(uint(classes));
  /** The beat that came in the cycle before, with what it means for the one before it, if its queue had one then. */
  private readonly written = reg(bool, { init: 0 });
  private readonly written_egress = reg(uint(this.p.egresses));
  private readonly written_beat = reg(tlpBeat(this.p.width));
  private readonly arrived = reg(this.Element);
  private readonly entry = wire(this.Link);
  private readonly joins = reg(bool);
  /** Per egress: the slot before it, if it came for that one. */
  private readonly joined = reg(vec(this.p.egresses, uint(this.slotWidth)));
  /** The first of two beats of a queue was taken: if another one came then, its link is looked for before it is written; and if none did, no link is. */
  private readonly meets = reg(bool);
  private readonly second_slot = reg(uint(this.slotWidth));
  private readonly next = wire(this.Link);
  private readonly coming = wire(this.Element);
  /** By queue: another beat is behind the first; just one is. */
  private readonly more = wire(vec(this.p.egresses, uint(classes)));
  private readonly two = wire(vec(this.p.egresses, uint(classes)));

  private readonly order = Array.from({ length: this.p.egresses }, () => new PassingOrder({ slots: this.p.slots }));
  /** Per egress: what waits for the newest posted packet, in the cycle before: when the beat came that is written. */
  private readonly before = reg(vec(this.p.egresses, this.Waiters));
  /** Who sent the beat of the cycle before. */
  private readonly came_from = reg(uint(16));

  protected override logic() {
    const { slots, egresses } = this.p;
    if (egresses < 2) throw new HdlError(`queues are for at least 2 egresses, not ${egresses}`);
    if (2 ** this.slotWidth !== slots || slots < 8) throw new HdlError(`slots is a power of two of at least 8, not ${slots}`);
    this.allocate();
    this.put();
    this.takeHead();
    this.countBeats();
    this.follow();
    this.keepOrder();
  }

  /** A slot for the beat that comes, taken from its memory before. That it came is known late, so the slot is given away in the cycle after. */
  private allocate(): void {
    const { fresh, free, slot, reserved, written } = this;
    const [first, second] = [at(this.reserve, 0), at(this.reserve, 1)];
    const there = mux(written, reserved.bit(1), reserved.bit(0));
    const behind = reserved.bit(1).and(written.not());
    slot.set(mux(written, second, first));
    this.in.ready.set(there);

    const unused = fresh.bit(this.slotWidth).not();
    const supplied = unused.or(free.out.valid);
    const supply = mux(unused, fresh.trunc(this.slotWidth), free.out.payload);
    const wants = there.and(behind).not();
    free.out.ready.set(wants.and(unused.not()));
    when(wants.and(unused), () => fresh.set(fresh.add(1)));
    first.set(mux(there, slot, supply));
    when(behind.not(), () => second.set(supply));
    reserved.set(cat(there.and(behind.or(supplied)), there.or(supplied)));
    free.in.valid.set(this.freed);
    free.in.put(this.freed_slot);
    this.coming_class.set(mux(this.in.ready, this.in.payload.class, 0));
  }

  /** Whether a beat comes for a queue. */
  private comes(e: number, kind: number): Bool {
    return this.in.payload.egress.bit(e).and(this.coming_class.bit(kind));
  }

  /** Whether a beat is taken from a queue. */
  private taken(e: number, kind: number): Bool {
    return every([this.selected.bit(e), at(this.kinds, e).bit(kind), this.takes]);
  }

  /** By egress: the flag of the queue that is selected, else 0. */
  private selectedOf(flags: readonly UInt<3>[]): readonly Bool[] {
    return flags.map((bits, e) => this.selected.bit(e).and(at(this.kinds, e).and(bits).any()));
  }

  /** Where a beat goes is known late: it is written a cycle later, which is before anybody reads it. */
  private put(): void {
    const { written, written_egress, entry, coming } = this;
    const { egress, class: kind, beat, credits } = this.in.payload;
    written.set(this.in.fire);
    written_egress.set(egress);
    this.written_beat.set(beat);
    this.joins.set(some(this.used.map((bits, e) => egress.bit(e).and(bits.and(kind).any()))));
    this.tails.forEach((tails, e) => {
      tails.forEach((tail, k) => {
        when(this.comes(e, k), () => tail.set(this.slot));
      });
      at(this.joined, e).set(oneOf(this.coming_class, tails));
    });
    when(written, () => {
      this.data.write(entry.element.slot, this.written_beat);
      when(this.joins, () => this.links.write(oneOf(written_egress, this.joined), entry));
    });
    coming.set({ slot: this.slot, credits, last: beat.last });
    this.arrived.set(coming);
    // What waited for the posted packet before; of other beats nobody reads it, nor where the packet became the head at once: `PassingOrder` sees to those.
    this.before.forEach((waiters, e) => {
      waiters.set(at(this.order, e).newest);
    });
    const carried = <W extends number>(of: (waiters: Sig<WaitersType>) => UInt<W>) => oneOf(written_egress, this.before.map(of));
    entry.set({
      element: this.arrived,
      waiters: {
        non_posted: carried(waiters => waiters.non_posted),
        completions: carried(waiters => waiters.completions),
        some: carried(waiters => waiters.some),
      },
    });
  }

  /** Finds the first beat and the second one of the queue that is taken from, reads the first and the link of the second. */
  private takeHead(): void {
    const { next } = this;
    // Where they lie is known for each queue before one is taken.
    const firsts = this.heads.map((own, e) =>
      own.map((head, k) => mux(at(this.stepping, e).bit(k), place(at(at(this.seconds, e), k)), head)),
    );
    const first = firsts.map((own, e) => oneOf(at(this.kinds, e), own));
    this.costs.forEach((cost, e) => {
      cost.set(at(first, e).part(this.slotWidth, 9));
      at(this.credits, e).set(cost);
    });
    // Both are read in the cycle after: who is chosen is known too late in this one for a way to so many memories.
    this.freed.set(this.selected.any().and(this.takes));
    const slots = first.map(own => own.trunc(this.slotWidth));
    this.freed_slot.set(oneOf(this.selected, slots));
    this.beat.set(this.data.read(this.freed_slot, this.freed));

    // Within a packet its queue counts, whether that goes on now or not.
    const link = this.links.peek(this.second_slot);
    const { meets, entry } = this;
    next.set(mux(meets, entry, link));
    const seconds = this.seconds.map((own, e) => {
      const slots = own.map((second, k) => {
        const steps = at(this.stepping, e).bit(k);
        return oneOf(word([steps.not(), steps.and(meets), steps.and(meets.not())]), [
          second.slot,
          entry.element.slot,
          link.element.slot,
        ]);
      });
      return oneOf(at(this.kinds, e), slots);
    });
    this.second_slot.set(oneOf(this.selected, seconds));
    meets.set(some(this.selectedOf(this.two)));
  }

  /** A cycle late: a beat that is taken is known too late to be counted at once. */
  private countBeats(): void {
    this.count.forEach((counts, e) => {
      counts.forEach((count, k) => {
        const flags = at(at(this.at_least, e), k);
        const came = at(this.came, e).bit(k);
        const took = at(this.took, e).bit(k);
        const step = mux(came, u(count.width, 1), u(count.width, 2 ** count.width - 1));
        const [one, two, three, four] = [flags.bit(0), flags.bit(1), flags.bit(2), flags.bit(3)];
        // Each flag is the neighbour's: sooner than a comparison behind the sum.
        const grown = cat(three, two, one, u(1, 1));
        const five = four.and(count.ne(4));
        const shrunk = cat(five, four, three, two);
        when(came.ne(took), () => {
          count.set(count.add(step));
          flags.set(mux(came, grown, shrunk).as(4));
        });
        at(this.more, e)
          .bit(k)
          .set(mux(took, three.or(two.and(came)), two.or(one.and(came))));
        const become_two = mux(took, three.and(four.not()), one.and(two.not()));
        at(this.two, e)
          .bit(k)
          .set(mux(came.eq(took), two.and(three.not()), become_two));
        at(this.came, e).bit(k).set(this.comes(e, k));
        at(this.took, e).bit(k).set(this.taken(e, k));
      });
    });
  }

  /** What becomes of each queue. */
  private follow(): void {
    const { next, coming, takes, there } = this;
    this.used.forEach((used, e) => {
      for (let k = 0; k < classes; k++) {
        const stepping = at(this.stepping, e).bit(k);
        const comes = this.comes(e, k);
        const taken = this.taken(e, k);
        const second = at(at(this.seconds, e), k);
        const last = mux(stepping, second.last, at(this.first_last, e).bit(k));
        const more = at(this.more, e).bit(k);
        const followed = comes.or(more);
        at(this.lasts, e).bit(k).set(last);
        // Where there is none, what is on the way in is taken down as the first, or as the second one, whether it comes or not: that is known late.
        const none = used.bit(k).not();
        at(this.first_last, e)
          .bit(k)
          .set(mux(none, coming.last, last));
        when(stepping.or(none), () => at(at(this.heads, e), k).set(mux(stepping, place(second), place(coming))));
        when(stepping.or(more.not()), () => {
          second.set(mux(more, next.element, coming));
          if (k !== TlpClass.posted) return;
          when(more, () => at(this.waiters, e).set(next.waiters)).otherwise(() =>
            at(this.waiters, e).set(at(this.order, e).newest),
          );
        });
        at(this.stepping, e).bit(k).set(taken.and(followed));
        used.bit(k).set(mux(taken, followed, comes.or(used.bit(k))));
      }
    });
    // The same for the packet that is under way in the next cycle, whether it begins in this one or did so before: it has a beat then, if this one is not its last.
    // Nothing changes while its beat waits. Where the beat goes that comes, and whether it is the last, is known late.
    const moves = takes.or(there.not());
    const open = this.used.map((used, e) => used.and(at(this.lasts, e)).not());
    const has_more = this.selectedOf(this.more.map((bits, e) => bits.and(at(open, e))));
    const gets_more = this.selectedOf(open.map(bits => bits.and(this.coming_class)));
    const comes = gets_more.map((gets, e) => this.in.payload.egress.bit(e).and(gets));
    // Whether the beat behind the one that is taken ends the packet, or else the next one that comes. Of a queue that steps the link tells.
    const behind = this.seconds.map((own, e) => {
      const known = word(own.map(second => second.last)).as(classes);
      const [more, steps] = [at(this.more, e), at(this.stepping, e)];
      const comes = mux(coming.last, u(classes, 7), 0);
      return more.and(steps.not()).and(known).or(more.not().and(comes));
    });
    const linked = this.more.map((more, e) => more.and(at(this.stepping, e)));
    when(moves, () => {
      this.waits.set(some(has_more));
      this.arrives.set(word(this.arrives.words(1).map((_, i) => some(comes.slice(2 * i, 2 * i + 2)))));
      this.ending.set(some(this.selectedOf(behind)));
      this.ending_linked.set(some(this.selectedOf(linked)));
      this.link_last.set(next.element.last);
    });
    there.set(this.waits.or(this.arrives.any()));
    this.held_ending.set(this.ending.or(this.ending_linked.and(this.link_last)));
  }

  /** For each egress by itself. */
  private keepOrder(): void {
    const { egress, beat, relaxed, sender } = this.in.payload;
    const { came_from, coming_class: coming } = this;
    came_from.set(sender);
    this.order.forEach((order, e) => {
      connect(order, {
        coming,
        first: beat.first,
        relaxed,
        ido: beat.header.attr.bit(2),
        sender,
        mine: egress.bit(e),
        came_from,
        used: at(this.used, e),
        more: at(this.more, e),
        last: at(this.lasts, e),
        taken: word(Array.from({ length: classes }, (_, k) => this.taken(e, k))).as(classes),
        followed: at(this.stepping, e).bit(TlpClass.posted),
        waiters: at(this.waiters, e),
      });
      at(this.offered, e).set(order.offered);
    });
  }
}
