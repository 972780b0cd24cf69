import {
  allOf,
  anyOf,
  bool,
  cat,
  connect,
  HdlError,
  input,
  Module,
  mux,
  output,
  reg,
  stream,
  type UInt,
  u,
  uint,
  vec,
  wire,
} from '@hdl/ts-hdl';
import { ErrorKind, ErrorReport } from '../../config/error-report.ts';
import { functionControls } from '../../config/function-controls.ts';
import { TlpType, tlpBeat } from '../../tlp/tlp.ts';
import { laneBits } from '../lane-rotator.ts';
import type { FunctionMap } from './address-decoder.ts';
import { Completer } from './completer.ts';
import { resultBits } from './completion-builder.ts';
import { ErrorCollector } from './error-collector.ts';
import { atomicRequest, memoryWindow, PlacedRequest, RegisterWrite, windowWrite } from './interfaces.ts';
import { PostedBarrier } from './posted-barrier.ts';
import { PostedRouter } from './posted-router.ts';
import { PostedWriter } from './posted-writer.ts';
import { RequestRouter } from './request-router.ts';
import { TlpChecker } from './tlp-checker.ts';

export interface ReceiveSideParams {
  /** Bits of a beat and of a memory word: 64, 128, 256 or 512. */
  readonly width: number;
  /** Bits of a BAR memory address, which counts words. */
  readonly address_width: number;
  /** 1 to 8 functions, and what lies behind their BARs. */
  readonly maps: readonly FunctionMap[];
  /** BARs of `functionControls`. */
  readonly bars: number;
  /** DW that a read of registers may have, 1 or 2: longer ones are aborted (C52). 2 by default. */
  readonly register_dws?: 1 | 2;
  /** Alternative routing IDs: the device number of configuration requests is part of the function number. Off by default. */
  readonly ari?: boolean;
  /** By function: it completes AtomicOps (C98). All do by default. */
  readonly atomics?: readonly boolean[];
}

/**
 * Everything that an endpoint does with what it receives (2.3).
 *
 *     posted ─────► TlpChecker ─► PostedRouter ─► PostedWriter ─┬─► link_write (BAR memory)
 *                                     │   PostedBarrier         └─► register_write
 *     non_posted ─► TlpChecker ─► RequestRouter ─► Completer ─┬─► tx
 *                                     │                       └─► link_read, atomic, config, register
 *     completion ─► TlpChecker ───────│───► requester
 *                       └─────────────┴─► ErrorCollector ─► error
 *
 * Never waits for the transmit side, but for non-posted requests, which wait for their completions to leave. The consumer of `completion` promises to
 * take what it asked for. `non_posted` keeps `LinkReceiver`'s promise: a request is offered 2 cycles after the last earlier posted beat was taken at the
 * earliest; it then sees all posted writes before it.
 *
 * | from | to | cycles |
 * |---|---|---|
 * | `posted` | `link_write` or `register_write` | 3 |
 * | `non_posted` | `tx` | 5 from the BAR memory (6 if another reader takes the turn of the first word), 5 if refused, 5 configuration, 6 register |
 * | `completion` | `requester` | 1 |
 *
 * A beat per cycle on all paths, whatever the alignment and without idle cycle between TLPs, but for writes to registers (a DW per cycle) and slow requests. All
 * outputs come from registers except those of `Completer` that say otherwise. Reset drops everything under way.
 */
export class ReceiveSide extends Module<ReceiveSideParams> {
  private readonly functions = this.p.maps.length;
  readonly posted = input(stream(tlpBeat(this.p.width)));
  readonly non_posted = input(stream(tlpBeat(this.p.width)));
  readonly completion = input(stream(tlpBeat(this.p.width)));
  readonly controls = input(vec(this.functions, functionControls(this.p.bars)));
  /** Functions whose configuration space takes no access in this cycle: requests for it get retry status. */
  readonly retry = input(uint(this.functions));
  /** Completions that are well formed and sent to one of the functions. */
  readonly requester = output(stream(tlpBeat(this.p.width)));
  /** With the last beat of `requester`: the completion had more or fewer beats than its header says and is malformed. */
  readonly requester_bad = output(bool);
  /** Completions of the endpoint. */
  readonly tx = output(stream(tlpBeat(this.p.width)));
  readonly error = output(stream(ErrorReport));
  readonly pme_turn_off = output(bool);
  readonly slot_power_valid = output(bool);
  readonly slot_power = output(uint(10));

  readonly link_write = output(stream(windowWrite(this.p.width, this.p.address_width)));
  readonly link_read = output(stream(memoryWindow(this.p.width, this.p.address_width)));
  readonly link_data = input(stream(uint(this.p.width)));
  readonly atomic = output(stream(atomicRequest(this.p.address_width + laneBits(this.p.width))));
  readonly atomic_result = input(stream(uint(resultBits)));
  readonly register_write = output(stream(RegisterWrite));
  readonly register_valid = output(bool);
  readonly register_function = output(uint(3));
  readonly register_address = output(uint(32));
  /** 2 cycles after `register_valid`. */
  readonly register_data = input(uint(32));
  readonly config_valid = output(bool);
  readonly config_function = output(uint(3));
  readonly config_write = output(bool);
  readonly config_register = output(uint(10));
  readonly config_data = output(uint(32));
  readonly config_mask = output(uint(4));
  readonly config_id = output(uint(16));
  /** 1 cycle after `config_valid`. */
  readonly config_read_data = input(uint(32));

