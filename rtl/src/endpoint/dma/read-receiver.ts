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
  type UInt,
  u,
  uint,
  vec,
  when,
  wire,
} from '@hdl/ts-hdl';
import { ErrorKind, ErrorReport } from '../../config/error-report.ts';
import { functionControls } from '../../config/function-controls.ts';
import { completionFields, type Header, hasData, lengthDw, Status, TlpType, tlpBeat } from '../../tlp/tlp.ts';
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
  lower_address: uint(7),
  index: uint(16),
  poisoned: bool,
}) {}

/** What a look at a tag found: its request waits, for too long if `late`; or it is in quarantine, for long enough if `rested`. */
const lookAt = (tags: number) =>
  class LookedAt extends Bundle({
    tag: uint(clog2(tags)),
    function: uint(3),
    waits: bool,
    late: bool,
    rests: bool,
    rested: bool,
    /** In units of its request. */
    now: uint(5),
    known: TagProgress,
  }) {};

const noRequest = { strobe: 0, tag: 0, turn: 0, lower_address: 0, bytes: 0, index: 0, function: 0, stamp: 0, unit: 0 };
const noState = { turn: 0, quarantined: 0, silent: 0, stamp: 0 };
const noProgress = { turn: 0, missing: 0, lower_address: 0, index: 0, poisoned: 0 };

