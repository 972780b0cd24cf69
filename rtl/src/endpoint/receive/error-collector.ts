import {
  allOf,
  anyOf,
  bool,
  connect,
  input,
  Module,
  mux,
  output,
  RoundRobinArbiter,
  reg,
  ShowAheadFifo,
  stream,
  type UInt,
  uint,
  vec,
  when,
} from '@hdl/ts-hdl';
import { at } from '../../at.ts';
import { ErrorReport } from '../../config/error-report.ts';
import { TlpHeader } from '../../tlp/tlp.ts';
import { ErrorEvent } from './interfaces.ts';

/** The errors of one kind that a collector knows. */
export interface CollectedKind {
  /** One of `ErrorKind`. */
  readonly kind: number;
  /** Numbers of the events that can be of this kind. */
  readonly sources: readonly number[];
}

/**
 * Brings errors, which may happen in every cycle and at several places, into one stream; whoever finds an error never waits.
 *
 * Each kind has a place of its own, from which it goes into a FIFO of 4 reports, round robin. An error that finds its kind's place taken is added to the one that waits there:
 * its functions are marked too, it is advisory only if both are, the header remains that of the first one. So no kind is ever lost, no function of
 * it and no severity, and up to 4 errors in a burst keep their own headers. Errors of one kind in one cycle are joined likewise.
 *
 * 2 cycles from an event to `out`, which comes from the FIFO. Reset forgets everything.
 */
export class ErrorCollector extends Module<{ readonly events: number; readonly kinds: readonly CollectedKind[] }> {
  readonly event = input(vec(this.p.events, ErrorEvent));
  readonly out = output(stream(ErrorReport));
  private readonly slot = this.p.kinds.map(({ kind, sources }) => new ErrorSlot({ kind, sources: sources.length }));
  private readonly arbiter = new RoundRobinArbiter({ type: ErrorReport, n: this.p.kinds.length });
  private readonly reports = new ShowAheadFifo({ type: ErrorReport, depth: 4 });

  protected override logic() {
    this.slot.forEach((slot, i) => {
      connect(slot, { event: at(this.p.kinds, i).sources.map(source => at(this.event, source)) });
    });
    connect(this.arbiter, { in: this.slot.map(slot => slot.out) });
    connect(this.reports, { in: this.arbiter.out });
    this.out.from(this.reports.out);
  }
}

/** The place of one kind. */
class ErrorSlot extends Module<{ readonly kind: number; readonly sources: number }> {
  readonly event = input(vec(this.p.sources, ErrorEvent));
  readonly out = output(stream(ErrorReport));
  private readonly pending = reg(bool, { init: 0 });
  private readonly functions = reg(uint(8));
  private readonly advisory = reg(bool);
  private readonly header = reg(TlpHeader);

  protected override logic() {
    const { pending } = this;
    const hits = this.event.map(({ valid, report }) => valid.and(report.kind.eq(this.p.kind)));
    const some = anyOf(hits);
    const stays = pending.and(this.out.ready.not());
    const functions = this.event.map(({ report }, i) => mux(at(hits, i), report.functions, 0));
    const lenient = this.event.map(({ report }, i) => at(hits, i).not().or(report.advisory));

    pending.set(stays.or(some));
    when(some, () => {
      this.functions.set(functions.reduce<UInt<8>>((a, b) => a.or(b), mux(stays, this.functions, 0)));
      this.advisory.set(allOf([stays.not().or(this.advisory), ...lenient]));
    });
    when(some.and(stays.not()), () => {
      this.event.toReversed().forEach(({ report }, i, all) => {
        when(at(hits, all.length - 1 - i), () => this.header.set(report.header));
      });
    });
    this.out.valid.set(pending);
    this.out.put({ functions: this.functions, kind: this.p.kind, advisory: this.advisory, header: this.header });
  }
}
