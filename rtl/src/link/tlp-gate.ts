import { allOf, bool, input, Module, output, reg, stream, when } from '@hdl/ts-hdl';
import { tlpBeat } from '../tlp/tlp.ts';

/**
 * Lets TLPs through, or takes and drops them, while `drop` is 1: each as a whole. One that is under way when `drop` rises is dropped from there on, so `out`
 * sees it without an end; one whose beginning was dropped is dropped to its end. No latency, no paths but from `in` to `out` and from `out.ready` to `in.ready`. Reset
 * expects a beginning.
 */
export class TlpGate extends Module<{ readonly width: number }> {
  readonly in = input(stream(tlpBeat(this.p.width)));
  readonly drop = input(bool);
  readonly out = output(stream(tlpBeat(this.p.width)));
  /** Within a TLP that comes in. */
  private readonly under_way = reg(bool, { init: 0 });
  /** That TLP is dropped. */
  private readonly dropping = reg(bool, { init: 0 });

  protected override logic() {
    const { under_way, dropping } = this;
    const { payload: beat, valid, fire } = this.in;
    const dropped = this.drop.or(allOf([dropping, under_way]));
    this.in.ready.set(dropped.or(this.out.ready));
    this.out.valid.set(valid.and(dropped.not()));
    this.out.put(beat);
    dropping.set(dropped);
    when(fire, () => under_way.set(beat.last.not()));
  }
}
