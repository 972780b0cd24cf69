import {
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
import { either, every, oneOf, some, word } from './trees.ts';

/** The classes that ordering and flow control know, as codes and as bits of a set. */
export const TlpClass = { posted: 0, non_posted: 1, completion: 2 } as const;
const classes = 3;

const queuedFields = (width: number, egresses: number) => ({
  beat: tlpBeat(width),
  /** One-hot, 0 where no beat comes: the egress. And the class. Both are the same in all beats of a packet. */
  egress: uint(egresses),
  class: uint(2),
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
/** Packets of the other classes that came between the posted packet before and this one: they may go when that one is gone. */
const waiterFields = (slots: number) => ({
  non_posted: uint(clog2(slots) + 1),
  completions: uint(clog2(slots) + 1),
  /** Of these two: there are some. */
  some: uint(2),
});
type ElementType = BundleType<ReturnType<typeof elementFields>>;
type WaitersType = BundleType<ReturnType<typeof waiterFields>>;

/** What of an element decides where it is chosen: its slot, and above that its credits. */
const place = ({ slot, credits }: { readonly slot: UInt<number>; readonly credits: UInt<9> }): UInt<number> => cat(credits, slot);

/**
 * The buffer of a switch port: beats of all classes and all egresses in one block RAM, kept apart as 3 queues per egress (linked lists), so that a packet
 * never waits for one that goes elsewhere (C70g), nor posted packets for others (C60, C61).
 *
 *     in ─► register ─► data[slot]                 begins, go_on ─► first beat of the queue ─► register ─► data[slot] ─► beat (2 cycles later)
 *                       link[tail of the queue] = element             └ second beat ─► first, third one: link[second] ─► second
 *
 * **Order** (C60), for each egress by itself: a non-posted packet or completion is offered when all posted packets that came before it are gone, wholly.
 * Each posted packet carries how many others wait for it. Within a class packets leave in the order of their coming. `relaxed` packets are offered at
 * once, if none of their class waits before them; so are those with ID-based ordering where all posted packets that wait are of one requester, and that is
 * another one (C65).
 *
 * A beat per cycle in and a beat per cycle out, of any queue; a beat can be taken 1 cycle after it came (the packet need not be complete). `beat` is the
 * beat taken 2 cycles before. All that it tells comes from registers, `single` soon after them.
 * `in.ready` is 0 in the first cycle after reset, and when all slots are full, which credits prevent. Taking from an empty queue is forbidden. Reset empties it.
 *
 * **Speed**: whose beat is taken is known late in a cycle, so whatever follows from it is prepared for both cases: whether a queue has a second beat
 * (`count`), and where its first two lie, whether they end their packets, what they cost (`heads`, `lasts`, `seconds`). The beat itself, which lies in many block
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
  /** Per egress, one-hot: the class of the packet that `begins` would begin. */
  readonly kinds = input(vec(this.p.egresses, uint(classes)));
  /** One-hot: the first beat of a packet for that egress is taken; 0 if none is, and always within a packet. */
  readonly begins = input(uint(this.p.egresses));
  /** `begins` is not 0. */
  readonly starts = input(bool);
  /** One-hot: the egress of the packet under way, 0 between packets; its class; its next beat is taken, which must be `there`. */
  readonly held_egress = input(uint(this.p.egresses));
  readonly held_class = input(uint(classes));
  readonly go_on = input(bool);
  /** The packet under way has a beat; 0 between packets. */
  readonly there = output(bool);
  /** Bit e: the packet that would begin for egress e has one beat. */
  readonly single = output(uint(this.p.egresses));
  /** The next beat of the packet under way is its last; means nothing where no beat is there. */
  readonly held_ending = output(bool);
  /** Per egress: data credits of the packet that `kinds` of the cycle before would have begun. */
  readonly credits = output(vec(this.p.egresses, uint(9)));
  readonly beat = output(tlpBeat(this.p.width));

  private readonly slotWidth: number = clog2(this.p.slots);
  private readonly Element: ElementType = Bundle(elementFields(this.p.slots));
  private readonly Waiters: WaitersType = Bundle(waiterFields(this.p.slots));
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
  private readonly lasts = reg(vec(this.p.egresses, uint(classes)), { init: 0 });
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
  /** The packet under way has a beat; it is its last. */
  private readonly waits = reg(bool, { init: 0 });
  private readonly ending = reg(bool);

  /** Slots that were never used, and those that were and are free again; the one for the beat that comes; the one that was freed in the cycle before. */
  private readonly fresh = reg(uint(this.slotWidth + 1), { init: 0 });
  private readonly free = new Fifo({ type: uint(this.slotWidth), depth: this.p.slots });
  private readonly freed = reg(bool, { init: 0 });
  private readonly freed_slot = wire(uint(this.slotWidth));
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
  /** It came when the first of two beats of its queue was taken: its link is looked for before it is written. */
  private readonly meets = reg(bool);
  private readonly second_slot = reg(uint(this.slotWidth));
  private readonly next = wire(this.Link);
  private readonly coming = wire(this.Element);
  /** By queue: another beat is behind the first, two are; the first beat is its packet's last. */
  private readonly more = wire(vec(this.p.egresses, uint(classes)));
  private readonly third = wire(vec(this.p.egresses, uint(classes)));
  private readonly closing = wire(vec(this.p.egresses, uint(classes)));

  /** Per egress, of what began to come in the cycle before, and is counted in this one: a non-posted packet or completion that waits; that does not; a posted one. */
  private readonly stayed = reg(vec(this.p.egresses, uint(2)), { init: 0 });
  private readonly passed = reg(vec(this.p.egresses, uint(2)), { init: 0 });
  private readonly posted = reg(uint(this.p.egresses), { init: 0 });
  /** Per egress: packets of non-posted requests and completions that came after the newest posted packet, but for those of the cycle before. */
  private readonly after = reg(vec(this.p.egresses, vec(2, uint(this.slotWidth + 1))), { init: 0 });
  /** Per egress, of these two: there are some. */
  private readonly after_some = reg(vec(this.p.egresses, uint(2)), { init: 0 });
  /** Per egress: what waits for the newest posted packet, which a posted packet that comes has before it; the same in the cycle before, when the beat came that is written. */
  private readonly newest = wire(vec(this.p.egresses, this.Waiters));
  private readonly before = reg(vec(this.p.egresses, this.Waiters));
  /** Per egress: such packets that wait for no posted packet any more, those that left in the cycle before included and those that came then not; and that one of them can be begun. */
  private readonly released = reg(vec(this.p.egresses, vec(2, uint(this.slotWidth + 1))), { init: 0 });
  private readonly ready = reg(vec(this.p.egresses, uint(2)), { init: 0 });
  /** Per egress: some of them wait, but for one that came in the cycle before. */
  private readonly held_back = reg(vec(this.p.egresses, uint(2)), { init: 0 });
  /** Per egress, where posted packets wait: who sent the newest one, and that another one may have sent one before it. */
  private readonly poster = reg(vec(this.p.egresses, uint(16)));
  private readonly several = reg(uint(this.p.egresses));
  /** Per egress, by class: the last beat of a packet was taken in the cycle before. */
  private readonly left = reg(vec(this.p.egresses, uint(classes)), { init: 0 });

  protected override logic() {
    const { slots, egresses } = this.p;
    if (egresses < 2) throw new HdlError(`queues are for at least 2 egresses, not ${egresses}`);
    if (2 ** this.slotWidth !== slots || slots < 4) throw new HdlError(`slots is a power of two of at least 4, not ${slots}`);
    this.allocate();
    this.put();
    this.takeHead();
    this.countBeats();
    this.follow();
    this.used.forEach((_, e) => {
      this.keepOrder(e);
    });
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
    this.coming_class.set(word([0, 1, 2].map(k => this.in.payload.class.eq(k).and(this.in.ready))).as(classes));
  }

  /** Whether a beat comes for a queue. */
  private comes(e: number, kind: number): Bool {
    return this.in.payload.egress.bit(e).and(this.coming_class.bit(kind));
  }

  /** Whether a beat is taken from a queue. */
  private taken(e: number, kind: number): Bool {
    const begins = this.begins.bit(e).and(at(this.kinds, e).bit(kind));
    return begins.or(every([this.held_egress.bit(e), this.held_class.bit(kind), this.go_on]));
  }

  /** By egress: the flag of the queue whose packet begins, else 0; the one of the queue that is taken from. */
  private begunOf(flags: readonly UInt<3>[]): readonly Bool[] {
    return this.kinds.map((kinds, e) => this.begins.bit(e).and(kinds.and(at(flags, e)).any()));
  }

  private takenOf(flags: readonly UInt<3>[]): readonly Bool[] {
    return this.begunOf(flags).map((begun, e) => begun.or(this.go_on.and(this.heldOf(e, flags))));
  }

  /** Of all egresses: the same two, and between them the flag of the packet under way. */
  private ofBegun(flags: readonly UInt<3>[]): Bool {
    return some(this.begunOf(flags));
  }

  private ofHeld(flags: readonly UInt<3>[]): Bool {
    return some(flags.map((_, e) => this.heldOf(e, flags)));
  }

  private heldOf(e: number, flags: readonly UInt<3>[]): Bool {
    return this.held_egress.bit(e).and(this.held_class.and(at(flags, e)).any());
  }

  /** Where a beat goes is known late: it is written a cycle later, which is before anybody reads it. */
  private put(): void {
    const { written, written_egress, entry, coming } = this;
    const { egress, class: kind, beat, credits } = this.in.payload;
    written.set(this.in.fire);
    written_egress.set(egress);
    this.written_beat.set(beat);
    this.joins.set(some(this.used.map((bits, e) => egress.bit(e).and(bits.bit(kind)))));
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
    // What waited for the posted packet before; of other beats nobody reads it, nor where the packet became the head at once: `keepOrder` sees to those.
    this.before.forEach((waiters, e) => {
      waiters.set(at(this.newest, e));
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
    const { begins, held_egress, held_class, next } = this;
    // Where they lie is known for each queue before one is taken. Within a packet its queue counts, whether that goes on now or not.
    const firsts = this.heads.map((own, e) =>
      own.map((head, k) => mux(at(this.stepping, e).bit(k), place(at(at(this.seconds, e), k)), head)),
    );
    this.costs.forEach((cost, e) => {
      const credits = at(firsts, e).map(first => first.part(this.slotWidth, 9));
      cost.set(oneOf(at(this.kinds, e), credits));
      at(this.credits, e).set(cost);
    });
    // Both are looked up in the cycle after: who is chosen is known too late in this one for a way to so many memories. What was first is in `heads` then.
    this.freed.set(this.starts.or(this.go_on));
    const taken = this.heads.map((own, e) =>
      oneOf(
        at(this.took, e),
        own.map(head => head.trunc(this.slotWidth)),
      ),
    );
    this.freed_slot.set(either(taken));
    this.beat.set(this.data.read(this.freed_slot, this.freed));

    const seconds = (kinds: (e: number) => UInt<3>) =>
      this.seconds.map((own, e) =>
        oneOf(
          kinds(e),
          own.map(second => second.slot),
        ),
      );
    const of_begun = oneOf(
      begins,
      seconds(e => at(this.kinds, e)),
    );
    const second = of_begun.or(
      oneOf(
        held_egress,
        seconds(() => held_class),
      ),
    );
    const steps_again = this.ofBegun(this.stepping).or(this.ofHeld(this.stepping));
    this.second_slot.set(mux(steps_again, next.element.slot, second));
    const pairs = this.more.map((bits, e) => bits.and(at(this.third, e).not()).and(this.coming_class));
    this.meets.set(some(this.takenOf(pairs).map((taken, e) => taken.and(this.in.payload.egress.bit(e)))));
    next.set(mux(this.meets, this.entry, this.links.peek(this.second_slot)));
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
        at(this.third, e)
          .bit(k)
          .set(mux(took, four.or(three.and(came)), three.or(two.and(came))));
        at(this.came, e).bit(k).set(this.comes(e, k));
        at(this.took, e).bit(k).set(this.taken(e, k));
      });
    });
  }

  /** What becomes of each queue. */
  private follow(): void {
    const { next, kinds, held_egress, held_class, go_on, coming } = this;
    this.used.forEach((used, e) => {
      for (let k = 0; k < classes; k++) {
        const stepping = at(this.stepping, e).bit(k);
        const comes = this.comes(e, k);
        const taken = this.taken(e, k);
        const second = at(at(this.seconds, e), k);
        const last = mux(stepping, second.last, at(this.lasts, e).bit(k));
        const more = at(this.more, e).bit(k);
        const followed = comes.or(more);
        at(this.closing, e).bit(k).set(last);
        // Where there is none, what is on the way in is taken down as the first, or as the second one, whether it comes or not: that is known late.
        const none = used.bit(k).not();
        at(this.lasts, e)
          .bit(k)
          .set(mux(none, coming.last, last));
        when(stepping.or(none), () => at(at(this.heads, e), k).set(mux(stepping, place(second), place(coming))));
        when(stepping.or(more.not()), () => {
          second.set(mux(more, next.element, coming));
          if (k !== TlpClass.posted) return;
          when(more, () => at(this.waiters, e).set(next.waiters)).otherwise(() => at(this.waiters, e).set(at(this.newest, e)));
        });
        at(this.stepping, e).bit(k).set(taken.and(followed));
        used.bit(k).set(mux(taken, followed, comes.or(used.bit(k))));
      }
      this.single.bit(e).set(at(kinds, e).and(at(this.closing, e)).any());
    });
    // The same for the packet that begins, and for the one under way. Where the beat goes that comes, and whether it is the last, is known late.
    const within = held_egress.any();
    const not_over = within.and(go_on.and(this.held_ending).not());
    const of_held = every([not_over, this.coming_class.and(held_class).any()]);
    this.there.set(this.waits);
    const open = this.closing.map(bits => bits.not());
    const has_more = this.begunOf(this.more.map((bits, e) => bits.and(at(open, e))));
    const gets_more = this.begunOf(open.map(bits => bits.and(this.coming_class)));
    const comes = gets_more.map((gets, e) => this.in.payload.egress.bit(e).and(gets.or(of_held.and(held_egress.bit(e)))));
    const rests_there = every([within, go_on.not(), this.waits]);
    const steps_there = every([go_on, this.held_ending.not(), this.ofHeld(this.more)]);
    this.waits.set(some([...comes, ...has_more, rests_there, steps_there]));

    // Whether the beat behind the one that is taken ends the packet, or else the next one that comes. Of a queue that steps the link tells.
    const behind = this.seconds.map((own, e) => {
      const lasts = own.map((second, k) => {
        const known = at(this.stepping, e).bit(k).not().and(second.last);
        return mux(at(this.more, e).bit(k), known, coming.last);
      });
      return word(lasts).as(classes);
    });
    const steps = this.more.map((bits, e) => bits.and(at(this.stepping, e)));
    const link_tells = next.element.last.and(some([...this.begunOf(steps), this.ofHeld(steps)]));
    when(go_on.or(this.waits.not()), () => this.ending.set(some([...this.begunOf(behind), this.ofHeld(behind), link_tells])));
    this.held_ending.set(this.ending);
  }

  private keepOrder(e: number): void {
    const { egress, class: kind, beat, relaxed, sender } = this.in.payload;
    const { attr } = beat.header;
    const used = at(this.used, e);
    const left = at(this.left, e);
    const posted_waits = used.bit(TlpClass.posted);
    const mine = egress.bit(e);
    const begins = this.in.ready.and(beat.first);
    const here = begins.and(mine);
    const poster = at(this.poster, e);
    const passes = relaxed.or(every([attr.bit(2), this.several.bit(e).not(), sender.ne(poster)]));
    when(here.and(kind.eq(TlpClass.posted)), () => {
      poster.set(sender);
      this.several.bit(e).set(posted_waits.and(this.several.bit(e).or(poster.ne(sender))));
    });
    for (let k = 0; k < classes; k++) left.bit(k).set(this.taken(e, k).and(at(this.closing, e).bit(k)));

    // A posted packet was gone in the cycle before: what waited for it goes on.
    const posted_left = left.bit(TlpClass.posted);
    const followed = at(this.stepping, e).bit(TlpClass.posted);
    const waiters = at(this.waiters, e);
    const newest = at(this.newest, e);
    const of_newest = [newest.non_posted, newest.completions];
    const of_left = [waiters.non_posted, waiters.completions].map(
      (waiting, k) => mux(followed, waiting, at(of_newest, k)) as UInt<number>,
    );
    const some_of_left = mux(followed, waiters.some, newest.some);
    this.posted.bit(e).set(here.and(kind.eq(TlpClass.posted)));
    const last_posted = at(this.closing, e).bit(TlpClass.posted).and(at(this.more, e).bit(TlpClass.posted).not());
    const bits: Bool[] = [used.bit(TlpClass.posted)];
    for (const k of [0, 1]) {
      const released = at(at(this.released, e), k);
      const held_back = at(this.held_back, e).bit(k);
      const stayed = at(this.stayed, e).bit(k);
      const passed = at(this.passed, e).bit(k);
      const holds_back = held_back.or(stayed);
      const begins_one = begins.and(kind.eq(k + 1));
      const goes_at_once = begins_one.and(posted_waits.not().or(passes.and(holds_back.not())));
      at(this.passed, e).bit(k).set(goes_at_once.and(mine));
      at(this.stayed, e)
        .bit(k)
        .set(every([begins_one, goes_at_once.not(), mine]));
      at(this.held_back, e).bit(k).set(holds_back.and(posted_waits));
      const clears = posted_left.and(followed.not());
      const after = at(at(this.after, e), k);
      const counted = after.add(stayed.zext(after.width));
      at(of_newest, k).set(mux(this.posted.bit(e), 0, counted) as UInt<number>);
      newest.some.bit(k).set(at(this.after_some, e).bit(k).or(stayed).and(this.posted.bit(e).not()));
      after.set(mux(clears, 0, at(of_newest, k)) as UInt<number>);
      at(this.after_some, e).bit(k).set(newest.some.bit(k).and(clears.not()));
      const freed = mux(posted_left, at(of_left, k), 0) as UInt<number>;
      const gone = left.bit(k + 1);
      const one_more = (more: Bool) => more.zext(released.width);
      released.set(mux(passed, released.add(freed).add(one_more(gone.not())), released.add(freed).sub(one_more(gone))));

      // Whether one is released then, and whether another one is where one leaves now: without the sum, which takes longer.
      const frees = posted_left.and(some_of_left.bit(k));
      const one_at_least = released.any();
      const two_at_least = released.part(1, this.slotWidth).any();
      const three_at_least = released
        .part(2, this.slotWidth - 1)
        .any()
        .or(released.part(0, 2).all());
      const two = two_at_least.or(one_at_least.and(passed));
      const three = three_at_least.or(two_at_least.and(passed));
      const keeps = two.or(one_at_least.or(passed).and(gone.not()));
      const keeps_two = three.or(two.and(gone.not()));
      // Where the beat goes that comes, and what is taken, is known last: there is an answer for each case.
      const answer = (comes: Bool) => {
        const one = keeps.or(frees);
        const another = keeps_two.or(frees);
        const closes = at(this.closing, e).bit(k + 1);
        const if_taken = at(this.more, e)
          .bit(k + 1)
          .or(comes)
          .and(mux(closes, another, one));
        return mux(this.taken(e, k + 1), if_taken, one.and(used.bit(k + 1).or(comes)));
      };
      // What comes while the last posted packet leaves does not wait for it, though it is counted with those that did.
      const follows_last = every([begins_one, last_posted, this.taken(e, TlpClass.posted)]);
      const if_mine = some([goes_at_once, answer(this.coming_class.bit(k + 1)), follows_last]);
      at(this.ready, e)
        .bit(k)
        .set(mux(mine, if_mine, answer(u(1, 0))));
      bits.push(at(this.ready, e).bit(k));
    }
    at(this.offered, e).set(cat(...bits.toReversed()).as(classes));
  }
}
