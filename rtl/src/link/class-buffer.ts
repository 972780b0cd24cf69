import {
  allOf,
  anyOf,
  assert,
  bool,
  clog2,
  connect,
  input,
  Module,
  memory,
  mux,
  output,
  reg,
  ShowAheadFifo,
  stream,
  u,
  uint,
  when,
} from '@hdl/ts-hdl';
import { tlpBeat } from '../tlp/tlp.ts';
import { mustWait } from './order.ts';

/**
 * Beats that `headers` header credits and `data` data credits can become at a data width: a TLP with d data credits has at most
 * floor(128 d / width) + 1 beats, digest included, so all together at most headers + floor(128 data / width). This bound is reached.
 */
export const beatsOfCredits = (credits: { readonly headers: number; readonly data: number }, width: number): number =>
  credits.headers + Math.floor((128 * credits.data) / width);

/**
 * The receive buffer of one class: `beats` beats in block RAM (rounded up to a power of two), one in its output and one in the register that is offered.
 *
 *     beat ─┬─► block RAM ─► its output ─┬─► head ─► out
 *           └────────────────────────────┘  when nothing waits
 *
 * 1 cycle of latency past the block RAM, 3 through it, also for a TLP that is still arriving; a beat per cycle. With `behind_posted` a TLP is not offered
 * before the consumer took the last beat of every posted TLP that arrived earlier (rule C60); it is offered 2 cycles after that at the earliest. `out.valid`,
 * payload and `room` are registers. Reset empties it.
 *
 * Credits are counted by the length in the header. A malformed TLP with more beats than that could fill the buffer: it is cut, so that it has an end.
 */
