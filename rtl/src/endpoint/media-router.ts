import { bool, input, Module, mux, output, stream, uint, when } from '@hdl/ts-hdl';

/**
 * Joins the endpoint's media streams to its engines: words that come in go to the write DMA while it works from media, else to
 * `to_fill`; words go out from the read DMA while it works to media, else from `from_drain`. Combinational (0 cycles) in both
 * directions; the endpoint registers `media_in` and `media_out`. The firmware runs one engine per direction at a time.
 */
export class MediaRouter extends Module<{ width: number }> {
  readonly media_in = input(stream(uint(this.p.width)));
  readonly media_out = output(stream(uint(this.p.width)));
  /** The write DMA takes media. */
  readonly write_active = input(bool);
  readonly to_write = output(stream(uint(this.p.width)));
  readonly to_fill = output(stream(uint(this.p.width)));
  /** The read DMA gives media. */
  readonly read_active = input(bool);
  readonly from_read = input(stream(uint(this.p.width)));
  readonly from_drain = input(stream(uint(this.p.width)));

  protected override logic() {
    this.to_write.valid.set(this.media_in.valid.and(this.write_active));
    this.to_write.put(this.media_in.payload);
    this.to_fill.valid.set(this.media_in.valid.and(this.write_active.not()));
    this.to_fill.put(this.media_in.payload);
    this.media_in.ready.set(mux(this.write_active, this.to_write.ready, this.to_fill.ready));

    this.media_out.valid.set(mux(this.read_active, this.from_read.valid, this.from_drain.valid));
    this.media_out.put(this.from_drain.payload);
    when(this.read_active, () => this.media_out.put(this.from_read.payload));
    this.from_read.ready.set(this.read_active.and(this.media_out.ready));
    this.from_drain.ready.set(this.read_active.not().and(this.media_out.ready));
  }
}
