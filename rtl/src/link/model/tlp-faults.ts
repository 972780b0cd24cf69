import {
  allOf,
  type Bool,
  Bundle,
  bool,
  cat,
  input,
  Module,
  mux,
  output,
  reg,
  stream,
  type UInt,
  u,
  uint,
  when,
} from '@hdl/ts-hdl';
import { dataCredits, hasData, isCompletion, isPosted, lengthDw, tlpBeat } from '../../tlp/tlp.ts';
import { FcClass, FcKind, FcUpdate, fcClasses } from '../fc-update.ts';

/** What a sender does wrong, and to which TLP. */
export class LinkFault extends Bundle({
  /** While one of them is 1, the first TLP that fits is poisoned, or is lost. */
  poison: bool,
  lose: bool,
  /** What fits: the class, as `FcClass`, and DW of payload at the least. */
  traffic: uint(2),
  least: uint(10),
}) {}

/** Credits of a class that lost TLPs took: headers, and units of 4 DW. */
class LostCredits extends Bundle({ headers: uint(8), data: uint(12) }) {}

/** The receiver counts these credits of a class: they are not infinite. */
class Counted extends Bundle({ headers: bool, data: bool }) {}

/**
 * Faults of a device as its link shows them, one at a time: data that it knows to be bad (2.7.2), an answer that never comes. For simulation; it stands behind the
 * device's transmitter.
 *
 *     in ─► the first TLP that fits is poisoned, or taken and dropped ─► out
 *     fc_out ◄─ credits that dropped TLPs took are granted again ◄─ fc_in
 *
 * No latency, a beat per cycle. `done` is a register: it rises when a TLP was hit, and falls when `fault` has neither bit. Reset, and a first InitFC1 of a class,
 * forget what was lost.
 */
export class TlpFaults extends Module<{ readonly width: number }> {
  readonly fault = input(LinkFault);
  readonly done = output(bool);
  readonly in = input(stream(tlpBeat(this.p.width)));
  readonly out = output(stream(tlpBeat(this.p.width)));
  readonly fc_in = input(stream(FcUpdate));
  readonly fc_out = output(stream(FcUpdate));
  private readonly hit = reg(bool, { init: 0 });
  /** The TLP that is passing is poisoned, or dropped. */
  private readonly poisoning = reg(bool, { init: 0 });
  private readonly dropping = reg(bool, { init: 0 });
  private readonly lost = fcClasses.map(() => reg(LostCredits, { init: { headers: 0, data: 0 } }));
  private readonly counted = fcClasses.map(() => reg(Counted, { init: { headers: 0, data: 0 } }));

  protected override logic() {
    const { fault, in: from, out, hit, poisoning, dropping } = this;
    const { header, data, first, last } = from.payload;
    const posted = isPosted(header);
    const completion = isCompletion(header);
    const traffic = cat(completion, posted.or(completion).not()).as(2);
    const dwords = mux(hasData(header), lengthDw(header), u(11, 0));
    const fits = allOf([traffic.eq(fault.traffic), dwords.ge(fault.least.zext(11)), hit.not()]);
    const poisons = mux(first, allOf([fault.poison, fits, hasData(header)]), poisoning);
    const drops = mux(first, allOf([fault.lose, fits]), dropping);

    out.valid.set(from.valid.and(drops.not()));
    out.put({ header: { ...header, ep: header.ep.or(poisons) }, data, first, last });
    from.ready.set(out.ready.or(drops));
    when(from.fire, () => {
      poisoning.set(poisons.and(last.not()));
      dropping.set(drops.and(last.not()));
      when(allOf([first, poisons.or(drops)]), () => hit.set(1));
    });
    when(fault.poison.or(fault.lose).not(), () => hit.set(0));
    this.done.set(hit);
    this.grant(from.fire.and(first).and(drops), traffic, dataCredits(header).zext(12));
  }

  private grant(loses: Bool, traffic: UInt<2>, data: UInt<12>): void {
    const { fc_in, fc_out, lost, counted } = this;
    const update = fc_in.payload;
    fc_out.valid.set(fc_in.valid);
    fc_in.ready.set(fc_out.ready);
    fc_out.put(update);
    for (const [i, name] of fcClasses.entries()) {
      const credits = lost[i];
      const counts = counted[i];
      if (!credits || !counts) throw new RangeError('there are three classes');
      const its = update.traffic.eq(FcClass[name]);
      when(loses.and(traffic.eq(FcClass[name])), () => {
        credits.headers.set(credits.headers.add(1));
        credits.data.set(credits.data.add(data));
      });
      when(allOf([fc_in.fire, its, update.kind.eq(FcKind.init1)]), () => {
        counts.headers.set(update.headers.any());
        counts.data.set(update.data.any());
        credits.set({ headers: 0, data: 0 });
      });
      when(allOf([its, update.kind.eq(FcKind.update)]), () => {
        when(counts.headers, () => fc_out.payload.headers.set(update.headers.add(credits.headers)));
        when(counts.data, () => fc_out.payload.data.set(update.data.add(credits.data)));
      });
    }
  }
}
