import {
  allOf,
  anyOf,
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

/** A word of the target: byte i counts if bit i of `mask` is 1; `some` says that one does. */
export const realignedWord = (width: number, info: number): RealignedWordType =>
  class RealignedWord extends Bundle({
    data: uint(width),
    mask: uint(width / 8),
    some: bool,
    first: bool,
    last: bool,
    info: uint(info),
  }) {};
export type RealignedWordType = BundleType<{
  data: UIntType<number>;
  mask: UIntType<number>;
  some: typeof bool;
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
 * and bytes that were kept are lost.
 *
 * A task is taken before its words, when the one before has its last word, at the earliest 1 cycle before: what its words depend on stands in registers.
 * `out` comes from registers; `words.ready` and `task.ready` depend on `out.ready`. Reset forgets all.
 */
export class Realigner extends Module<{
  /** Bits of a word. */
  readonly width: number;
  /** Bits of `info`. */
  readonly info: number;
  /** `source` and `target` count as multiples of so many bytes, a power of two: 1 by default. More needs less logic. */
  readonly granule?: number;
}> {
  readonly task = input(stream(realignTask(this.p.width, this.p.info)));
  readonly words = input(stream(sourceWord(this.p.width)));
  readonly out = output(stream(realignedWord(this.p.width, this.p.info)));
  private readonly held = reg(uint(this.p.width));
  /** A task is under way, and what is the same for all of its words: it has no bytes; bytes go to where they come from; the last word takes from two. */
  private readonly busy = reg(bool, { init: 0 });
  private readonly empty = reg(bool);
  private readonly straight = reg(bool);
  private readonly last_takes_two = reg(bool);
  private readonly shift = reg(uint(byteBits(this.p.width)));
  /** Bit i is 1 for i < `shift`. */
  private readonly below_shift = reg(uint(this.p.width / 8));
  private readonly target = reg(uint(byteBits(this.p.width)));
  /** Bytes in the last word of the target, less 1. */
  private readonly tail = reg(uint(byteBits(this.p.width)));
  private readonly info = reg(uint(this.p.info));
  /** Words of the target to come behind the next one. */
  private readonly left = reg(uint(33 - byteBits(this.p.width)));
  /** The next word of the target: is the first one, the last one; takes a new word of the source, and nothing from the one before. */
  private readonly first = reg(bool);
  private readonly last = reg(bool);
  private readonly wants = reg(bool);
  private readonly fresh = reg(bool);
  /** A word of the source has to be held before the first word of the target. */
  private readonly preload = reg(bool);
  private readonly word_valid = reg(bool, { init: 0 });
  private readonly word = reg(realignedWord(this.p.width, this.p.info));

  protected override logic() {
    const size = this.p.width / 8;
    const { busy, wants, preload, words } = this;
    const advance = this.word_valid.not().or(this.out.ready);
    const step = busy.and(advance).and(words.valid.or(wants.not()));
    const cut = wants.and(words.payload.cut);
    const over = cut.or(this.last.and(preload.not()));

    words.ready.set(busy.and(advance).and(wants));
    this.task.ready.set(busy.not().or(step.and(over)));
    this.out.valid.set(this.word_valid);
    this.out.put(this.word);
    when(advance, () => this.word_valid.set(step.and(preload.not().or(cut))));
    when(step, () => {
      const some = cut.or(this.empty).not();
      const low = mux(this.first, belowMask(this.target, size), 0);
      const high = mux(this.last, upToMask(this.tail, size), u(size, -1n & ((1n << BigInt(size)) - 1n)));
      this.word.set({
        data: this.rotated(),
        mask: mux(some, high.and(low.not()), 0),
        some,
        first: this.first,
        last: over,
        info: this.info,
      });
      this.continue();
    });
    when(step.and(wants), () => this.held.set(words.payload.data));
    when(step.and(over), () => busy.set(0));
    when(this.task.fire, () => this.begin());
  }

  /** What is known of the next word when one has gone. */
  private continue(): void {
    const { left, straight, preload } = this;
    preload.set(0);
    this.fresh.set(straight);
    when(preload.not(), () => {
      const last = left.eq(1);
      this.first.set(0);
      this.left.set(left.sub(1));
      this.last.set(last);
      this.wants.set(straight.or(last.not()).or(this.last_takes_two));
    });
  }

  private begin(): void {
    const bits = byteBits(this.p.width);
    const { bytes, fresh, info } = this.task.payload;
    const source = this.coarse(this.task.payload.source);
    const target = this.coarse(this.task.payload.target);
    const shift = source.sub(target);
    const empty = bytes.any().not();
    // From the start of the first target word to the last byte.
    const end = bytes.zext(33).add(target.zext(33)).sub(1);
    const left = end.shr(bits).trunc(33 - bits);
    const tail = end.trunc(bits);
    // One word: seen from the low bits of the sum and the high ones of `bytes`, which need not be waited for.
    const single = bytes
      .shr(bits + 1)
      .any()
      .or(end.part(bits, 2).any())
      .not()
      .or(empty);
    const straight = shift.any().not();
    const last_takes_two = tail.addx(shift).bit(bits);
    const two_words = anyOf([straight, single.not(), last_takes_two]);
    const behind = fresh.and(source.gt(target));
    this.busy.set(1);
    this.empty.set(empty);
    this.straight.set(straight);
    this.last_takes_two.set(last_takes_two);
    this.shift.set(shift);
    this.below_shift.set(belowMask(shift, this.p.width / 8));
    this.target.set(target);
    this.tail.set(tail);
    this.info.set(info);
    this.left.set(left);
    this.first.set(1);
    this.last.set(single);
    this.wants.set(empty.not().and(two_words.or(behind)));
    this.fresh.set(straight.or(behind.and(two_words.not())));
    this.preload.set(allOf([behind, two_words, empty.not()]));
  }

  private coarse(position: UInt<number>): UInt<number> {
    const { granule = 1 } = this.p;
    return position.and(u(position.width, (2 ** position.width - granule) & (2 ** position.width - 1)));
  }

  /** Bytes from `shift` upward are the held word's unless `fresh`, those below the incoming word's; then byte `shift` goes to byte 0. */
  private rotated(): UInt<number> {
    const size = this.p.width / 8;
    const { shift, fresh } = this;
    const kept = this.held.words(8);
    let bytes: readonly UInt<8>[] = this.words.payload.data
      .words(8)
      .map((come, k) => mux(fresh.or(this.below_shift.bit(k)), come, at(kept, k)));
    for (let bit = 0; 1 << bit < size; bit++) {
      const before = bytes;
      bytes = before.map((byte, j) => mux(shift.bit(bit), at(before, (j + (1 << bit)) % size), byte));
    }
    return cat(...bytes.toReversed());
  }
}

/** Bit i is 1 for i <= `number`. */
const upToMask = (number: UInt<number>, size: number): UInt<number> =>
  cat(...Array.from({ length: size }, (_, i) => number.ge(i)).toReversed());

/** Bit i is 1 for i < `number`. */
const belowMask = (number: UInt<number>, size: number): UInt<number> =>
  cat(...Array.from({ length: size }, (_, i) => number.gt(i)).toReversed());
