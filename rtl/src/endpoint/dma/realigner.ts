import {
  Bundle,
  type BundleType,
  bool,
  cat,
  input,
  Module,
  mux,
  output,
  reg,
  stream,
  type UInt,
  type UIntType,
  u,
  uint,
  when,
} from '@hdl/ts-hdl';
import { at } from '../../at.ts';

/** Bits of a byte number in a word. */
export const byteBits = (width: number): number => Math.log2(width / 8);

/** A run of bytes that a `Realigner` shifts from its place in the source's words to its place in the target's. `info` bits come out beside it. */
export const realignTask = (width: number, info: number): RealignTaskType =>
  class RealignTask extends Bundle({
    /** Byte of its word at which the run begins in the source, and in the target. */
    source: uint(byteBits(width)),
    target: uint(byteBits(width)),
    /** 0: one word without bytes comes out, none goes in. */
    bytes: uint(32),
    /** The source's first word is a new one; else the run begins right behind the previous one, and `target` is 0. */
    fresh: bool,
    info: uint(info),
  }) {};
export type RealignTaskType = BundleType<{
  source: UIntType<number>;
  target: UIntType<number>;
  bytes: UIntType<32>;
  fresh: typeof bool;
  info: UIntType<number>;
}>;

/** A word of the source; or, `cut`, the news that no more words of this task come. */
export const sourceWord = (width: number): SourceWordType => class SourceWord extends Bundle({ data: uint(width), cut: bool }) {};
export type SourceWordType = BundleType<{ data: UIntType<number>; cut: typeof bool }>;

/** A word of the target: byte i counts if bit i of `mask` is 1. */
export const realignedWord = (width: number, info: number): RealignedWordType =>
  class RealignedWord extends Bundle({ data: uint(width), mask: uint(width / 8), first: bool, last: bool, info: uint(info) }) {};
export type RealignedWordType = BundleType<{
  data: UIntType<number>;
  mask: UIntType<number>;
  first: typeof bool;
  last: typeof bool;
  info: UIntType<number>;
}>;

/**
 * Shifts runs of bytes to another alignment: the bytes that begin at byte `source` of a word come out from byte `target` of a word on. A word of
 * the target is made of two of the source at most, the one kept from before and the one that comes:
 *
 *     words ─┬───────────► choice ─► rotation by source - target ─► out
 *            └─► held ───►  per byte
 *
 * A word per cycle, 1 cycle from `words` to `out`; no idle cycle between tasks but one where the first word of a task takes from two new words of the
 * source, which then has one word more than the target. Of the target's bytes outside the run nothing is said. A task takes just the words in which
 * it has bytes; the word in which it ends is kept for a task that continues in it. A `cut` word ends the task: a last word without bytes comes out,
 * and bytes that were kept are lost. `out` comes from registers; `words.ready` and `task.ready` depend on `out.ready`. Reset forgets all.
 */
export class Realigner extends Module<{
  /** Bits of a word. */
  readonly width: number;
  /** Bits of `info`. */
  readonly info: number;
}> {
  readonly task = input(stream(realignTask(this.p.width, this.p.info)));
  readonly words = input(stream(sourceWord(this.p.width)));
  readonly out = output(stream(realignedWord(this.p.width, this.p.info)));
  private readonly held = reg(uint(this.p.width));
  /** The task's first word is in `held`; words of the task have left. */
  private readonly loaded = reg(bool, { init: 0 });
  private readonly begun = reg(bool, { init: 0 });
  /** Bytes from the start of the next target word to the task's end. */
  private readonly left = reg(uint(33));
  private readonly word_valid = reg(bool, { init: 0 });
  private readonly word = reg(realignedWord(this.p.width, this.p.info));

  protected override logic() {
    const bits = byteBits(this.p.width);
    const size = this.p.width / 8;
    const { source, target, bytes, fresh, info } = this.task.payload;
    const shift = source.sub(target);
    const rest = mux(this.begun, this.left, bytes.zext(33).add(target.zext(33)));
    const final = rest.le(size);
    const tail = rest.trunc(bits + 1);
    const straight = shift.any().not();
    const two_words = straight.or(final.not()).or(
      tail
        .zext(bits + 2)
        .add(shift.zext(bits + 2))
        .gt(size),
    );
    const starting = fresh.and(source.gt(target)).and(this.begun.or(this.loaded).not());
    const preload = starting.and(two_words);
    const wants = bytes.any().and(two_words.or(starting));
    const advance = this.word_valid.not().or(this.out.ready);
    const step = this.task.valid.and(advance).and(this.words.valid.or(wants.not()));
    const cut = wants.and(this.words.payload.cut);
    const over = cut.or(final.and(preload.not()));

    this.words.ready.set(this.task.valid.and(advance).and(wants));
    this.task.ready.set(step.and(over));
    this.out.valid.set(this.word_valid);
    this.out.put(this.word);
    when(advance, () => this.word_valid.set(step.and(preload.not().or(cut))));
    when(step, () => {
      const low = mux(this.begun, u(size, 0), belowMask(target, size));
      const high = mux(final, belowMask(tail, size), u(size, -1n & ((1n << BigInt(size)) - 1n)));
      const empty = cut.or(bytes.any().not());
      this.word.set({
        data: this.rotated(shift, starting.or(straight)),
        mask: mux(empty, u(size, 0), high.and(low.not())),
        first: this.begun.not(),
        last: over,
        info,
      });
      when(wants, () => this.held.set(this.words.payload.data));
      this.loaded.set(over.not().and(this.loaded.or(preload)));
      when(preload.not(), () => {
        this.begun.set(over.not());
        this.left.set(rest.sub(size));
      });
      when(over, () => this.begun.set(0));
    });
  }

  /** Bytes from `shift` upward are the held word's unless `incoming`, those below the incoming word's; then byte `shift` goes to byte 0. */
  private rotated(shift: UInt<number>, incoming: UInt<1>): UInt<number> {
    const size = this.p.width / 8;
    const kept = this.held.words(8);
    const upper = belowMask(shift, size).or(mux(incoming, u(size, (1n << BigInt(size)) - 1n), 0));
    let bytes: readonly UInt<8>[] = this.words.payload.data.words(8).map((fresh, k) => mux(upper.bit(k), fresh, at(kept, k)));
    for (let bit = 0; 1 << bit < size; bit++) {
      const before = bytes;
      bytes = before.map((byte, j) => mux(shift.bit(bit), at(before, (j + (1 << bit)) % size), byte));
    }
    return cat(...bytes.toReversed());
  }
}

/** Bit i is 1 for i < `number`. */
function belowMask(number: UInt<number>, size: number): UInt<number> {
  return u(size + 1, 1)
    .shl(number)
    .sub(1)
    .trunc(size);
}
