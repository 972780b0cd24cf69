import {
  type Bool,
  bool,
  cat,
  input,
  Module,
  mux,
  output,
  reg,
  select,
  stream,
  type UInt,
  u,
  uint,
  vec,
  when,
} from '@hdl/ts-hdl';
import { firstByte, type Header, hasData, isAtomic, TlpType } from '../../tlp/tlp.ts';
import { laneBits } from '../lane-rotator.ts';
import { beatPlan } from './completion-plan.ts';
import { Action, memoryWindow, PlacedRequest } from './interfaces.ts';

/** log2 of the operand's DW of an AtomicOp: 0 to 2. */
export const operandSize = (h: Header): UInt<2> =>
  mux(h.type.eq(TlpType.compareSwap), h.length.part(2, 2), h.length.bit(1).zext(2));

/** Bytes after the last enabled one in a DW. */
const bytesAfter = (enables: UInt<4>): UInt<2> =>
  mux(enables.bit(3), u(2, 0), mux(enables.bit(2), u(2, 1), mux(enables.bit(1), u(2, 2), u(2, 3))));

/**
 * Divides the answer to each request into completions and these into beats (2.3.1.1), and asks for the data of each beat.
 *
 * Reads of the BAR memory end at multiples of MPS (C57), which are multiples of the endpoint's read completion boundary of 128 bytes (C54); each beat is one
 * window of the memory, so data at any DW needs as many reads as the completion has beats. Byte Count and Lower Address per completion (C55), 1 DW for a read
 * of nothing (C8), the operand's size for an AtomicOp, 4 and 0 for everything else. Traffic class, attributes, requester and tag are the request's (C12, C13);
 * the completer ID is that of the addressed function, of a configuration write the one that it was sent to (C24). A failed request gets one completion
 * without data (C53), a locked one of the locked kind.
 *
 * A beat per cycle, also across completions and requests; the first beat is planned, and its data asked for, in the cycle in which the request is offered; a
 * request is taken with its last beat. `slow` requests (configuration, registers, AtomicOps) begin when all earlier completions are made (`idle`), and go on
 * when `slow_done` says that the result is there in the next cycle.
 *
 * `plan.valid` depends on `window.ready`, `window.valid` on `plan.ready`, which comes from a register of the FIFO behind; `request.ready` on both. Reset
 * drops the request under way.
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
  readonly window = output(stream(memoryWindow(this.p.width, this.p.address_width)));
  readonly plan = output(stream(beatPlan(this.p.width)));
  /** The request's first beat is planned: the registers below count. */
  private readonly started = reg(bool, { init: 0 });
  /** The next beat is the first of its completion. */
  private readonly begins = reg(bool);
  /** DW address of the next beat in the BAR memory. */
  private readonly address = reg(uint(this.dwordBits));
  /** DW left, less 1: of the request, of the completion under way. */
  private readonly left = reg(uint(10));
  private readonly completion_left = reg(uint(10));
  /** The slow request is under way; its result is there. */
  private readonly waiting = reg(bool, { init: 0 });
  private readonly ready = reg(bool, { init: 0 });

  protected override logic() {
    const { started, request, plan, window } = this;
    const { header, action, mps, offset } = request.payload;
    const bits = laneBits(this.p.width);
    const lanes = 2 ** bits;
    const is = (value: number): Bool => action.eq(value);
    const memory = is(Action.memory);
    const refused = is(Action.refuse);
    const slow = memory.or(refused).not();

    const begins = started.not().or(this.begins);
    const low = header.address.part(2, 10);
    const whole_address = this.dwordBits > 10 ? cat(offset.part(12, this.dwordBits - 10), low) : low;
    const address = mux(started, this.address, whole_address.as(this.dwordBits));
    const left = mux(started, this.left, request.payload.answer);
    // DW up to the next multiple of MPS, less 1: what is above the address below it.
    const limit = select(
      mps,
      [0, 1, 2, 3, 4, 5].map(code => u(10, (32 << code) - 1)),
    );
    const room = address.trunc(10).not().and(limit);
    const whole = memory.not().or(left.le(room));
    const completion_left = mux(begins, mux(whole, left, room), this.completion_left);
    const final = begins.and(whole).or(started.and(left.eq(completion_left)));
    const last = refused.or(completion_left.shr(bits).any().not());

    const slow_ready = this.slow_done.or(this.ready);
    const possible = request.valid.and(mux(slow, slow_ready, 1));
    window.valid.set(possible.and(memory).and(plan.ready));
    window.put({ address: address.part(bits, this.p.address_width), start: address.trunc(bits) });
    plan.valid.set(possible.and(memory.not().or(window.ready)));
    const fire = plan.fire;
    const ends = last.and(final);
    request.ready.set(fire.and(ends));

    this.slow.valid.set(request.valid.and(slow).and(this.idle).and(this.waiting.not()));
    this.slow.put(request.payload);
    when(this.slow.fire, () => this.waiting.set(1));
    when(this.slow_done, () => this.ready.set(1));
    when(fire, () => {
      started.set(ends.not());
      this.begins.set(last);
      const step = mux(last, completion_left.add(1), lanes);
      this.address.set(address.add(step.zext(Math.max(10, this.dwordBits)).trunc(this.dwordBits)));
      this.left.set(left.sub(step));
      this.completion_left.set(completion_left.sub(lanes));
      when(ends, () => {
        this.waiting.set(0);
        this.ready.set(0);
      });
    });
    this.describe({ memory, refused, begins, last, address: address.trunc(10), left, completion_left });
  }

  private describe(now: {
    readonly memory: Bool;
    readonly refused: Bool;
    readonly begins: Bool;
    readonly last: Bool;
    readonly address: UInt<10>;
    readonly left: UInt<10>;
    readonly completion_left: UInt<10>;
  }): void {
    const { started } = this;
    const { header, action, status, function: number } = this.request.payload;
    const read = header.type.bits(4, 1).eq(TlpType.memory >> 1);
    const config_write = action.eq(Action.config).and(hasData(header));
    const data = now.refused.or(config_write).not();
    const offset = mux(started, u(2, 0), firstByte(header.first_be));
    const one = header.length.eq(1);
    const after = bytesAfter(mux(one, header.first_be, header.last_be));
    const none = one.and(header.first_be.any().not());
    // A refused read is answered as a whole, so all of its bytes remain.
    const dwords = mux(started, now.left, header.length.sub(1));
    const remaining = dwords.addx(1).cat(u(2, 0)).sub(offset.zext(13)).sub(after.zext(13));
    const other = mux(isAtomic(header), select(operandSize(header), [u(13, 4), u(13, 8), u(13, 16)]), 4);
    const bytes = mux(read, mux(none, u(13, 1), remaining), other);
    this.plan.put({
      memory: now.memory,
      start: now.address.trunc(laneBits(this.p.width)),
      second: started,
      first: now.begins,
      last: now.last,
      data,
      locked: header.type.eq(TlpType.memoryLocked),
      length: mux(data, now.completion_left.add(1), 0),
      status: mux(now.refused, status, 0),
      byte_count: bytes.trunc(12),
      lower_address: mux(read, cat(now.address.trunc(5), offset).as(7), 0),
      tc: header.tc,
      attr: header.attr,
      requester_id: header.requester_id,
      tag: header.tag,
      completer_id: mux(config_write, header.address.part(16, 16), select(number, this.id)),
    });
  }
}
