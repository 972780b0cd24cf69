import {
  allOf,
  type Bool,
  Bundle,
  bool,
  cat,
  clog2,
  input,
  Module,
  memory,
  mux,
  output,
  reg,
  ShowAheadFifo,
  type Sig,
  stream,
  u,
  uint,
  vec,
  when,
  wire,
} from '@hdl/ts-hdl';
import { ErrorKind, ErrorReport } from '../../config/error-report.ts';
import { functionControls } from '../../config/function-controls.ts';
import { completionFields, hasData, lengthDw, Status, TlpType, tlpBeat } from '../../tlp/tlp.ts';
import { laneBits } from '../lane-rotator.ts';
import { ofFunction, ownersOf } from './function-select.ts';
import { DmaOutcome } from './job.ts';
import { CompletedRead, IssuedRead, ReceivedFailure, TagQuarantine, timeBits, timeIn } from './read-events.ts';
import { resized } from './read-requester.ts';
import { byteBits } from './realigner.ts';

/** Where a tag stands. It waits for completions while `turn` is not that of the request. */
class TagStatus extends Bundle({
  turn: bool,
  /** It was given up; what still comes is dropped, and reported unless `silent`. */
  quarantined: bool,
  silent: bool,
  stamp: uint(5),
}) {}

/** What is still to come for the request of the same `turn`. */
class TagProgress extends Bundle({
  turn: bool,
  missing: uint(13),
  /** DW in which these bytes are. */
  missing_dwords: uint(11),
  lower_address: uint(7),
  index: uint(16),
  poisoned: bool,
}) {}

const noRequest = { strobe: 0, tag: 0, turn: 0, lower_address: 0, bytes: 0, dwords: 0, index: 0, function: 0, stamp: 0, unit: 0 };
const noState = { turn: 0, quarantined: 0, silent: 0, stamp: 0 };
const noProgress = { turn: 0, missing: 0, missing_dwords: 0, lower_address: 0, index: 0, poisoned: 0 };

/**
 * Checks completions against their requests and says where their data goes. `completion` is always ready; 3 stages, a beat per cycle:
 *
 *     0  a completion's first beat reads what is known of its tag; in a cycle without a beat the next tag is looked at instead
 *     1  check; what is known is updated, and taken from here by an operation on the same tag behind this one
 *     2  `completed` (a register) tells of a request that is over; the reorder buffer stores the beat, which it took from stage 1
 *
 * A completion belongs to a request if tag and requester ID are right, and a successful one brings just what is next: Byte Count all that is missing,
 * Lower Address where it goes on (C55), and data up to the end or to a multiple of 64 bytes (C54). All else is unexpected: dropped and reported
 * (C58), as advisory. A failed completion (C53), poisoned data (C71b, reported) or one whose end is not where its header says make the request fail. Reports
 * leave with the last beat, and none for a completion that is malformed.
 *
 * The look at a tag ends its request as failed if it waited too long (C59, reported), or if its function is being reset or in `cancel`. Such a tag is
 * in quarantine until its completions have come in full or 15 to 16 more timeout units have passed, at least three times the timeout; till then what
 * comes for it is unexpected (dropped in silence after a reset or `cancel`). While `flushed` is 1 no quarantine is needed, and tags leave it when they are
 * looked at. A tag is looked at every `tags` cycles without a beat,
 * as long as a request waits or a tag is in quarantine.
 */
