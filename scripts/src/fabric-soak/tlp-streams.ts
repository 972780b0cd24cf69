import { TlpHeader, tlpBeat } from '@hdl/pcie-rtl';
import { allOf, anyOf, Bundle, bool, cat, equal, input, Module, mux, output, reg, stream, u, uint, when } from '@hdl/ts-hdl';
import { laneOf, nextKey } from './content.ts';

/** A TLP before it is beats: `Content` of content.ts. */
export class PlannedTlp extends Bundle({ header: TlpHeader, key: uint(32), dws: uint(10) }) {}

/** Makes beats of planned TLPs: a beat per cycle, no idle cycle between TLPs, 1 cycle of latency. */
export class TlpMaker extends Module<{ readonly width: number }> {
  readonly in = input(stream(PlannedTlp));
  readonly out = output(stream(tlpBeat(this.p.width)));
  private readonly busy = reg(bool, { init: 0 });
  private readonly first = reg(bool);
  private readonly tlp = reg(PlannedTlp);

  protected override logic() {
    const { busy, first, tlp } = this;
    const lanes = this.p.width / 32;
    const last = tlp.dws.le(lanes);
    const data = cat(...Array.from({ length: lanes }, (_, i) => laneOf(tlp.key, i)).toReversed()).as(this.p.width);
    this.out.valid.set(busy);
    this.out.put({ header: tlp.header, data, first, last });
    this.in.ready.set(busy.not().or(this.out.ready.and(last)));
    when(this.in.fire, () => {
      busy.set(1);
      first.set(1);
      tlp.set(this.in.payload);
    })
      .elsewhen(this.out.fire.and(last), () => busy.set(0))
      .elsewhen(this.out.fire, () => {
        first.set(0);
        tlp.key.set(nextKey(tlp.key));
        tlp.dws.set(tlp.dws.sub(lanes));
      });
  }
}

/**
 * Compares a TLP with what it ought to be, beat by beat, in the cycle in which it comes. `expected` counts in the first beat. Lanes beyond payload and digest mean
 * nothing.
 */
export class TlpChecker extends Module<{ readonly width: number }> {
  readonly beat = input(tlpBeat(this.p.width));
  /** The beat is taken. */
  readonly take = input(bool);
  readonly expected = input(PlannedTlp);
  /** The first beat: its header is another one. */
  readonly header_differs = output(bool);
  /** Data or digest differ, or the TLP has more or fewer beats. */
  readonly data_differs = output(bool);
  private readonly midway = reg(bool, { init: 0 });
  private readonly header = reg(TlpHeader);
  private readonly key = reg(uint(32));
  private readonly left = reg(uint(10));

  protected override logic() {
    const { beat, take, expected, midway } = this;
    const lanes = this.p.width / 32;
    const key = mux(beat.first, expected.key, this.key);
    const left = mux(beat.first, expected.dws, this.left);
    const header = mux(beat.first, expected.header, this.header);
    const wrong = Array.from({ length: lanes }, (_, i) => left.gt(i).and(beat.data.word(i, 32).ne(laneOf(key, i))));
    const ends = left.le(lanes);
    this.header_differs.set(allOf([take, equal(beat.header, header).not()]));
    this.data_differs.set(allOf([take, anyOf([...wrong, beat.last.ne(ends), beat.first.eq(midway)])]));
    when(take, () => {
      midway.set(beat.last.not());
      this.header.set(header);
      this.key.set(nextKey(key));
      this.left.set(mux(ends, u(10, 0), left.sub(lanes)));
    });
  }
}
