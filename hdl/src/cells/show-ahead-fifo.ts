import { memory } from '../lang/memory.ts';
import { input, Module, output, reg } from '../lang/module.ts';
import { stream, uint } from '../lang/shapes.ts';
import { when } from '../lang/statements.ts';
import type { HType } from '../lang/values.ts';
import { clog2 } from '../lang/widths.ts';
import type { Contract } from './contract.ts';
import { atLeast } from './parameters.ts';
import { successor } from './wrap.ts';

/**
 * First in, first out, in LUT RAM or registers, of any depth from 2. A word can leave in the cycle after it came; one word per cycle in and out,
 * also where the FIFO is full or almost empty. `valid` and `ready` depend on registers only. Reset empties it.
 */
export class ShowAheadFifo<T extends HType> extends Module<{ type: T; depth: number }> {
  static readonly contract: Contract = {
    purpose: 'Small FIFO of any depth: the next word stands at the output',
    latency: 1,
    throughput: 1,
    storage: 'depth',
    paths: [],
    reset: 'empties it',
    keeps: ['words'],
  };
  private readonly depth = atLeast(this, 2, 'the depth', this.p.depth);
  readonly in = input(stream(this.p.type));
  readonly out = output(stream(this.p.type));
  /** Words inside. */
  readonly count = output(uint(clog2(this.depth + 1)));
  /** LUT RAM comes in powers of two: with as many words no address lies beyond it. */
  private readonly words = memory(this.p.type, { depth: 2 ** clog2(this.depth), style: 'distributed' });
  private readonly write_address = reg(uint(clog2(this.depth)), { init: 0 });
  private readonly read_address = reg(uint(clog2(this.depth)), { init: 0 });
  private readonly used = reg(uint(clog2(this.depth + 1)), { init: 0 });

  protected override logic() {
    const { depth } = this;
    const push = this.in.fire;
    const pop = this.out.fire;
    this.in.ready.set(this.used.ne(depth));
    this.out.valid.set(this.used.any());
    this.out.put(this.words.peek(this.read_address));
    this.count.set(this.used);
    when(push, () => {
      this.words.write(this.write_address, this.in.payload);
      this.write_address.set(successor(this.write_address, depth));
    });
    when(pop, () => this.read_address.set(successor(this.read_address, depth)));
    when(push.and(pop.not()), () => this.used.set(this.used.add(1))).elsewhen(pop.and(push.not()), () =>
      this.used.set(this.used.sub(1)),
    );
  }
}