export class ClassBuffer extends Module<{
  readonly width: number;
  readonly beats: number;
  /** TLPs that can be inside. */
  readonly packets: number;
  readonly stamp_bits: number;
  readonly behind_posted: boolean;
  /** The sender has credits for `beats` beats, so no TLP can run out of room but a malformed one. */
  readonly credited: boolean;
}> {
  /** A beat may come, as soon as it is known: it is stored, but forgotten if it does not. */
  readonly offered = input(bool);
  /** A beat comes; only while there is `room`, and it is `offered`. */
  readonly put = input(bool);
  readonly beat = input(tlpBeat(this.p.width));
  readonly room = output(bool);
  /** The beat that comes takes the last room, but its TLP goes on: it is longer than its credits. It ends here; the rest must not come. */
  readonly cut = output(bool);
  /** Posted TLPs that arrived, and that were taken, so far. */
  readonly posted_arrived = input(uint(this.p.stamp_bits));
  readonly posted_taken = input(uint(this.p.stamp_bits));
  readonly out = output(stream(tlpBeat(this.p.width)));
  /** No beat is inside. */
  readonly empty = output(bool);

  private readonly address_bits = clog2(this.p.beats);
  private readonly words = memory(tlpBeat(this.p.width), {
    depth: 2 ** this.address_bits,
    style: 'block',
    collisions: 'never',
  });
  /** One bit more than an address, so that full and empty differ. */
  private readonly write_pointer = reg(uint(this.address_bits + 1), { init: 0 });
  private readonly read_pointer = reg(uint(this.address_bits + 1), { init: 0 });
  /** No beat, and one beat, has room. */
  private readonly full = reg(bool, { init: 0 });
  private readonly almost_full = reg(bool, { init: 0 });
  /** A beat stands at the output of the block RAM, and in the head. */
  private readonly word_valid = reg(bool, { init: 0 });
  private readonly head_valid = reg(bool, { init: 0 });
  private readonly head = reg(tlpBeat(this.p.width));
  private readonly order = this.p.behind_posted
    ? new OrderGate({ address_bits: this.address_bits, packets: this.p.packets, stamp_bits: this.p.stamp_bits })
    : undefined;

  protected override logic() {
    const { put, beat, write_pointer, read_pointer, word_valid, order, head } = this;
    const write_address = write_pointer.trunc(this.address_bits);
    const read_address = read_pointer.trunc(this.address_bits);
    const room = this.full.not();
    const overlong = this.p.credited ? this.almost_full.and(beat.last.not()) : u(1, 0);
    const some = write_pointer.ne(read_pointer);
    const may_go = order ? some.and(order.open) : some;
    const moves = this.head_valid.not().or(this.out.ready);
    const advance = word_valid.not().or(moves);
    const fetch = may_go.and(advance);
    const past = allOf([put, moves, some.not(), word_valid.not(), order ? order.passes : u(1, 1)]);
    const stored = put.and(past.not());

    this.room.set(room);
    this.cut.set(put.and(overlong));
    when(this.offered.and(room), () => {
      const { header, data, first, last } = beat;
      this.words.write(write_address, { header, data, first, last: last.or(overlong) });
    });
    when(put, () => assert(room.and(this.offered), 'a receive buffer of a link is overrun'));
    when(stored, () => write_pointer.set(write_pointer.add(1)));
    const used = write_pointer.sub(read_pointer);
    const size = 2 ** this.address_bits;
    when(stored.and(fetch.not()), () => {
      this.full.set(this.almost_full);
      this.almost_full.set(used.eq(size - 2));
    }).elsewhen(fetch.and(stored.not()), () => {
      this.full.set(0);
      this.almost_full.set(this.full);
    });
    // What is read and may not go means nothing: so whether it may is not on the way to the block RAM.
    const word = this.words.read(read_address, advance);
    when(fetch, () => read_pointer.set(read_pointer.add(1)));
    when(advance, () => word_valid.set(fetch));
    // The same of the head: what it takes does not depend on whether a beat comes.
    when(moves, () => {
      this.head_valid.set(word_valid.or(past));
      head.set(mux(word_valid, word, beat));
    });
    this.out.valid.set(this.head_valid);
    this.out.put(head);
    this.empty.set(anyOf([some, word_valid, this.head_valid]).not());

    if (order) {
      const { posted_arrived, posted_taken } = this;
      const begins = beat.first;
      connect(order, { put: stored, begins, write_address, read_address, fetch, posted_arrived, posted_taken });
    }
  }
}

/** Beside a `ClassBuffer`: whether a word may go, which the first word of a TLP must not while posted TLPs are ahead of it. */
class OrderGate extends Module<{ address_bits: number; packets: number; stamp_bits: number }> {
  /** A word is written, and is the first of its TLP. */
  readonly put = input(bool);
  readonly begins = input(bool);
  readonly write_address = input(uint(this.p.address_bits));
  readonly read_address = input(uint(this.p.address_bits));
  /** The word at `read_address` goes. */
  readonly fetch = input(bool);
  readonly posted_arrived = input(uint(this.p.stamp_bits));
  readonly posted_taken = input(uint(this.p.stamp_bits));
  /** The word that is read next may go. */
  readonly open = output(bool);
  /** The one that comes may, if nothing waits before it. */
  readonly passes = output(bool);

  private readonly first_words = memory(bool, { depth: 2 ** this.p.address_bits, style: 'distributed' });
  private readonly stamps = new ShowAheadFifo({ type: uint(this.p.stamp_bits), depth: Math.max(2, this.p.packets) });

  protected override logic() {
    const { put, begins, fetch, stamps, posted_arrived, posted_taken } = this;
    const first = this.first_words.peek(this.read_address);
    when(put, () => this.first_words.write(this.write_address, begins));
    stamps.in.valid.set(put.and(begins));
    stamps.in.put(posted_arrived);
    stamps.out.ready.set(fetch.and(first));
    this.open.set(first.and(mustWait(stamps.out.payload, posted_arrived, posted_taken)).not());
    this.passes.set(begins.and(posted_arrived.ne(posted_taken)).not());
  }
}
