import { bool, connect, Fifo, input, Module, output, reg, stream, uint, when, wire } from '@hdl/ts-hdl';

/**
 * Holds media words until a whole request's worth is there, so that a source that stalls never stops a TLP in its middle: block RAM of `depth` words.
 * `enough` says whether at least `wanted` words are inside that `out` can give without a gap. 2 cycles from `in` to `out`, a word per cycle. Reset
 * empties it.
 */
export class MediaBuffer extends Module<{
  readonly width: number;
  /** Words: a power of two. */
  readonly depth: number;
}> {
  readonly in = input(stream(uint(this.p.width)));
  readonly out = output(stream(uint(this.p.width)));
  readonly wanted = input(uint(10));
  readonly enough = output(bool);
  private readonly fifo = new Fifo({ type: uint(this.p.width), depth: this.p.depth });
  private readonly words = wire(stream(uint(this.p.width)));
  private readonly count = reg(uint(11), { init: 0 });

  protected override logic() {
    connect(this.fifo, { in: this.words });
    this.words.valid.set(this.in.valid);
    this.words.put(this.in.payload);
    this.in.ready.set(this.words.ready);
    this.out.from(this.fifo.out);
    this.enough.set(this.out.valid.and(this.count.ge(this.wanted.zext(11))));
    const put = this.in.fire;
    const take = this.out.fire;
    when(put.and(take.not()), () => this.count.set(this.count.add(1))).elsewhen(take.and(put.not()), () =>
      this.count.set(this.count.sub(1)),
    );
  }
}
