import {
  type Bool,
  Bundle,
  type BundleType,
  bool,
  cat,
  clog2,
  input,
  Module,
  mux,
  output,
  reg,
  type Sig,
  type UInt,
  uint,
  vec,
  when,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { classes, TlpClass } from './tlp-class.ts';
import { every, some } from './trees.ts';

const waiterFields = (slots: number) => ({
  non_posted: uint(clog2(slots) + 1),
  completions: uint(clog2(slots) + 1),
  /** Of these two: there are some. */
  some: uint(2),
});
export type WaitersType = BundleType<ReturnType<typeof waiterFields>>;

/** Packets of the other classes that came between a posted packet and the one before it: they may go when that one is gone. Of a buffer of `slots` beats. */
export function waitersOf(slots: number): WaitersType {
  const known = types.get(slots);
  if (known) return known;
  const type = class Waiters extends Bundle(waiterFields(slots)) {};
  types.set(slots, type);
  return type;
}
const types = new Map<number, WaitersType>();

/**
 * What may pass what (C60, C61, C64, C65) among the packets that an ingress has for one egress, where each class is a queue: a non-posted packet or completion is
 * offered when all posted packets that came before it are gone, wholly. Each posted packet carries how many others wait for it (`newest` when it comes, `waiters` when it has
 * left), so that counters are enough.
 *
 * A packet with relaxed ordering is offered at once, if none of its class waits before it; so is one with ID-based ordering where all posted packets that wait are of one
 * requester, and that is another one. Who sent a posted packet is noted in the cycle after it began to come, for whether it did is known late: what comes in that cycle
 * passes by relaxed ordering alone.
 *
 * `offered` comes from registers. Reset forgets all packets.
 */
export class PassingOrder extends Module<{
  /** Beats of the buffer, at least 8. */
  readonly slots: number;
}> {
  /** A beat comes, one-hot by class; it begins a packet; what it may pass by (`ido` is the attribute of ID-based ordering), and who sent it. */
  readonly coming = input(uint(classes));
  readonly first = input(bool);
  readonly relaxed = input(bool);
  readonly ido = input(bool);
  readonly sender = input(uint(16));
  /** The beat is for this egress, which is known late. */
  readonly mine = input(bool);
  /** Who sent the beat of the cycle before. */
  readonly came_from = input(uint(16));
  /** By class: beats are there; more than one; the first is its packet's last one; it is taken, which is known late. */
  readonly used = input(uint(classes));
  readonly more = input(uint(classes));
  readonly last = input(uint(classes));
  readonly taken = input(uint(classes));
  /** Of the posted packet behind the one that was taken from in the cycle before: there is one; what waits for the one before it. */
  readonly followed = input(bool);
  readonly waiters = input(waitersOf(this.p.slots));
  /** By class: a packet may be begun. */
  readonly offered = output(uint(classes));
  /** What waits for the newest posted packet. */
  readonly newest = output(waitersOf(this.p.slots));

  private readonly countWidth: number = clog2(this.p.slots) + 1;
  /** Of what began to come in the cycle before, and is counted in this one: a non-posted packet or completion that waits; that does not; a posted one. */
  private readonly stayed = reg(uint(2), { init: 0 });
  private readonly passed = reg(uint(2), { init: 0 });
  private readonly posted = reg(bool, { init: 0 });
  /** Non-posted packets and completions that came after the newest posted packet, but for those of the cycle before; and that there are some. */
  private readonly after = reg(vec(2, uint(this.countWidth)), { init: 0 });
  private readonly after_some = reg(uint(2), { init: 0 });
  /** Such packets that wait for no posted packet any more, those that left in the cycle before included and those that came then not; and that one of them can be begun. */
  private readonly released = reg(vec(2, uint(this.countWidth)), { init: 0 });
  private readonly ready = reg(uint(2), { init: 0 });
  /** Some of them wait, but for one that came in the cycle before. */
  private readonly held_back = reg(uint(2), { init: 0 });
  /** Where posted packets wait: who sent the newest one, and that another one may have sent one before it. */
  private readonly poster = reg(uint(16));
  private readonly several = reg(bool);
  /** Posted packets waited in the cycle before. */
  private readonly follows = reg(bool);
  /** By class: the last beat of a packet was taken in the cycle before. */
  private readonly left = reg(uint(classes), { init: 0 });

  protected override logic() {
    this.left.set(this.taken.and(this.last));
    this.notePoster();
    for (const k of [0, 1]) {
      const may_pass = this.mayPass(k);
      const begins = every([this.first, this.coming.bit(k + 1), this.mine]);
      this.passed.bit(k).set(begins.and(may_pass));
      this.stayed.bit(k).set(begins.and(may_pass.not()));
      this.count(k);
      this.offer(k, may_pass);
    }
    this.offered.set(cat(this.ready, this.used.bit(TlpClass.posted)));
  }

  private notePoster(): void {
    const { posted, poster, several, follows, came_from } = this;
    posted.set(every([this.first, this.coming.bit(TlpClass.posted), this.mine]));
    follows.set(this.used.bit(TlpClass.posted));
    when(posted, () => {
      poster.set(came_from);
      several.set(follows.and(several.or(poster.ne(came_from))));
    });
  }

  /** Whether what comes waits for no posted packet, nor for those of its class that do. */
  private mayPass(k: number): Bool {
    const posted_waits = this.used.bit(TlpClass.posted);
    const holds_back = this.held_back.bit(k).or(this.stayed.bit(k));
    this.held_back.bit(k).set(holds_back.and(posted_waits));
    const first = holds_back.not();
    const by_sender = [this.ido, this.several.not(), this.posted.not(), this.sender.ne(this.poster)];
    return some([posted_waits.not(), this.relaxed.and(first), every([first, ...by_sender])]);
  }

  /** A posted packet was gone in the cycle before: what waited for it goes on. */
  private count(k: number): void {
    const { newest, followed, waiters } = this;
    const posted_left = this.left.bit(TlpClass.posted);
    const clears = posted_left.and(followed.not());
    const stayed = this.stayed.bit(k);
    const after = at(this.after, k);
    const waiting = mux(this.posted, 0, after.add(stayed.zext(this.countWidth))) as UInt<number>;
    const some_wait = this.after_some.bit(k).or(stayed).and(this.posted.not());
    fieldOf(newest, k).set(waiting);
    newest.some.bit(k).set(some_wait);
    after.set(mux(clears, 0, waiting) as UInt<number>);
    this.after_some.bit(k).set(some_wait.and(clears.not()));

    const released = at(this.released, k);
    const freed = mux(posted_left, mux(followed, fieldOf(waiters, k), waiting), 0) as UInt<number>;
    const one = (more: Bool) => more.zext(this.countWidth);
    const [with_freed, gone] = [released.add(freed), this.left.bit(k + 1)];
    released.set(mux(this.passed.bit(k), with_freed.add(one(gone.not())), with_freed.sub(one(gone))));
  }

  /** Whether one of them can be begun in the next cycle. */
  private offer(k: number, may_pass: Bool): void {
    const { mine, newest, waiters, followed, last } = this;
    const released = at(this.released, k);
    const [passed, gone] = [this.passed.bit(k), this.left.bit(k + 1)];
    // Whether one is released then, and whether another one is behind the first beat: without the sum, which takes longer.
    const frees = this.left.bit(TlpClass.posted).and(mux(followed, waiters.some, newest.some).bit(k));
    const many = released.part(3, this.countWidth - 3).any();
    const few = released.part(0, 3);
    const [one_at_least, two_at_least] = [few.any(), few.part(1, 2).any()];
    const three_at_least = few.bit(2).or(few.part(0, 2).all());
    const one_of_few = mux(passed.eq(gone), one_at_least, passed.or(two_at_least));
    const two_of_few = mux(passed.eq(gone), two_at_least, mux(passed, one_at_least, three_at_least));
    const one = some([frees, many, one_of_few]);
    const open = last.bit(k + 1).not();
    const one_behind = some([frees, many, two_of_few, open.and(one_of_few)]);
    // Where the beat goes that comes, and what is taken, is known last: there is an answer for each case.
    const comes = this.coming.bit(k + 1);
    const goes = this.first.and(may_pass);
    const answer = (more: Bool, released: Bool) => more.and(released).or(every([mine, comes, released.or(goes)]));
    const stays = answer(this.used.bit(k + 1), one);
    const goes_on = answer(this.more.bit(k + 1), one_behind);
    // What comes while the last posted packet leaves does not wait for it, though it is counted with those that did.
    const last_posted = last.bit(TlpClass.posted).and(this.more.bit(TlpClass.posted).not());
    const follows_last = every([this.first, comes, mine, last_posted, this.taken.bit(TlpClass.posted)]);
    this.ready.bit(k).set(mux(this.taken.bit(k + 1), goes_on, stays).or(follows_last));
  }
}

/** How many of them wait: non-posted packets, or completions. */
const fieldOf = (waiters: Sig<WaitersType>, k: number) => (k === 0 ? waiters.non_posted : waiters.completions);
