import {
  Bundle,
  type BundleType,
  bool,
  clog2,
  input,
  Module,
  mux,
  output,
  RegisterSlice,
  reg,
  stream,
  type UIntType,
  u,
  uint,
  when,
} from '@hdl/ts-hdl';
import { residue } from './ecrc.ts';
import { EcrcPipeline, lastCount } from './ecrc-pipeline.ts';
import { TlpHeader, tlpBeat } from './tlp.ts';

/** A beat with the verdict. */
export function checkedBeat(width: number): CheckedBeatType {
  const known = types.get(width);
  if (known) return known;
  const type = class CheckedBeat extends Bundle({
    header: TlpHeader,
    data: uint(width),
    first: bool,
    last: bool,
    /** In the last beat of a TLP: its digest was wrong. Else 0. */
    ecrc_error: bool,
  }) {};
  types.set(width, type);
  return type;
}
export type CheckedBeatType = BundleType<{
  header: typeof TlpHeader;
  data: UIntType<number>;
  first: typeof bool;
  last: typeof bool;
  ecrc_error: typeof bool;
}>;
const types = new Map<number, CheckedBeatType>();

/**
 * Checks the digest of TLPs and takes it away (2.7.1, rule C71c): `td` becomes 0, the digest DW goes, and with the last beat comes the verdict. A TLP without a
 * digest, and any while `enable` is 0 at its first beat, passes as it is.
 *
 *     in ─► EcrcPipeline ─► held beat: becomes the last one if only the digest follows ─► RegisterSlice ─► out
 *
 * 5 cycles, 6 from a width of 256 bits on, from first beat to first beat; a beat per cycle, no idle cycle between TLPs: the beat of a digest that stands alone
 * behind payload is used up. Where the beats of a TLP come with pauses, each but the last leaves only when the next is known. A wrong TLP leaves too, as its
 * first beats may be gone: the consumer decides by the verdict. All outputs and `in.ready` depend on registers only. Reset empties it.
 */
export class EcrcChecker extends Module<{ width: number }> {
  readonly in = input(stream(tlpBeat(this.p.width)));
  /** With the first beat of a TLP: its digest is checked and taken away. */
  readonly enable = input(bool);
  readonly out = output(stream(checkedBeat(this.p.width)));
  private readonly pipeline = new EcrcPipeline({ width: this.p.width });
  private readonly slice = new RegisterSlice({ type: checkedBeat(this.p.width) });
  /** The TLP under way is checked. */
  private readonly checking = reg(bool, { init: 0 });
  private readonly held_valid = reg(bool, { init: 0 });
  private readonly held = reg(checkedBeat(this.p.width));
  /** The held beat may be followed by a digest alone. */
  private readonly held_waits = reg(bool);

  protected override logic() {
    this.enter();
    this.leave();
    this.out.from(this.slice.out);
  }

  private enter(): void {
    const { pipeline } = this;
    const { header, first, last } = this.in.payload;
    const lanes = this.p.width / 32;
    const checks = mux(first, this.enable.and(header.td), this.checking);
    when(this.in.fire, () => this.checking.set(checks));
    this.in.ready.set(pipeline.in.ready);
    pipeline.in.valid.set(this.in.valid);
    pipeline.in.put({
      beat: this.in.payload,
      count: mux(last, lastCount(header, checks, lanes), u(clog2(lanes + 1), lanes)),
      mark: checks,
    });
  }

  private leave(): void {
    const { pipeline, slice, held, held_valid, held_waits } = this;
    const { valid, payload } = pipeline.out;
    const { beat, count, mark, register } = payload;
    const { header, data, first, last } = beat;
    const wrong = mark.and(last).and(register.ne(residue));
    const alone = mark.and(last).and(first.not()).and(count.eq(1));
    const joins = valid.and(alone);

    const offered = held_valid.and(held_waits.not().or(valid));
    slice.in.valid.set(offered);
    slice.in.put({ ...held, last: held.last.or(joins), ecrc_error: mux(joins, wrong, held.ecrc_error) });

    const free = held_valid.not().or(slice.in.ready);
    pipeline.out.ready.set(free);
    when(free.and(valid), () => {
      held_valid.set(alone.not());
      held.set({ header: { ...header, td: header.td.and(mark.not()) }, data, first, last, ecrc_error: wrong });
      held_waits.set(mark.and(last.not()));
    }).elsewhen(offered.and(slice.in.ready), () => held_valid.set(0));
  }
}