/**
 * Checks completions against their requests and says where their data goes. `completion` is always ready; 3 stages, a beat per cycle:
 *
 *     0  a completion's first beat reads what is known of its tag; in a cycle without a beat the next tag is looked at instead
 *     1  check; what is known is updated, and taken from here by an operation on the same tag behind this one. Of a tag that is looked at the times are
 *        compared; what follows from it is done in the next cycle without a beat here, unless a beat of this tag came before
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
  private readonly looks = reg(bool, { init: 0 });
  private readonly tag = reg(uint(clog2(this.p.tags)));
  private readonly looked_valid = reg(bool, { init: 0 });
  private readonly looked = reg(lookAt(this.p.tags));
  /** What was written last cycle: the read behind it came too early to see it. Of the progress a look tells nothing new. */
  private readonly wrote = reg(bool, { init: 0 });
  private readonly wrote_beat = reg(bool, { init: 0 });
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
    const looks = completion.valid.not().and(this.watched.any());
    when(looks, () => this.scan.set(this.scan.add(1)));
    this.beat_valid.set(completion.valid);
    this.beat.set(completion.payload);
    this.bad.set(this.completion_bad);
    this.looks.set(looks);
    this.tag.set(tag);
    const written = mux(this.beat_valid, this.tag, this.looked.tag);
    this.same_tag.set(tag.eq(written));

    // Stage 1.
    const again = this.wrote_beat.and(this.same_tag);
    this.state.set(mux(this.wrote.and(this.same_tag), this.wrote_state, read_state));
    this.known.set(mux(again, this.wrote_progress, read_progress));
    // What was written last cycle is of this request: its tag is not free for another one so soon.
    const fresh = again.not().and(read_progress.turn.ne(request.turn));
    // Each of the three is compared, while it is not yet known which one counts.
    const { header } = this.beat;
    const { wrote_progress: wrote } = this;
    const expected = mux(
      fresh,
      isNext(header, request.bytes, request.lower_address),
      mux(
        again,
        isNext(header, wrote.missing, wrote.lower_address),
        isNext(header, read_progress.missing, read_progress.lower_address),
      ),
    );
    when(fresh, () => {
      this.known.missing.set(request.bytes);
      this.known.lower_address.set(request.lower_address);
      this.known.index.set(request.index);
      this.known.poisoned.set(0);
    });
    this.new_state.set(this.state);
    this.new_known.set({ ...this.known, turn: request.turn });
    this.update.set(0);
    this.done.strobe.set(0);
    this.done.tag.set(written.zext(10));
    this.retired.set({ strobe: 0, tag: written.zext(10), on: 0 });
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
    const rests = this.state.quarantined.and(swept);
    when(this.beat_valid, () => this.receive(request, waits, rests, expected)).otherwise(() => this.conclude());
    this.look(request, waits, rests);

    const write = swept.not().or(this.update);
    const address = mux(swept, written, row);
    when(swept.not(), () => this.sweep.set(this.sweep.add(1)));
    when(write, () => {
      this.states.write(address, mux(swept, this.new_state, noState));
      this.progress.write(address, mux(swept, this.new_known, noProgress));
    });
    when(swept.not().or(this.issued.strobe), () =>
      this.requests.write(mux(swept, this.issued.tag.trunc(tag_bits), row), mux(swept, this.issued, noRequest)),
    );
    this.wrote.set(this.update);
    this.wrote_beat.set(this.update.and(this.beat_valid));
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

  /**
   * A beat: the first one is checked, and decides for all. If it brings what is `expected`, its own header tells what the request misses, and that is
   * there earlier than what the tables tell.
   */
  private receive(request: Sig<typeof IssuedRead>, waits: Bool, rests: Bool, expected: Bool) {
    const { header, first, last } = this.beat;
    const { state, known } = this;
    const bits = byteBits(this.p.width);
    const lanes = this.p.width / 32;
    const { status, lower_address } = completionFields(header);
    const missing = missingBytes(header);
    const start = lower_address.trunc(2).zext(13);
    const missing_dwords = missing.add(start).add(3).part(2, 11);
    const dw = lengthDw(header);
    const ends = dw.eq(missing_dwords);
    const whole = lower_address.part(2, 4).add(dw.trunc(4)).any().not();
    const fits = allOf([hasData(header), ends.or(dw.lt(missing_dwords).and(whole)), expected]);
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
    const belongs = named.and(header.type.eq(TlpType.completion)).and(header.requester_id.eq(id)).and(error.or(fits));
    const live = belongs.and(waits);
    const late = allOf([belongs, waits.not(), rests]);
    const over = error.or(ends);
    const poisoned = known.poisoned.or(header.ep);
    const failure = mux(status.eq(Status.abort), u(3, DmaOutcome.abort), DmaOutcome.unsupported);
    const outcome = mux(error, failure, mux(poisoned, u(3, DmaOutcome.poisoned), DmaOutcome.success));
    const bytes = cat(dw, u(2, 0)).as(13).sub(start);
    const place = lower_address.trunc(bits);
    const words = bytes.add(place.zext(13)).shr(bits);

    const accepted = mux(first, live, this.accepted);
    const finishes = mux(first, over, this.over);
    const index = mux(first, resized(known.index, this.index.width), this.index);
    const lane = mux(first, lower_address.part(2, bits - 2), this.lane);
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
      this.new_known.missing.set(missing.sub(bytes));
      this.new_known.lower_address.set(lower_address.add(bytes.trunc(7)));
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

  /** A tag is looked at: does it wait too long, or has it been in quarantine for long enough? */
  private look(request: Sig<typeof IssuedRead>, waits: Bool, rests: Bool) {
    const { state, known, looked, beat_valid } = this;
    const now = timeIn(request.unit, this.now_us);
    const arriving = this.arriving.and(this.arriving_tag.eq(this.tag));
    when(beat_valid.not(), () => {
      this.looked_valid.set(this.looks.and(arriving.not()));
      looked.set({
        tag: this.tag,
        function: request.function,
        waits,
        late: now.sub(request.stamp).ge(5),
        rests: waits.not().and(rests),
        rested: now.sub(state.stamp).ge(16),
        now,
        known: { ...known, turn: request.turn },
      });
    }).elsewhen(this.tag.eq(looked.tag), () => this.looked_valid.set(0));
  }

  /** No beat: what was looked at last is given up, or leaves quarantine, if it is time. */
  private conclude() {
    const { looked, controls } = this;
    const { turn } = looked.known;
    const abandoned = ofFunction(controls, looked.function, (of, i) => of.resetting.or(this.cancel.bit(i)));
    const patient = ofFunction(controls, looked.function, of => of.timeout_disable);
    const late = looked.late.and(patient.not());
    this.new_known.set(looked.known);
    this.new_state.set({ turn, quarantined: 0, silent: abandoned, stamp: looked.now });
    this.done.turn.set(turn);
    this.done.outcome.set(mux(abandoned, u(3, DmaOutcome.refused), DmaOutcome.timeout));
    when(allOf([this.looked_valid, looked.waits, abandoned.or(late)]), () => {
      this.update.set(1);
      this.new_state.quarantined.set(this.flushed.not());
      this.retired.strobe.set(this.flushed.not());
      this.retired.on.set(1);
      this.done.strobe.set(1);
      when(abandoned.not(), () => {
        this.reports.set(1);
        this.told.functions.set(u(8, 1).shl(looked.function));
        this.told.kind.set(ErrorKind.completionTimeout);
      });
    }).elsewhen(allOf([this.looked_valid, looked.rests, looked.rested.or(this.flushed)]), () => {
      this.update.set(1);
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

/** All bytes that its request still misses, as a completion says. */
const missingBytes = (header: Header): UInt<13> => {
  const { byte_count } = completionFields(header);
  return cat(byte_count.any().not(), byte_count).as(13);
};

/** The completion brings what is next: what is missing, from where it goes on (C55). */
const isNext = (header: Header, missing: UInt<13>, lower_address: UInt<7>): Bool =>
  missingBytes(header).eq(missing).and(completionFields(header).lower_address.eq(lower_address));
