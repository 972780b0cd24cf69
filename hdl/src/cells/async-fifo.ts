import { clockDomain, inDomain } from '../lang/domain.ts';
import { memory } from '../lang/memory.ts';
import { connect, input, Module, output, reg } from '../lang/module.ts';
import { fromGray, toGray } from '../lang/one-hot.ts';
import { bool, stream, uint } from '../lang/shapes.ts';
import { when } from '../lang/statements.ts';
import type { HType } from '../lang/values.ts';
import type { Contract } from './contract.ts';
import { addressWidth } from './parameters.ts';
import { Synchroniser } from './synchronisers.ts';

/**
 * First in, first out, from the clock domain `from` to `to`, in block RAM of a power of two of words: the pointers cross in Gray code, so that what
 * the other side sees is one that was. One word per cycle of the slower side where `depth` covers the way there and back (8 words for 2 stages).
 * `valid` and `ready` depend on registers only. Both domains are reset together, which empties it.
 */
export class AsyncFifo<T extends HType> extends Module<{ type: T; depth: number; stages?: number }> {
  static readonly contract: Contract = {
    purpose: 'FIFO from one clock domain to another',
    latency: 'stages + 2',
    throughput: 1,
    storage: 'depth + 1',
    paths: [],
    reset: 'empties it; both domains together',
    keeps: ['words'],
  };
  private readonly width = addressWidth(this, this.p.depth);
  readonly from = clockDomain();
  readonly to = clockDomain({ default: true });
  readonly in = input(stream(this.p.type), { domain: this.from });
  readonly out = output(stream(this.p.type));
  private readonly words = memory(this.p.type, { depth: this.p.depth, style: 'block' });
  /** One bit more than an address, so that full and empty differ. */
  private readonly write_pointer = reg(uint(this.width + 1), { init: 0, domain: this.from });
  /** The same in Gray code, from a register: between two edges it does not change. */
  private readonly write_gray = reg(uint(this.width + 1), { init: 0, domain: this.from });
  private readonly written = new Synchroniser({ width: this.width + 1, stages: this.p.stages ?? 2 });
  private readonly read_pointer = reg(uint(this.width + 1), { init: 0 });
  private readonly read_gray = reg(uint(this.width + 1), { init: 0 });
  private readonly freed = inDomain(this.from, () => new Synchroniser({ width: this.width + 1, stages: this.p.stages ?? 2 }));
  private readonly word_valid = reg(bool, { init: 0 });

  protected override logic() {
    const { width } = this;
    const { depth } = this.p;
    connect(this.written, { in: this.write_gray });
    connect(this.freed, { in: this.read_gray });

    const freed_pointer = fromGray(this.freed.out);
    const used = this.write_pointer.sub(freed_pointer);
    this.in.ready.set(used.ne(depth));
    when(this.in.fire, () => {
      const next = this.write_pointer.add(1);
      inDomain(this.from, () => this.words.write(this.write_pointer.trunc(width), this.in.payload));
      this.write_pointer.set(next);
      this.write_gray.set(toGray(next));
    });

    const waiting = this.written.out.ne(this.read_gray);
    const fetch = waiting.and(this.word_valid.not().or(this.out.ready));
    // A word stays in the memory until its place is freed, which is after it was read.
    const word = this.words.read(this.read_pointer.trunc(width), fetch, { crossing: true });
    when(fetch, () => {
      const next = this.read_pointer.add(1);
      this.read_pointer.set(next);
      this.read_gray.set(toGray(next));
      this.word_valid.set(1);
    }).elsewhen(this.out.ready, () => this.word_valid.set(0));
    this.out.valid.set(this.word_valid);
    this.out.put(word);
  }
}
