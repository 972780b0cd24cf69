import { clog2, HdlError, type HType, input, Module, memory, output, reg, stream, uint, when } from '@hdl/ts-hdl';

/**
 * A short first in, first out in LUT RAM. A word can leave 1 cycle after it came; a word per cycle in and out. `in.ready` and
 * `out.valid` depend on registers only, the payload on the RAM behind registers. Holds `depth` words. Reset empties it.
 */
export class Queue<T extends HType> extends Module<{
  readonly type: T;
  /** A power of two of at least 2. */
  readonly depth: number;
}> {
  readonly in = input(stream(this.p.type));
  readonly out = output(stream(this.p.type));
  private readonly words = memory(this.p.type, { depth: this.p.depth, style: 'distributed' });
  private readonly write_pointer = reg(uint(clog2(this.p.depth)), { init: 0 });
  private readonly read_pointer = reg(uint(clog2(this.p.depth)), { init: 0 });
  private readonly count = reg(uint(clog2(this.p.depth) + 1), { init: 0 });

  protected override logic() {
    const { depth } = this.p;
    if (depth < 2 || 2 ** clog2(depth) !== depth)
      throw new HdlError(`a Queue's depth is a power of two of at least 2, not ${depth}`);
    const put = this.in.fire;
    const take = this.out.fire;

    this.in.ready.set(this.count.ne(depth));
    when(put, () => {
      this.words.write(this.write_pointer, this.in.payload);
      this.write_pointer.set(this.write_pointer.add(1));
    });
    this.out.valid.set(this.count.any());
    this.out.put(this.words.peek(this.read_pointer));
    when(take, () => this.read_pointer.set(this.read_pointer.add(1)));
    when(put.and(take.not()), () => this.count.set(this.count.add(1))).elsewhen(take.and(put.not()), () =>
      this.count.set(this.count.sub(1)),
    );
  }
}
