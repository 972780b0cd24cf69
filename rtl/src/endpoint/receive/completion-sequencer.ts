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
  repeat,
  select,
  stream,
  type UInt,
  u,
  uint,
  vec,
  when,
} from '@hdl/ts-hdl';
import { firstByte, type Header, hasData, Status, TlpType } from '../../tlp/tlp.ts';
import { laneBits } from '../lane-rotator.ts';
import { beatPlan } from './completion-plan.ts';
import { Action, memoryWindow, PlacedRequest } from './interfaces.ts';

/** log2 of the operand's DW of an AtomicOp: 0 to 2. */
export const operandSize = (h: Header): UInt<2> =>
  mux(h.type.eq(TlpType.compareSwap), h.length.part(2, 2), h.length.bit(1).zext(2));

/** A read of memory, a locked one too. */
export const readsMemory = (h: Header): Bool => h.type.bits(4, 1).eq(TlpType.memory >> 1);

/** Bytes after the last enabled one in a DW. */
const bytesAfter = (enables: UInt<4>): UInt<2> =>
  mux(enables.bit(3), u(2, 0), mux(enables.bit(2), u(2, 1), mux(enables.bit(1), u(2, 2), u(2, 3))));

/** What stays the same in all completions of a request. */
class Answer extends Bundle({
  memory: bool,
  slow: bool,
  data: bool,
  locked: bool,
  status: uint(3),
  tc: uint(3),
  attr: uint(3),
  requester_id: uint(16),
  tag: uint(10),
  function: uint(3),
  /** A configuration write, and the ID that it was sent to. */
  config_write: bool,
  target: uint(16),
  /** DW in MPS, less 1. */
  limit: uint(10),
  /** Bytes behind the last one that was asked for, in its DW. */
  after: uint(2),
}) {}

/**
 * Divides the answer to each request into completions and these into beats (2.3.1.1), and asks for the data of each beat.
 *
 * Reads of the BAR memory end at multiples of MPS (C57), which are multiples of the endpoint's read completion boundary of 128 bytes (C54); each beat is one
 * window of the memory, so data at any DW needs as many reads as the completion has beats. Byte Count and Lower Address per completion (C55), 1 DW for a read
 * of nothing (C8), the operand's size for an AtomicOp, 4 and 0 for everything else. Traffic class, attributes, requester and tag are the request's (C12, C13);
 * the completer ID is that of the addressed function, of a configuration write the one that it was sent to (C24). A failed request gets one completion
 * without data (C53), a locked one of the locked kind; a configuration request that met a function which is being reset gets retry status (C86).
 *
 * A request is taken when the one before has its last beat planned, and where its first completion ends is found out then; its first beat is planned 1 cycle
 * later, then a beat per cycle, also across completions and requests. What each beat depends on is ready in registers. The window of a beat is asked for with
 * the beat before it, that of a request's first beat when the request is taken; where the memory serves another reader then, with the beat's own plan. `slow`
 * requests (configuration, registers, AtomicOps) are taken, and begin, when all earlier completions are made (`idle`), and are planned when `slow_done` says
 * that the result is there in the next cycle.
 *
 * `plan.valid` depends on `window.ready`, `window.valid` on `request.valid` and on `plan.ready`, which comes from a register of the FIFO behind;
 * `request.ready` on both. Reset drops the request under way.
 */
