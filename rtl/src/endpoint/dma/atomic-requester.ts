import {
  allOf,
  anyOf,
  type Bool,
  Bundle,
  bool,
  cat,
  clog2,
  HdlError,
  input,
  Module,
  match,
  mux,
  output,
  reg,
  type Sig,
  select,
  states,
  stream,
  type UInt,
  u,
  uint,
  vec,
  when,
} from '@hdl/ts-hdl';
import { ErrorKind, ErrorReport } from '../../config/error-report.ts';
import { functionControls } from '../../config/function-controls.ts';
import { completionFields, hasData, lengthDw, memoryFmt, Status, TlpType, tlpBeat } from '../../tlp/tlp.ts';
import { mayRequest, ofFunction, ownersOf, requestAttributes } from './function-select.ts';
import { DmaOutcome } from './job.ts';
import { ReceivedFailure, timeBits, timeIn, timeoutUnit } from './read-events.ts';
import { requestHeader } from './request-header.ts';

/**
 * What an atomic operation does with the value at its address: adds to it, replaces it, or replaces it if it is the compared one. `readNothing` is none: a
 * read of 1 DW without byte enables, which flushes what was written before (C8, C63).
 */
export const AtomicKind = { fetchAdd: 0, swap: 1, compareSwap: 2, readNothing: 3 } as const;

/** An atomic operation on a peer's or the host's memory (C98). */
export class AtomicJob extends Bundle({
  /** One of `AtomicKind`. */
  kind: uint(2),
  /** Bytes of the operand: 4 << `size`; 16 only for compareSwap. Of `readNothing` 4. */
  size: uint(2),
  /** A multiple of the operand's size; of `readNothing` bits 1:0 count as 0. */
  address: uint(64),
  /** What is added or written; and what is compared. The low bytes count. */
  operand: uint(128),
  compare: uint(128),
  function: uint(3),
  relaxed_ordering: bool,
  no_snoop: bool,
  at: uint(2),
  id: uint(8),
}) {}

/** What was at the address before; nothing is said of `value` unless `outcome`, one of `DmaOutcome`, is success. */
export class AtomicResult extends Bundle({ id: uint(8), function: uint(3), outcome: uint(3), value: uint(128) }) {}

/** Size and address are what the operation allows: FetchAdd and Swap of 4 or 8 bytes, CAS of 4, 8 or 16, aligned to the operand (2.2.7). */
export function legalAtomic({ kind, size, address }: Sig<typeof AtomicJob>): Bool {
  const legal = mux(kind.eq(AtomicKind.compareSwap), size.ne(3), kind.ne(AtomicKind.readNothing).and(size.le(1)));
  const low = u(4, 0b0001).shl(size.zext(3)).sub(1).trunc(2);
  return legal.and(address.part(2, 2).and(low).any().or(address.trunc(2).any()).not());
}

const State = states('Idle', 'Send', 'Wait', 'Answer', 'Rest');

/**
 * Sends AtomicOps, FetchAdd and Swap of 32 and 64 bits and CAS of 32, 64 and 128 bits (C98), and gives the value that was there; and reads of nothing, which
 * come back when a peer has all that was written before (C63). One at a time: the TLP is offered in the cycle after its job was taken, a beat per cycle; the result 1 cycle after the last beat of the completion; the next job 1 cycle later.
 *
 * A job ends as `refused`, and nothing is sent, if its function may not send requests, or AtomicOps and it is one, or if size or address is not what its kind allows;
 * in a reset or `cancel` of its function it ends so at once. An error status (C53), poisoned data (C71b) or no completion in time (C59) end it as with
 * `ReadDma`. After a timeout or `cancel` the tag rests until its completion has come or 16 timeout units have passed, and no job is taken meanwhile.
 * A completion that is not waited for, or has not just the operand's size, is dropped and reported (C58). `completion` is always ready and brings only
 * the one tag. `tx` comes from registers. Reset forgets all.
 */
