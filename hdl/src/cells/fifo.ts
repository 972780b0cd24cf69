import { memory } from '../lang/memory.ts';
import { input, Module, output, reg } from '../lang/module.ts';
import { bool, stream, uint } from '../lang/shapes.ts';
import { when } from '../lang/statements.ts';
import type { HType } from '../lang/values.ts';
import type { Contract } from './contract.ts';
import { addressWidth } from './parameters.ts';

/**
 * First in, first out, in block RAM. A word can leave 2 cycles after it came; one word per cycle in and out. `in.ready` depends on
 * registers only; no path from `out.ready` to `in.ready` or `out.valid`. Holds `depth` words in the memory and one at its output. Reset empties it.
 */
export class Fifo<T extends HType> extends Module<{ type: T; depth: number; style?: 'block' | 'distributed' }> {
  static readonly contract: Contract = {
    purpose: 'FIFO in block RAM, of a power of two of words',
    latency: 2,
    throughput: 1,
    storage: 'depth + 1',
    paths: [],
    reset: 'empties it',
    keeps: ['words'],
  };
  private readonly width = addressWidth(this, this.p.depth);
  readonly in = input(stream(this.p.type));
  readonly out = output(stream(this.p.type));
  private readonly words = memory(this.p.type, { depth: this.p.depth, style: this.p.style ?? 'block', collisions: 'never' });
  /** One bit more than an address, so that full and empty differ. */
  private readonly write_pointer = reg(uint(this.width + 1), { init: 0 });
  private readonly read_pointer = reg(uint(this.width + 1), { init: 0 });
  private readonly full = reg(bool, { init: 0 });
  private readonly word_valid = reg(bool, { init: 0 });

  protected override logic() {
    const { width } = this;
    const { depth } = this.p;
    const write = this.in.valid.and(this.full.not());
    const fetch = this.write_pointer.ne(this.read_pointer).and(this.word_valid.not().or(this.out.ready));

    this.in.ready.set(this.full.not());
    when(write, () => {
      this.words.write(this.write_pointer.trunc(width), this.in.payload);
      this.write_pointer.set(this.write_pointer.add(1));
    });
    const word = this.words.read(this.read_pointer.trunc(width), fetch);
    when(fetch, () => {
      this.read_pointer.set(this.read_pointer.add(1));
      this.word_valid.set(1);
    }).elsewhen(this.out.ready, () => this.word_valid.set(0));

    const used = this.write_pointer.sub(this.read_pointer);
    when(write.and(fetch.not()), () => this.full.set(used.eq(depth - 1))).elsewhen(fetch.and(write.not()), () =>
      this.full.set(0),
    );
    this.out.valid.set(this.word_valid);
    this.out.put(word);
  }
}
