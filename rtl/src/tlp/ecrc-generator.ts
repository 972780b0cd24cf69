import { bool, cat, clog2, input, Module, mux, output, RegisterSlice, reg, stream, u, when } from '@hdl/ts-hdl';
import { EcrcPipeline, lastCount } from './ecrc-pipeline.ts';
import { tlpBeat } from './tlp.ts';

/**
 * Adds the digest to TLPs (2.7.1, rule C71c): sets `td` and appends the ECRC as one more DW, for which a TLP whose last beat is full gets one more beat. A TLP
 * that has a digest already, and any while `enable` is 0 at its first beat, passes as it is.
 *
 *     in ─► EcrcPipeline ─► digest into its lane, or a beat of its own ─► RegisterSlice ─► out
 *
 * 4 cycles, 5 from a width of 256 bits on; a beat per cycle, no idle cycle between TLPs. All outputs and `in.ready` depend on registers only. Reset empties it.
 */
export class EcrcGenerator extends Module<{ width: number }> {
  readonly in = input(stream(tlpBeat(this.p.width)));
  /** With the first beat of a TLP: it gets a digest. */
  readonly enable = input(bool);
  readonly out = output(stream(tlpBeat(this.p.width)));
  private readonly pipeline = new EcrcPipeline({ width: this.p.width });
  private readonly slice = new RegisterSlice({ type: tlpBeat(this.p.width) });
  /** The TLP under way gets a digest. */
  private readonly adding = reg(bool, { init: 0 });
  /** The last beat has left; its digest is next. */
  private readonly digest_next = reg(bool, { init: 0 });

  protected override logic() {
    this.enter();
    this.leave();
    this.out.from(this.slice.out);
  }

  private enter(): void {
    const { pipeline } = this;
    const { header, data, first, last } = this.in.payload;
    const lanes = this.p.width / 32;
    const adds = mux(first, this.enable.and(header.td.not()), this.adding);
    when(this.in.fire, () => this.adding.set(adds));
    this.in.ready.set(pipeline.in.ready);
    pipeline.in.valid.set(this.in.valid);
    pipeline.in.put({
      beat: { header: { ...header, td: header.td.or(adds) }, data, first, last },
      count: mux(last, lastCount(header, u(1, 0), lanes), u(clog2(lanes + 1), lanes)),
      mark: adds,
    });
  }

  private leave(): void {
    const { pipeline, slice, digest_next } = this;
    const { width } = this.p;
    const lanes = width / 32;
    const { valid, payload } = pipeline.out;
    const { beat, count, mark, register } = payload;
    const digest = register.not();
    const ends = beat.last.and(mark);
    const full = ends.and(count.eq(lanes));
    const words = beat.data.words(32).map((word, i) => {
      const here = ends.and(count.eq(i));
      return mux(i === 0 ? here.or(digest_next) : here, digest, word);
    });
    slice.in.valid.set(valid);
    slice.in.put({
      header: beat.header,
      data: cat(...words.toReversed()).as(width),
      first: beat.first.and(digest_next.not()),
      last: beat.last.and(full.not().or(digest_next)),
    });
    pipeline.out.ready.set(slice.in.ready.and(full.not().or(digest_next)));
    when(slice.in.ready.and(valid), () => digest_next.set(full.and(digest_next.not())));
  }
}