export class CompletionSequencer extends Module<{
  readonly width: number;
  readonly address_width: number;
  readonly functions: number;
}> {
  private readonly dwordBits = this.p.address_width + laneBits(this.p.width);
  readonly request = input(stream(PlacedRequest));
  /** ID of each function. */
  readonly id = input(vec(this.p.functions, uint(16)));
  /** All plans were taken. */
  readonly idle = input(bool);
  readonly slow = output(stream(PlacedRequest));
  readonly slow_done = input(bool);
  /** From `slow_done` on: the function did not take the access, so its requester shall try again. */
  readonly slow_retry = input(bool);
  readonly window = output(stream(memoryWindow(this.p.width, this.p.address_width)));
  readonly plan = output(stream(beatPlan(this.p.width)));
  /** A request is under way. */
  private readonly loaded = reg(bool, { init: 0 });
  private readonly answer = reg(Answer);
  /** The result of the slow request is there. */
  private readonly done = reg(bool);
  /** The next beat: is not the request's first; is the first of its completion, the last; belongs to the last completion. */
  private readonly second = reg(bool);
  private readonly begins = reg(bool);
  private readonly last = reg(bool);
  private readonly of_last = reg(bool);
  /** Its window was asked for. */
  private readonly asked = reg(bool);
  /** DW address of the next beat in the BAR memory, of something else than a read 0. */
  private readonly address = reg(uint(this.dwordBits));
  /** That of the beat behind it, if it is of the same completion, and if it is of the next one, which begins at a multiple of MPS. */
  private readonly next_address = reg(uint(this.dwordBits));
  private readonly boundary = reg(uint(this.dwordBits));
  /** DW less 1: of the request from this completion on, behind it, and of the completion from the next beat on. */
  private readonly left = reg(uint(10));
  private readonly rest = reg(uint(10));
  private readonly completion_left = reg(uint(10));
  /** First byte that was asked for, in the completion's first DW. */
  private readonly offset = reg(uint(2));
  /** Byte Count less 4 for each of `left`: signed. */
  private readonly bytes_more = reg(uint(4));

  protected override logic() {
    const { loaded, request, plan, answer, slow } = this;
    const { action } = request.payload;
    const memory = action.eq(Action.memory);
    const refused = action.eq(Action.refuse);
    const begins_slow = memory.or(refused).not();

    const possible = loaded.and(answer.slow.not().or(this.slow_done).or(this.done));
    const asks = answer.memory.and(this.asked.not());
    plan.valid.set(possible.and(asks.not().or(this.window.ready)));
    const { fire } = plan;
    const ends = allOf([fire, this.last, this.of_last]);
    this.ask(asks, possible, memory);

    const quiet = this.idle.and(loaded.not());
    slow.valid.set(request.valid.and(begins_slow).and(quiet));
    slow.put(request.payload);
    request.ready.set(mux(begins_slow, quiet.and(slow.ready), loaded.not().or(ends)));

    when(this.slow_done, () => this.done.set(1));
    when(fire, () => this.advance());
    when(ends, () => loaded.set(0));
    when(request.fire, () => {
      loaded.set(1);
      this.load(memory, refused);
    });
    this.describe();
  }

  /** Asks for the window of the beat that is planned (`asks`); or, as its own was asked for, of the one that follows. */
  private ask(asks: Bool, possible: Bool, memory: Bool): void {
    const { loaded, window, plan, request, answer } = this;
    const bits = laneBits(this.p.width);
    const own = loaded.and(asks);
    const final = this.last.and(this.of_last);
    const first = loaded.not().or(final);
    const comes = request.valid.and(memory);
    // An AtomicOp still writes when its answer is planned.
    const follows = mux(final, comes.and(answer.slow.not()), answer.memory);
    window.valid.set(mux(own, plan.ready, mux(loaded, allOf([possible, plan.ready, follows]), comes)));
    const address = mux(own, this.address, mux(first, this.firstAddress(), this.following()));
    window.put({ address: address.part(bits, this.p.address_width), start: address.trunc(bits) });
    when(plan.fire.or(request.fire), () => this.asked.set(window.fire.and(own.not())));
  }

  /** DW address of the first beat of the request that stands at the input. */
  private firstAddress(): UInt<number> {
    const { header, offset } = this.request.payload;
    const low = header.address.part(2, 10);
    return (this.dwordBits > 10 ? cat(offset.part(12, this.dwordBits - 10), low) : low).as(this.dwordBits);
  }

  /** Puts down where a beat lies, and where the ones behind it may. */
  private place(address: UInt<number>, limit: UInt<10>): void {
    const high = address.width > 10 ? [address.part(10, address.width - 10)] : [];
    const end = cat(...high, address.trunc(10).or(limit)).as(this.dwordBits);
    this.address.set(address);
    this.next_address.set(address.add(2 ** laneBits(this.p.width)));
    this.boundary.set(end.add(1));
  }

  /** DW address of the beat that follows. */
  private following(): UInt<number> {
    return mux(this.last, this.boundary, this.next_address);
  }

  /** Takes a request and divides its first completion off. */
  private load(memory: Bool, refused: Bool): void {
    const { header, action, status, function: number, mps, answer: left } = this.request.payload;
    const bits = laneBits(this.p.width);
    const read = readsMemory(header);
    const config_write = action.eq(Action.config).and(hasData(header));
    const limit = select(
      mps,
      [0, 1, 2, 3, 4, 5].map(code => u(10, (32 << code) - 1)),
    );
    const low = header.address.part(2, 10);
    // DW up to the next multiple of MPS, less 1: what is above the address below it.
    const room = low.not().and(limit);
    const whole = memory.not().or(left.le(room));
    const single = (dws: UInt<10>): Bool => dws.shr(bits).any().not();
    const one = header.length.eq(1);
    const first_byte = firstByte(header.first_be);
    const after = bytesAfter(mux(one, header.first_be, header.last_be));
    const none = one.and(header.first_be.any().not());
    const enabled = mux(none, u(4, 1), u(4, 4).sub(first_byte.zext(4)).sub(after.zext(4)));

    this.answer.set({
      memory,
      slow: memory.or(refused).not(),
      data: refused.or(config_write).not(),
      locked: header.type.eq(TlpType.memoryLocked),
      status: mux(refused, status, Status.success),
      tc: header.tc,
      attr: header.attr,
      requester_id: header.requester_id,
      tag: header.tag,
      function: number,
      config_write,
      target: header.address.part(16, 16),
      limit,
      after,
    });
    this.done.set(0);
    this.second.set(0);
    this.begins.set(1);
    this.last.set(refused.or(mux(whole, single(left), single(room))));
    this.of_last.set(whole);
    this.place(mux(read, this.firstAddress(), 0), limit);
    this.left.set(left);
    this.rest.set(left.add(room.not()));
    this.completion_left.set(mux(whole, left, room));
    this.offset.set(mux(read, first_byte, 0));
    this.bytes_more.set(mux(read, enabled, 4));
  }

  /** A beat is planned: the next one of the completion, or the first one of the next completion, which begins at a multiple of MPS. */
  private advance(): void {
    const { last, rest, completion_left } = this;
    const { limit, after } = this.answer;
    const bits = laneBits(this.p.width);
    const lanes = 2 ** bits;
    this.second.set(1);
    this.begins.set(last);
    this.place(this.following(), limit);
    when(last, () => {
      const whole = rest.and(limit.not()).any().not();
      this.last.set(rest.shr(bits).any().not());
      this.of_last.set(whole);
      this.left.set(rest);
      this.rest.set(rest.add(limit.not()));
      this.completion_left.set(mux(whole, rest, limit));
      this.offset.set(0);
      this.bytes_more.set(u(4, 4).sub(after.zext(4)));
    }).otherwise(() => {
      this.last.set(completion_left.shr(bits).eq(1));
      this.completion_left.set(completion_left.sub(lanes));
    });
  }

  private describe(): void {
    const { answer, left, bytes_more, address, slow_retry } = this;
    const { memory, locked, tc, attr, requester_id, tag, config_write, target } = answer;
    const retried = answer.slow.and(slow_retry);
    const data = answer.data.and(retried.not());
    const more = cat(repeat(bytes_more.bit(3), 8), bytes_more).as(12);
    this.plan.put({
      memory,
      start: address.trunc(laneBits(this.p.width)),
      second: this.second,
      first: this.begins,
      last: this.last,
      data,
      locked,
      length: mux(data, this.completion_left.add(1), 0),
      status: mux(retried, u(3, Status.retry), answer.status),
      byte_count: left.cat(u(2, 0)).add(more),
      lower_address: address.trunc(5).cat(this.offset),
      tc,
      attr,
      requester_id,
      tag,
      completer_id: mux(config_write.and(retried.not()), target, select(answer.function, this.id)),
    });
  }
}
