import { bool, cat, HdlError, input, Module, mux, output, reg, stream, type UInt, u, uint, when } from '@hdl/ts-hdl';
import { descriptorBytes } from './descriptor.ts';

const bits = 8 * descriptorBytes;

/**
 * Makes descriptors of words: `count` of them, packed without gaps, from each run of words. A descriptor is offered in the cycle in which its last word
 * is; a word of 512 bits gives two, one per cycle. `words.ready` depends on `out.ready`. With `flush` words are dropped and it begins anew. Reset
 * forgets what came.
 */
export class DescriptorUnpacker extends Module<{ readonly width: number }> {
  readonly words = input(stream(uint(this.p.width)));
  readonly count = input(uint(4));
  readonly out = output(stream(uint(bits)));
  /** The last descriptor of the run moves. */
  readonly over = output(bool);
  readonly flush = input(bool);
  /** Descriptors of the run that moved. */
  private readonly done = reg(uint(4), { init: 0 });
  /** Part of the descriptor, or of the word, that comes next; and the parts that came. */
  private readonly part = reg(uint(2), { init: 0 });
  private readonly parts = reg(uint(Math.max(bits - this.p.width, 1)));

  protected override logic() {
    const { width } = this.p;
    if (![64, 128, 256, 512].includes(width)) throw new HdlError(`a TLP stream has 64, 128, 256 or 512 data bits, not ${width}`);
    const final = this.done.add(1).eq(this.count);
    const word = this.words.payload;
    const last_part = width < bits ? this.part.eq(bits / width - 1) : undefined;
    const whole = last_part ?? u(1, 1);
    const word_ends = width > bits ? this.part.any().or(final) : undefined;
    this.out.valid.set(this.words.valid.and(whole).and(this.flush.not()));
    this.out.put(this.assembled(word));
    const takes = mux(whole, word_ends ? word_ends.and(this.out.ready) : this.out.ready, whole.not());
    this.words.ready.set(this.flush.or(takes));
    this.over.set(this.out.fire.and(final));
    when(this.flush, () => {
      this.done.set(0);
      this.part.set(0);
    }).otherwise(() => {
      when(this.out.fire, () => this.done.set(mux(final, u(4, 0), this.done.add(1))));
      if (width < bits) {
        when(this.words.fire, () => {
          this.part.set(mux(whole, u(2, 0), this.part.add(1)));
          this.parts.set(cat(word, this.parts).part(width, bits - width));
        });
      } else if (width > bits) {
        when(this.out.fire, () => this.part.set(mux(word_ends ?? whole, u(2, 0), this.part.add(1))));
      }
    });
  }

  private assembled(word: UInt<number>): UInt<number> {
    const { width } = this.p;
    if (width === bits) return word;
    return width < bits ? cat(word, this.parts) : mux(this.part.bit(0), word.part(bits, bits), word.part(0, bits));
  }
}