export class ReadReceiver extends Module<{
  readonly width: number;
  readonly functions: number;
  readonly bars: number;
  readonly tags: number;
  /** Words of the reorder buffer. */
  readonly depth: number;
}> {
  readonly controls = input(vec(this.p.functions, functionControls(this.p.bars)));
  readonly cancel = input(uint(this.p.functions));
  readonly now_us = input(uint(timeBits));
  readonly completion = input(stream(tlpBeat(this.p.width)));
  /** With the last beat of `completion`: it had more or fewer beats than its header says, and its data is not used. */
  readonly completion_bad = input(bool);
  readonly issued = input(IssuedRead);
  readonly completed = output(CompletedRead);
  /** A register. */
  readonly quarantine = output(TagQuarantine);
  /** The link was reset: no completion of an earlier request will come. */
  readonly flushed = input(bool);
  /** No request waits, and no tag is in quarantine. */
  readonly settled = output(bool);
  /** A register: a pulse for each completion that belongs to a request and failed. */
  readonly failure = output(ReceivedFailure);
  readonly errors = output(stream(ErrorReport));
  /** A beat for the reorder buffer, see `ReorderMemory`. */
  readonly store = output(bool);
  readonly store_index = output(uint(clog2(this.p.depth)));
  readonly store_lane = output(uint(laneBits(this.p.width)));
  readonly store_left = output(uint(11));
  readonly store_data = output(uint(this.p.width));

  private readonly requests = memory(IssuedRead, { depth: this.p.tags, style: this.tableStyle() });
  private readonly states = memory(TagStatus, { depth: this.p.tags, style: this.tableStyle() });
  private readonly progress = memory(TagProgress, { depth: this.p.tags, style: this.tableStyle() });
  private readonly sweep = reg(uint(clog2(this.p.tags) + 1), { init: 0 });
  private readonly scan = reg(uint(clog2(this.p.tags)), { init: 0 });
  /** Requests that wait, and tags in quarantine: without any no tag is looked at. */
  private readonly watched = reg(uint(clog2(this.p.tags + 1) + 1), { init: 0 });
  private readonly report = new ShowAheadFifo({ type: ErrorReport, depth: 4 });
  /** A report goes there a cycle after it was found. */
  private readonly reports = reg(bool, { init: 0 });
  private readonly told = reg(ErrorReport);

  /** Stage 1. */
  private readonly beat_valid = reg(bool, { init: 0 });
  private readonly beat = reg(tlpBeat(this.p.width));
  private readonly bad = reg(bool);
  private readonly tag = reg(uint(clog2(this.p.tags)));
  /** What stage 1 wrote last cycle: the read behind it came too early to see it. */
  private readonly wrote = reg(bool, { init: 0 });
  private readonly same_tag = reg(bool);
  private readonly wrote_state = reg(TagStatus);
  private readonly wrote_progress = reg(TagProgress);
  private readonly state = wire(TagStatus);
  private readonly known = wire(TagProgress);
  private readonly new_state = wire(TagStatus);
  private readonly new_known = wire(TagProgress);
  private readonly update = wire(bool);
  /** Of the completion under way. */
  private readonly arriving = reg(bool, { init: 0 });
  private readonly arriving_tag = reg(uint(clog2(this.p.tags)));
  private readonly accepted = reg(bool, { init: 0 });
  private readonly stranger = reg(bool, { init: 0 });
  private readonly over = reg(bool, { init: 0 });
  private readonly outcome = reg(uint(3));
  private readonly turn = reg(bool);
  private readonly lane = reg(uint(laneBits(this.p.width)));
  private readonly index = reg(uint(clog2(this.p.depth)));
  private readonly left = reg(uint(11));

  /** Stage 2. */
  private readonly done = reg(CompletedRead, { init: { strobe: 0, tag: 0, turn: 0, outcome: 0 } });
  private readonly retired = reg(TagQuarantine, { init: { strobe: 0, tag: 0, on: 0 } });
  private readonly failed = reg(ReceivedFailure, { init: { functions: 0, unsupported: 0, abort: 0, poisoned: 0 } });

  /** Small tables are LUT RAM behind a register, large ones block RAM. */
  private tableStyle() {
    return this.p.tags > 64 ? 'block' : 'distributed';
  }

  protected override logic() {
    const { tags } = this.p;
    const tag_bits = clog2(tags);
    const swept = this.sweep.bit(tag_bits);
    const row = this.sweep.trunc(tag_bits);
    const { completion } = this;

    // Stage 0.
    completion.ready.set(1);
    const tag = mux(completion.valid, completion.payload.header.tag.trunc(tag_bits), this.scan);
    const request = this.requests.read(tag);
    const read_state = this.states.read(tag);
    const read_progress = this.progress.read(tag);
    when(completion.valid.not().and(this.watched.any()), () => this.scan.set(this.scan.add(1)));
    this.beat_valid.set(completion.valid);
    this.beat.set(completion.payload);
    this.bad.set(this.completion_bad);
    this.tag.set(tag);
    this.same_tag.set(tag.eq(this.tag));

    // Stage 1.
    const again = this.wrote.and(this.same_tag);
    this.state.set(mux(again, this.wrote_state, read_state));
    this.known.set(mux(again, this.wrote_progress, read_progress));
    const fresh = this.known.turn.ne(request.turn);
    when(fresh, () => {
      this.known.missing.set(request.bytes);
      this.known.missing_dwords.set(request.dwords);
      this.known.lower_address.set(request.lower_address);
      this.known.index.set(request.index);
      this.known.poisoned.set(0);
    });
    this.new_state.set(this.state);
    this.new_known.set({ ...this.known, turn: request.turn });
    this.update.set(0);
    this.done.strobe.set(0);
    this.done.tag.set(this.tag.zext(10));
    this.done.turn.set(request.turn);
    this.done.outcome.set(DmaOutcome.success);
    this.retired.set({ strobe: 0, tag: this.tag.zext(10), on: 0 });
    this.quarantine.set(this.retired);
    this.reports.set(0);
    this.told.set({ functions: 0, kind: 0, advisory: 0, header: this.beat.header });
    this.failed.set({ functions: u(8, 1).shl(request.function), unsupported: 0, abort: 0, poisoned: 0 });
    this.failure.set(this.failed);
    this.settled.set(this.watched.any().not());
    this.store.set(0);
    this.store_index.set(this.index);
    this.store_lane.set(this.lane);
    this.store_left.set(this.left);
    this.store_data.set(this.beat.data);
    const waits = this.state.turn.ne(request.turn).and(swept);
    when(this.beat_valid, () => this.receive(request, waits, swept)).otherwise(() => this.look(request, waits));

    const write = swept.not().or(this.update);
    const address = mux(swept, this.tag, row);
    when(swept.not(), () => this.sweep.set(this.sweep.add(1)));
    when(write, () => {
      this.states.write(address, mux(swept, this.new_state, noState));
      this.progress.write(address, mux(swept, this.new_known, noProgress));
    });
    when(swept.not().or(this.issued.strobe), () =>
      this.requests.write(mux(swept, this.issued.tag.trunc(tag_bits), row), mux(swept, this.issued, noRequest)),
    );
    this.wrote.set(this.update);
    this.wrote_state.set(this.new_state);
    this.wrote_progress.set(this.new_known);

    this.count();
    this.completed.set(this.done);
    this.report.in.valid.set(this.reports);
    this.report.in.put(this.told);
    this.errors.from(this.report.out);
  }

  private count(): void {
    const { watched, issued, done, retired } = this;
    const one = (bit: Bool) => bit.zext(watched.width);
    const more = one(issued.strobe).add(one(retired.strobe.and(retired.on)));
    const less = one(done.strobe).add(one(retired.strobe.and(retired.on.not())));
    watched.set(watched.add(more).sub(less));
  }

  /** A beat: the first one is checked, and decides for all. */
  private receive(request: Sig<typeof IssuedRead>, waits: Bool, swept: Bool) {
    const { header, first, last } = this.beat;
    const { state, known } = this;
    const bits = byteBits(this.p.width);
    const lanes = this.p.width / 32;
    const { status, byte_count, lower_address } = completionFields(header);
    const start = known.lower_address.trunc(2);
    const dw = lengthDw(header);
    const ends = dw.eq(known.missing_dwords);
    const whole = known.lower_address.part(2, 4).add(dw.trunc(4)).any().not();
    const fits = hasData(header)
      .and(ends.or(dw.lt(known.missing_dwords).and(whole)))
      .and(cat(byte_count.any().not(), byte_count).eq(known.missing))
      .and(lower_address.eq(known.lower_address));
    const error = status.ne(Status.success);
    const id = ofFunction(this.controls, request.function, of => of.id);
    const tag_bits = clog2(this.p.tags);
    const named =
      tag_bits === 10
        ? u(1, 1)
        : header.tag
            .part(tag_bits, 10 - tag_bits)
            .any()
            .not();
    const belongs = named.and(header.type.eq(TlpType.completion)).and(header.requester_id.eq(id)).and(error.or(fits)).and(swept);
    const live = belongs.and(waits);
    const late = belongs.and(waits.not()).and(state.quarantined);
    const over = error.or(ends);
    const poisoned = known.poisoned.or(header.ep);
    const failure = mux(status.eq(Status.abort), u(3, DmaOutcome.abort), DmaOutcome.unsupported);
    const outcome = mux(error, failure, mux(poisoned, u(3, DmaOutcome.poisoned), DmaOutcome.success));
    const bytes = cat(dw, u(2, 0)).as(13).sub(start.zext(13));
    const place = known.lower_address.trunc(bits);
    const words = bytes.add(place.zext(13)).shr(bits);

    const accepted = mux(first, live, this.accepted);
    const finishes = mux(first, over, this.over);
    const index = mux(first, resized(known.index, this.index.width), this.index);
    const lane = mux(first, known.lower_address.part(2, bits - 2), this.lane);
    const left = mux(first, mux(error.or(hasData(header).not()), u(11, 0), dw), this.left);
    this.arriving.set(last.not());
    this.accepted.set(accepted);
    this.over.set(finishes);
    this.index.set(index.add(1));
    this.lane.set(lane);
    this.left.set(left.subSat(lanes));
    when(first, () => {
      this.arriving_tag.set(this.tag);
      this.outcome.set(outcome);
      this.turn.set(request.turn);
      this.update.set(live.or(late));
      this.new_known.missing.set(known.missing.sub(bytes));
      this.new_known.missing_dwords.set(known.missing_dwords.sub(dw));
      this.new_known.lower_address.set(known.lower_address.add(bytes.trunc(7)));
      this.new_known.index.set(known.index.add(words.zext(16)));
      this.new_known.poisoned.set(poisoned);
      when(over, () => {
        this.new_state.turn.set(request.turn);
        this.new_state.quarantined.set(0);
        this.retired.strobe.set(late);
      });
    });
    const bad = allOf([this.bad, last, first.not(), accepted]);
    const stranger = mux(first, live.or(late.and(state.silent)).not(), this.stranger);
    const well = last.and(this.bad.and(first.not()).not());
    const poisons = allOf([well, accepted, header.ep, error.not()]);
    this.stranger.set(stranger);
    when(well.and(stranger), () => this.complain(ErrorKind.unexpectedCompletion));
    when(poisons, () => this.complain(ErrorKind.poisoned));
    this.failed.unsupported.set(allOf([well, accepted, status.eq(Status.unsupported)]));
    this.failed.abort.set(allOf([well, accepted, status.eq(Status.abort)]));
    this.failed.poisoned.set(poisons);
    when(bad, () => {
      this.update.set(1);
      this.new_known.poisoned.set(1);
    });
    this.done.set({
      strobe: accepted.and(finishes).and(last),
      tag: header.tag,
      turn: mux(first, request.turn, this.turn),
      outcome: mux(bad, u(3, DmaOutcome.poisoned), mux(first, outcome, this.outcome)),
    });
    this.store.set(accepted);
    this.store_index.set(index);
    this.store_lane.set(lane);
    this.store_left.set(left);
  }

  /** No beat: a tag is looked at that waits too long, or has been in quarantine for long enough. */
  private look(request: Sig<typeof IssuedRead>, waits: Bool) {
    const { state, controls } = this;
    const now = timeIn(request.unit, this.now_us);
    const abandoned = ofFunction(controls, request.function, (of, i) => of.resetting.or(this.cancel.bit(i)));
    const patient = ofFunction(controls, request.function, of => of.timeout_disable);
    const late = now.sub(request.stamp).ge(5).and(patient.not());
    const arriving = this.arriving.and(this.arriving_tag.eq(this.tag));
    when(waits.and(abandoned.or(late)).and(arriving.not()), () => {
      this.update.set(1);
      this.new_state.set({ turn: request.turn, quarantined: this.flushed.not(), silent: abandoned, stamp: now });
      this.retired.strobe.set(this.flushed.not());
      this.retired.on.set(1);
      this.done.strobe.set(1);
      this.done.outcome.set(mux(abandoned, u(3, DmaOutcome.refused), DmaOutcome.timeout));
      when(abandoned.not(), () => {
        this.reports.set(1);
        this.told.functions.set(u(8, 1).shl(request.function));
        this.told.kind.set(ErrorKind.completionTimeout);
      });
    }).elsewhen(waits.not().and(state.quarantined).and(now.sub(state.stamp).ge(16).or(this.flushed)).and(arriving.not()), () => {
      this.update.set(1);
      this.new_state.quarantined.set(0);
      this.retired.strobe.set(1);
    });
  }

  /** Reports this completion, for the functions that have its requester ID, or for all if none has. */
  private complain(kind: number) {
    this.reports.set(1);
    this.told.functions.set(ownersOf(this.controls, this.beat.header.requester_id));
    this.told.kind.set(kind);
    this.told.advisory.set(1);
  }
}
