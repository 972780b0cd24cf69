import {
  type Bool,
  Bundle,
  type BundleType,
  bool,
  connect,
  input,
  Module,
  output,
  PacketFifo,
  reg,
  stream,
  type UIntType,
  uint,
  vec,
  when,
  wire,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { ErrorKind, ErrorReport } from '../config/error-report.ts';
import { mustWait, stampBits } from '../link/order.ts';
import { EcrcChecker } from '../tlp/ecrc-checker.ts';
import { TlpHeader, tlpBeat } from '../tlp/tlp.ts';
import { resized } from './dma/read-requester.ts';
import { ErrorCollector } from './receive/error-collector.ts';

/** A beat, and how many posted TLPs had come when it did. */
const stampedBeat = (width: number, stamp: number): StampedBeatType =>
  class StampedBeat extends Bundle({ header: TlpHeader, data: uint(width), first: bool, last: bool, stamp: uint(stamp) }) {};
type StampedBeatType = BundleType<{
  header: typeof TlpHeader;
  data: UIntType<number>;
  first: typeof bool;
  last: typeof bool;
  stamp: UIntType<number>;
}>;

/**
 * Checks the digests of what was received, and lets nothing pass that is wrong (2.7.1, rule C71c). It stands behind the link's receiver, so a TLP that
 * is dropped gives its credits back, and before all that uses a TLP, which is held back until its last beat was seen:
 *
 *     posted ─────► EcrcChecker ─► PacketFifo ─► out_posted
 *     non_posted ─► EcrcChecker ─► PacketFifo ─► behind the posted ones ─► out_non_posted
 *     completion ─► EcrcChecker ─► PacketFifo ─► behind the posted ones ─► out_completion
 *
 * A TLP's first beat leaves 8 cycles after its last one came, 9 from a width of 256 bits on; a beat per cycle, no idle cycle between TLPs. Non-posted TLPs
 * and completions leave after all posted TLPs that came before them were taken, 2 cycles after at the earliest, as from the link's receiver; also after a
 * few that came later. A wrong TLP is dropped and reported with its header to the functions that check digests. While no function does, TLPs pass as they
 * are. One with more beats than the largest payload has twice is dropped. Reset empties it.
 */
export class EcrcFilter extends Module<{
  readonly width: number;
  readonly functions: number;
  /** Largest payload in bytes. */
  readonly max_payload: number;
}> {
  private readonly beat = tlpBeat(this.p.width);
  private readonly depth = Math.max(16, (2 * this.p.max_payload * 8) / this.p.width);
  /** Posted TLPs that can be inside: those of the FIFO, and fewer than 32 on the way to it. */
  private readonly stamp_bits = stampBits(this.depth + 32);
  private readonly stamped = stampedBeat(this.p.width, this.stamp_bits);
  /** A bit per function: it checks digests. */
  readonly enable = input(uint(this.p.functions));
  readonly posted = input(stream(this.beat));
  readonly non_posted = input(stream(this.beat));
  readonly completion = input(stream(this.beat));
  readonly out_posted = output(stream(this.beat));
  readonly out_non_posted = output(stream(this.beat));
  readonly out_completion = output(stream(this.beat));
  readonly error = output(stream(ErrorReport));
  /** From a register: no completion is inside. */
  readonly no_completion = output(bool);
  private readonly checker = [0, 1, 2].map(() => new EcrcChecker({ width: this.p.width }));
  private readonly fifo = [0, 1, 2].map(() => new PacketFifo({ type: this.stamped, depth: this.depth }));
  private readonly checked = wire(vec(3, stream(this.stamped)));
  private readonly collector = new ErrorCollector({ events: 3, kinds: [{ kind: ErrorKind.ecrc, sources: [0, 1, 2] }] });
  /** Posted TLPs that came, and that went: taken, or dropped. */
  private readonly came = reg(uint(this.stamp_bits), { init: 0 });
  private readonly went = reg(uint(this.stamp_bits), { init: 0 });
  private readonly went_before = reg(uint(this.stamp_bits), { init: 0 });
  /** Completions inside. */
  private readonly completions = reg(uint(this.stamp_bits), { init: 0 });

  protected override logic() {
    const { came, went, went_before } = this;
    const inputs = [this.posted, this.non_posted, this.completion];
    const outputs = [this.out_posted, this.out_non_posted, this.out_completion];
    const enable = this.enable.any();
    this.checker.forEach((checker, i) => {
      const fifo = at(this.fifo, i);
      const out = at(outputs, i);
      connect(checker, { in: at(inputs, i), enable });
      const { header, data, first, last, ecrc_error } = checker.out.payload;
      const verdict = at(this.checked, i);
      verdict.valid.set(checker.out.valid);
      verdict.put({ header, data, first, last, stamp: came });
      checker.out.ready.set(verdict.ready);
      connect(fifo, { in: verdict, discard: ecrc_error });

      const held = fifo.out.payload;
      const behind = mustWait(held.stamp, came, went_before);
      const may = i === 0 ? fifo.out.valid : fifo.out.valid.and(behind.not());
      out.valid.set(may);
      out.put({ header: held.header, data: held.data, first: held.first, last: held.last });
      fifo.out.ready.set(i === 0 ? out.ready : out.ready.and(behind.not()));
    });
    connect(this.collector, {
      event: this.checker.map((checker, i) => ({
        valid: at(this.checked, i).fire.and(checker.out.payload.ecrc_error),
        report: {
          functions: resized(this.enable, 8).as(8),
          kind: ErrorKind.ecrc,
          advisory: 0,
          header: checker.out.payload.header,
        },
      })),
    });
    this.error.from(this.collector.out);

    const dropped = at(this.fifo, 0).dropped;
    when(this.posted.fire.and(this.posted.payload.first), () => came.set(came.add(1)));
    const taken = this.out_posted.fire.and(this.out_posted.payload.last);
    went.set(went.add(taken.zext(this.stamp_bits)).add(dropped.zext(this.stamp_bits)));
    went_before.set(went);
    const counts = (bit: Bool) => bit.zext(this.stamp_bits);
    const begun = counts(this.completion.fire.and(this.completion.payload.first));
    const ended = counts(this.out_completion.fire.and(this.out_completion.payload.last));
    this.completions.set(
      this.completions
        .add(begun)
        .sub(ended)
        .sub(counts(at(this.fifo, 2).dropped)),
    );
    this.no_completion.set(this.completions.any().not());
  }
}