  private readonly posted_checker = new TlpChecker({ width: this.p.width, of: 'posted' });
  private readonly request_checker = new TlpChecker({ width: this.p.width, of: 'non-posted' });
  private readonly completion_checker = new TlpChecker({ width: this.p.width, of: 'completion' });
  private readonly posted_router = new PostedRouter({ width: this.p.width, maps: this.p.maps, bars: this.p.bars });
  private readonly writer = new PostedWriter({ width: this.p.width, address_width: this.p.address_width });
  private readonly barrier = new PostedBarrier();
  private readonly request_router = new RequestRouter({
    width: this.p.width,
    maps: this.p.maps,
    bars: this.p.bars,
    register_dws: this.p.register_dws ?? 2,
    ari: this.p.ari ?? false,
    atomics: this.p.atomics ?? this.p.maps.map(() => true),
  });
  private readonly completer = new Completer({
    width: this.p.width,
    address_width: this.p.address_width,
    functions: this.functions,
  });
  private readonly collector = new ErrorCollector({
    events: 5,
    kinds: [
      { kind: ErrorKind.malformed, sources: [0, 1, 2] },
      { kind: ErrorKind.unexpectedCompletion, sources: [2] },
      { kind: ErrorKind.unsupported, sources: [3, 4] },
      { kind: ErrorKind.poisoned, sources: [3, 4] },
      { kind: ErrorKind.completerAbort, sources: [4] },
    ],
  });
  private readonly mps = reg(uint(3), { init: 0 });
  /** The request that may go. */
  private readonly request = wire(stream(PlacedRequest));

  protected override logic() {
    if (this.functions < 1 || this.functions > 8)
      throw new HdlError(`an endpoint has 1 to 8 functions, not ${this.functions}`, { help: 'give a map for each function' });
    // Codes beyond 5 are reserved and mean the largest payload.
    this.mps.set(this.controls.map(c => c.mps).reduce<UInt<3>>((a, b) => mux(a.gt(b), a, b), u(3, 0)));
    this.receivePosted();
    this.receiveRequests();
    this.receiveCompletions();
    const events = [this.posted_checker, this.request_checker, this.completion_checker, this.posted_router, this.request_router];
    connect(this.collector, { event: events.map(block => block.error) });
    this.error.from(this.collector.out);
  }

  private receivePosted(): void {
    const { posted_checker, posted_router, writer, request_checker, request_router, barrier } = this;
    connect(posted_checker, { in: this.posted, mps: this.mps, foreign: 0 });
    connect(posted_router, { in: posted_checker.out, controls: this.controls });
    connect(writer, { in: posted_router.out });
    this.link_write.from(writer.memory_write);
    this.register_write.from(writer.register_write);
    this.pme_turn_off.set(posted_router.pme_turn_off);
    this.slot_power_valid.set(posted_router.slot_power_valid);
    this.slot_power.set(posted_router.slot_power);
    connect(barrier, {
      checked: posted_checker.out.valid,
      checked_moves: posted_checker.out.valid.and(posted_router.in.ready),
      routed: posted_router.out.valid,
      writing: writer.busy,
      done: writer.done,
      request_comes: this.non_posted.valid.and(request_checker.in.ready),
      request_moves: request_checker.out.valid.and(request_router.in.ready),
    });
  }

  private receiveRequests(): void {
    const { request_checker, request_router, completer, barrier } = this;
    const open = barrier.closed.not();
    connect(request_checker, { in: this.non_posted, mps: this.mps, foreign: 0 });
    connect(request_router, { in: request_checker.out, controls: this.controls, retry: this.retry });
    this.request.valid.set(request_router.out.valid.and(open));
    this.request.put(request_router.out.payload);
    request_router.out.ready.set(this.request.ready.and(open));
    connect(completer, {
      request: this.request,
      id: this.controls.map(c => c.id),
      // What was routed just before a reset began meets it here.
      unready: cat(...this.controls.map(c => c.resetting).toReversed())
        .as(this.functions)
        .or(this.retry),
      config_read_data: this.config_read_data,
      register_data: this.register_data,
      link_data: this.link_data,
      atomic_result: this.atomic_result,
    });
    this.tx.from(completer.tx);
    this.link_read.from(completer.link_read);
    this.atomic.from(completer.atomic);
    this.config_valid.set(completer.config_valid);
    this.config_function.set(completer.config_function);
    this.config_write.set(completer.config_write);
    this.config_register.set(completer.config_register);
    this.config_data.set(completer.config_data);
    this.config_mask.set(completer.config_mask);
    this.config_id.set(completer.config_id);
    this.register_valid.set(completer.register_valid);
    this.register_function.set(completer.register_function);
    this.register_address.set(completer.register_address);
  }

  private receiveCompletions(): void {
    const { completion_checker } = this;
    const { header } = this.completion.payload;
    const mine = anyOf(this.controls.map(c => c.id.eq(header.requester_id)));
    const foreign = allOf([mine, header.type.eq(TlpType.completion)]).not();
    connect(completion_checker, { in: this.completion, mps: this.mps, foreign });
    const { valid, ready, payload } = completion_checker.out;
    this.requester.valid.set(valid);
    this.requester.put({ header: payload.header, data: payload.data, first: payload.first, last: payload.last });
    ready.set(this.requester.ready);
    this.requester_bad.set(payload.bad);
  }
}