export class AtomicRequester extends Module<{
  readonly width: number;
  readonly functions: number;
  readonly bars: number;
  /** The tag of its requests, used by nobody else. */
  readonly tag: number;
  readonly cycles_per_microsecond: number;
}> {
  readonly controls = input(vec(this.p.functions, functionControls(this.p.bars)));
  readonly cancel = input(uint(this.p.functions));
  readonly jobs = input(stream(AtomicJob));
  readonly results = output(stream(AtomicResult));
  readonly tx = output(stream(tlpBeat(this.p.width)));
  readonly completion = input(stream(tlpBeat(this.p.width)));
  /** With the last beat of `completion`: it had more or fewer beats than its header says, and its data is not used. */
  readonly completion_bad = input(bool);
  readonly errors = output(stream(ErrorReport));
  /** A register: a pulse for each completion that belongs to a job and failed. */
  readonly failure = output(ReceivedFailure);
  readonly idle = output(bool);
  /** The link was reset: no completion of an earlier request will come, and no tag has to rest. */
  readonly flushed = input(bool);
  private readonly state = reg(State, { init: 'Idle' });
  private readonly beat = reg(tlpBeat(this.p.width));
  /** Operands that were not sent, from bit 0; later the value that came. */
  private readonly payload = reg(uint(256));
  /** Beats to send, the offered one included. */
  private readonly beats = reg(uint(3));
  private readonly size = reg(uint(2));
  private readonly reads = reg(bool);
  private readonly result = reg(AtomicResult);
  /** Beats of the completion that came. */
  private readonly came = reg(uint(2), { init: 0 });
  private readonly unit = reg(uint(5));
  private readonly stamp = reg(uint(5));
  private readonly cycle = reg(uint(clog2(this.p.cycles_per_microsecond + 1)), { init: 0 });
  private readonly now_us = reg(uint(timeBits), { init: 0 });
  /** The tag rests after the answer; what comes for it is dropped in silence. */
  private readonly rests = reg(bool, { init: 0 });
  private readonly silent = reg(bool, { init: 0 });
  private readonly expected = reg(bool, { init: 0 });
  private readonly failed = reg(ReceivedFailure, { init: { functions: 0, unsupported: 0, abort: 0, poisoned: 0 } });
  private readonly error_valid = reg(bool, { init: 0 });
  private readonly error = reg(ErrorReport);
  /** The completion under way is not waited for, which is reported with its last beat. */
  private readonly stranger = reg(bool, { init: 0 });

  protected override logic() {
    if (![64, 128, 256, 512].includes(this.p.width))
      throw new HdlError(`a TLP stream has 64, 128, 256 or 512 data bits, not ${this.p.width}`);
    const { state, result, now_us, unit, stamp } = this;
    when(this.cycle.eq(this.p.cycles_per_microsecond - 1), () => {
      this.cycle.set(0);
      this.now_us.set(now_us.add(1));
    }).otherwise(() => this.cycle.set(this.cycle.add(1)));
    const age = timeIn(unit, now_us).sub(stamp);
    const abandoned = ofFunction(this.controls, result.function, (of, i) => of.resetting.or(this.cancel.bit(i)));
    const patient = ofFunction(this.controls, result.function, of => of.timeout_disable);

    this.jobs.ready.set(state.is('Idle'));
    this.idle.set(state.is('Idle'));
    this.results.valid.set(state.is('Answer'));
    this.results.put(result);
    this.tx.valid.set(state.is('Send'));
    this.tx.put(this.beat);
    this.errors.valid.set(this.error_valid);
    this.errors.put(this.error);
    when(this.errors.ready, () => this.error_valid.set(0));
    const giveUp = (outcome: number, silent: 0 | 1) => {
      this.state.set('Answer');
      this.result.outcome.set(outcome);
      this.stamp.set(timeIn(unit, now_us));
      this.rests.set(1);
      this.silent.set(silent);
    };
    match(State, state, {
      Idle: () => when(this.jobs.valid, () => this.begin()),
      Send: () =>
        when(this.tx.ready, () => {
          this.next();
          when(this.beats.eq(1), () => {
            this.state.set('Wait');
            this.stamp.set(timeIn(unit, now_us));
          });
        }),
      Wait: () =>
        when(abandoned, () => giveUp(DmaOutcome.refused, 1)).elsewhen(age.ge(5).and(patient.not()), () => {
          giveUp(DmaOutcome.timeout, 0);
          this.report(ErrorKind.completionTimeout, 0, u(8, 1).shl(result.function));
        }),
      Answer: () =>
        when(this.results.ready, () => {
          this.state.set('Idle');
          when(this.rests, () => this.state.set('Rest'));
        }),
      Rest: () =>
        when(anyOf([this.rests.not(), age.ge(16), this.flushed]), () => {
          this.state.set('Idle');
          this.rests.set(0);
        }),
    });
    this.receive();
  }

  /** Takes a job: its TLP, or its refusal. */
  private begin() {
    const job = this.jobs.payload;
    const { width } = this.p;
    const swaps = job.kind.eq(AtomicKind.compareSwap);
    const reads = job.kind.eq(AtomicKind.readNothing);
    const enabled = ofFunction(this.controls, job.function, of => of.atomic_requester);
    const able = mux(reads, job.size.any().not(), enabled.and(legalAtomic(job)));
    const allowed = able.and(mayRequest(this.controls, job.function, this.cancel));
    const dw = mux(swaps, u(4, 2), u(4, 1)).shl(job.size);
    const pair = select(job.size, [
      cat(job.operand.trunc(32), job.compare.trunc(32)).zext(256),
      cat(job.operand.trunc(64), job.compare.trunc(64)).zext(256),
      cat(job.operand, job.compare).as(256),
    ]);
    const words = mux(swaps, pair, job.operand.zext(256));
    const unit = ofFunction(this.controls, job.function, of => timeoutUnit(of.timeout_value));
    const lanes = width / 32;
    this.unit.set(unit);
    this.size.set(job.size);
    this.result.set({ id: job.id, function: job.function, outcome: DmaOutcome.refused, value: 0 });
    this.beats.set(
      dw
        .zext(5)
        .add(lanes - 1)
        .shr(Math.log2(lanes))
        .trunc(3)
        .max(1),
    );
    this.payload.set(words.shr(Math.min(width, 255)));
    this.beat.set({
      header: requestHeader({
        data: true,
        type: mux(swaps, u(5, TlpType.compareSwap), mux(job.kind.bit(0), u(5, TlpType.swap), TlpType.fetchAdd)),
        address: job.address,
        extent: { length: dw.zext(10), first_be: u(4, 0b1111), last_be: mux(dw.eq(1), u(4, 0), 0b1111) },
        requester_id: ofFunction(this.controls, job.function, of => of.id),
        tag: u(10, this.p.tag),
        attr: requestAttributes(this.controls, job),
        at: job.at,
      }),
      data: width <= 256 ? words.trunc(width) : words.zext(width),
      first: 1,
      last: dw.zext(5).le(lanes),
    });
    when(reads, () => {
      this.beat.header.fmt.set(memoryFmt(job.address, false));
      this.beat.header.type.set(TlpType.memory);
      this.beat.header.first_be.set(0);
    });
    this.reads.set(reads);
    this.state.set('Answer');
    when(allowed, () => this.state.set('Send'));
  }

  /** The beat that follows. */
  private next() {
    const { width } = this.p;
    this.beats.set(this.beats.sub(1));
    this.beat.first.set(0);
    this.beat.last.set(this.beats.eq(2));
    this.beat.data.set(width <= 256 ? this.payload.trunc(width) : this.payload.zext(width));
    this.payload.set(this.payload.shr(Math.min(width, 255)));
  }

  private receive() {
    const { header, data, first, last } = this.completion.payload;
    const { state, result, size } = this;
    const { status, byte_count } = completionFields(header);
    const dw = u(3, 1).shl(size);
    const error = status.ne(Status.success);
    const fits = hasData(header)
      .and(lengthDw(header).eq(dw.zext(11)))
      .and(byte_count.eq(mux(this.reads, u(12, 1), cat(dw, u(2, 0)).as(5).zext(12))));
    const id = ofFunction(this.controls, result.function, of => of.id);
    const belongs = header.type
      .eq(TlpType.completion)
      .and(header.requester_id.eq(id))
      .and(header.tag.eq(this.p.tag))
      .and(error.or(fits));
    const waiting = state.is('Wait');
    const bad = this.completion_bad.and(first.not());
    const live = mux(first, belongs, this.expected).and(waiting);
    const late = belongs.and(this.rests).and(waiting.not());
    const stranger = mux(first, belongs.and(waiting).not().and(late.and(this.silent).not()), this.stranger);
    const whole = allOf([this.completion.valid, last, bad.not()]);
    this.failed.set({
      functions: u(8, 1).shl(result.function),
      unsupported: allOf([whole, live, status.eq(Status.unsupported)]),
      abort: allOf([whole, live, status.eq(Status.abort)]),
      poisoned: allOf([whole, live, header.ep, hasData(header)]),
    });
    this.failure.set(this.failed);
    this.completion.ready.set(1);
    when(this.completion.valid, () => {
      this.expected.set(live);
      this.came.set(mux(last, u(2, 0), this.came.add(1)));
      this.value(live, data);
      this.stranger.set(stranger);
      when(first.and(late), () => this.rests.set(0));
      // A malformed one is reported as such, and as nothing else.
      const owners = ownersOf(this.controls, header.requester_id);
      when(whole.and(stranger), () => this.report(ErrorKind.unexpectedCompletion, 1, owners));
      when(allOf([whole, live, header.ep, error.not()]), () => this.report(ErrorKind.poisoned, 1, owners));
      when(live.and(last), () => {
        const failure = mux(status.eq(Status.abort), u(3, DmaOutcome.abort), DmaOutcome.unsupported);
        this.result.outcome.set(mux(error, failure, mux(header.ep.or(bad), u(3, DmaOutcome.poisoned), DmaOutcome.success)));
        this.state.set('Answer');
        this.rests.set(0);
      });
    });
  }

  /** Keeps the value that a completion brings: a digest may come behind it in a beat of its own. */
  private value(live: Bool, data: UInt<number>) {
    const { width } = this.p;
    const { value } = this.result;
    when(live.and(this.came.eq(0)), () => value.set(width >= 128 ? data.trunc(128) : data.zext(128)));
    if (width < 128) when(live.and(this.came.eq(1)), () => value.set(cat(data, value.trunc(64)).as(128)));
  }

  /** Reports this completion, or a timeout, for functions. */
  private report(kind: number, advisory: 0 | 1, functions: UInt<8>) {
    this.error_valid.set(1);
    this.error.set({
      functions,
      kind,
      advisory,
      header: this.completion.payload.header,
    });
  }
}
