import { anyOf, bool, clog2, input, Module, memory, mux, output, reg, u, uint, when } from '@hdl/ts-hdl';
import { bitWords } from './bit-words.ts';

/** Bits of a moderation interval, in cycles. */
export const intervalBits = 24;
/** Bits of the clock that deadlines are told by: a deadline must have been seen before it looks like a future one. */
const timeBits = intervalBits + 2;

/**
 * Minimum intervals for `count` things (interrupt vectors): after `start` a thing is `resting` for as many cycles as its interval says, and up to
 * 2 × `count` + 4 more, `count` rounded up to a power of two: while anything rests a sweep looks at one thing per cycle, and misses one where a bit is set at the
 * same time.
 * `resting` shows a word of the bits in the same cycle; a thing rests from 3 cycles after `start` on, and `busy` is 1 until then. `start` may come again when
 * `busy` is 0.
 *
 * `clear` makes one thing rest no more and its interval 0. After a reset the user does that for all things, for reset leaves the memories alone.
 */
export class Moderation extends Module<{ count: number }> {
  private readonly layout = bitWords(this.p.count);
  private readonly bits = clog2(this.p.count);
  readonly set_interval = input(bool);
  readonly set_thing = input(uint(this.bits));
  readonly interval = input(uint(intervalBits));
  readonly start = input(bool);
  readonly start_thing = input(uint(this.bits));
  readonly busy = output(bool);
  readonly clear = input(bool);
  readonly clear_thing = input(uint(this.bits));
  readonly word = input(uint(clog2(this.layout.words)));
  readonly resting = output(uint(this.layout.width));

  private readonly intervals = memory(uint(intervalBits), { depth: 2 ** this.bits });
  private readonly deadlines = memory(uint(timeBits), { depth: 2 ** this.bits });
  private readonly rests = memory(uint(this.layout.width), { depth: this.layout.words, style: 'distributed' });
  private readonly now = reg(uint(timeBits), { init: 0 });
  /** The interval is read; the deadline is written; the bit is set. */
  private readonly computing = reg(bool, { init: 0 });
  private readonly marking = reg(bool, { init: 0 });
  private readonly thing = reg(uint(this.bits));
  private readonly sweep = reg(uint(this.bits), { init: 0 });
  private readonly swept = reg(uint(this.bits));
  /** Steps of the sweep until it has seen everything since the last time that something rested; it stands still after that. */
  private readonly steps = reg(uint(this.bits + 1), { init: 0 });

  protected override logic() {
    const { layout, now, computing, marking } = this;
    now.set(now.add(1));
    this.busy.set(computing.or(marking));
    when(this.set_interval.or(this.clear), () => {
      this.intervals.write(mux(this.clear, this.clear_thing, this.set_thing), mux(this.clear, u(intervalBits, 0), this.interval));
    });
    const interval = this.intervals.read(this.start_thing, this.start);
    when(this.start, () => this.thing.set(this.start_thing));
    computing.set(this.start);
    when(computing, () => this.deadlines.write(this.thing, now.add(interval.zext(timeBits))));
    // The sweep may have read the old deadline in the cycle in which the new one was written: the bit is set after that.
    marking.set(computing.and(interval.any()));

    const deadline = this.deadlines.read(this.sweep);
    this.swept.set(this.sweep);
    const sweeps = this.steps.any();
    when(sweeps, () => this.sweep.set(this.sweep.add(1)));
    const expired = now
      .sub(deadline)
      .bit(timeBits - 1)
      .not()
      .and(sweeps);
    const thing = mux(this.clear, this.clear_thing, mux(marking, this.thing, this.swept));
    const word = layout.word(thing);
    const others = this.rests.peek(word).and(layout.place(thing).not());
    const rests = marking.and(this.clear.not());
    const waits = this.rests.peek(word).and(layout.place(thing)).any().and(expired.not());
    when(rests.or(sweeps.and(waits)), () => this.steps.set(2 ** this.bits + 1)).elsewhen(sweeps, () =>
      this.steps.set(this.steps.sub(1)),
    );
    when(anyOf([this.clear, marking, expired]), () => {
      this.rests.write(word, mux(rests, others.or(layout.place(thing)), others));
    });
    this.resting.set(this.rests.peek(this.word));
  }
}
