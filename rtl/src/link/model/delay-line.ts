import { bool, clog2, type HType, input, Module, memory, output, reg, stream, uint, when } from '@hdl/ts-hdl';
import { afterCycles } from './after-cycles.ts';

/** Cycles that a `DelayLine` needs at least. */
export const leastDelay = 3;

/**
 * A stream that arrives later, in order: a word that moves in cycle t is offered in cycle t + `latency` (3 at least), a word per cycle. Where the other end
 * does not take them words wait, at most as many as can be on the way and 4 more; then `in.ready` falls. `clear` loses what is on the way, but not a word
 * that is offered already. `valid`, payload and `ready` come from registers. Reset empties it.
 */
export class DelayLine<T extends HType> extends Module<{ readonly type: T; readonly latency: number }> {
  readonly in = input(stream(this.p.type));
  readonly clear = input(bool);
  readonly out = output(stream(this.p.type));
  private readonly address_bits = clog2(this.p.latency + 4);
  private readonly words = memory(this.p.type, { depth: 2 ** this.address_bits, style: 'block' });
  /** One bit more than an address, so that full and empty differ. */
  private readonly write_pointer = reg(uint(this.address_bits + 1), { init: 0 });
  private readonly arrive_pointer = reg(uint(this.address_bits + 1), { init: 0 });
  private readonly read_pointer = reg(uint(this.address_bits + 1), { init: 0 });
  private readonly on_the_way = reg(uint(this.p.latency - 2), { init: 0 });
  private readonly word_valid = reg(bool, { init: 0 });

  protected override logic() {
    const { clear, write_pointer, arrive_pointer, read_pointer, word_valid } = this;
    const free = write_pointer.sub(read_pointer).ne(2 ** this.address_bits);
    this.in.ready.set(free);
    const put = this.in.valid.and(free);
    when(put, () => {
      this.words.write(write_pointer.trunc(this.address_bits), this.in.payload);
      write_pointer.set(write_pointer.add(1));
    });
    when(afterCycles(this.on_the_way, put), () => arrive_pointer.set(arrive_pointer.add(1)));

    const fetch = arrive_pointer.ne(read_pointer).and(clear.not()).and(word_valid.not().or(this.out.ready));
    const word = this.words.read(read_pointer.trunc(this.address_bits), fetch);
    when(fetch, () => {
      read_pointer.set(read_pointer.add(1));
      word_valid.set(1);
    }).elsewhen(this.out.ready, () => word_valid.set(0));
    this.out.valid.set(word_valid);
    this.out.put(word);

    when(clear, () => {
      write_pointer.set(0);
      arrive_pointer.set(0);
      read_pointer.set(0);
      this.on_the_way.set(0);
    });
  }
}
