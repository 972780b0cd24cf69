import {
  allOf,
  anyOf,
  type Bool,
  bool,
  cat,
  clog2,
  input,
  Module,
  memory,
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
import { ErrorKind, ErrorReport } from '../../config/error-report.ts';
import { functionControls } from '../../config/function-controls.ts';
import { configFields, type Header, hasData, isAtomic, Status, TlpType } from '../../tlp/tlp.ts';
import { type Decoded, decode, type FunctionMap } from './address-decoder.ts';
import { operandSize, readsMemory } from './completion-sequencer.ts';
import { Action, checkedBeat, ErrorEvent, operandBits, Place, PlacedRequest, RequestHead } from './interfaces.ts';
import { acceptsAddressType, faultOf } from './posted-router.ts';

/** Requests that wait at the output: what LUT RAM has anyhow, more would only hide who is slow. */
const waiting = 4;

/**
 * Finds out what to do with non-posted requests (2.3.1), and gathers their payload.
 *
 * | request | action | reported, as advisory because it is answered (C89) |
 * |---|---|---|
 * | MRd that a BAR in the BAR memory claims (C83) | `memory` | |
 * | MRd of up to `register_dws` DW that a register BAR claims | `registers` | |
 * | a longer one | `refuse`: Completer Abort (C52) | completer abort, by its function |
 * | AtomicOp that a BAR in the BAR memory claims, of a function that completes them (C98) | `atomic` | |
 * | CfgRd0, CfgWr0 to a function that exists | `config` | |
 * | the same while the function is reset, or not ready (`retry`) | `refuse`: retry status (C26, C84) | |
 * | CfgWr0 or AtomicOp of these, poisoned | `refuse`: Unsupported Request (C71b) | poisoned, by its function |
 * | every other: locked, I/O, CfgRd1, CfgWr1, other AtomicOps, absent function, memory space disabled (C51) | `refuse`: Unsupported Request | Unsupported Request, by all functions |
 *
 * 1 cycle from the last beat to `out`, a beat per cycle. A request that turns out malformed at its last beat disappears. Without ARI the device number of a
 * configuration request may be any, with it the endpoint has functions 0 to 255, of which the first ones exist. Up to 4 requests wait in LUT RAM; `in.ready`
 * and `out.valid` depend on registers only, so no path leads from those who answer to the link. Reset drops the requests inside.
 */
export class RequestRouter extends Module<{
  readonly width: number;
  readonly maps: readonly FunctionMap[];
  readonly bars: number;
  /** DW that a read of registers may have. */
  readonly register_dws: number;
  readonly ari: boolean;
  /** Functions that complete AtomicOps (C98). */
  readonly atomics: readonly boolean[];
}> {
  readonly in = input(stream(checkedBeat(this.p.width)));
  readonly controls = input(vec(this.p.maps.length, functionControls(this.p.bars)));
  /** Functions that answer configuration requests with retry status. */
  readonly retry = input(uint(this.p.maps.length));
  readonly out = output(stream(PlacedRequest));
  readonly error = output(ErrorEvent);
  private readonly heads = memory(RequestHead, { depth: waiting, style: 'distributed' });
  /** The payload, a memory for each beat that it may have. */
  private readonly operands = Array.from({ length: this.beats }, () =>
    memory(uint(operandBits / this.beats), { depth: waiting, style: 'distributed' }),
  );
  private readonly write_address = reg(uint(clog2(waiting)), { init: 0 });
  private readonly read_address = reg(uint(clog2(waiting)), { init: 0 });
  private readonly used = reg(uint(clog2(waiting + 1)), { init: 0 });
  /** Number of the next beat; it stays at the end of what `operands` hold. */
  private readonly index = reg(uint(3));
  private readonly told = reg(bool, { init: 0 });
  private readonly report = reg(ErrorReport);

  private get beats(): number {
    return Math.max(1, operandBits / this.p.width);
  }

  protected override logic() {
    const { header, last, bad, first } = this.in.payload;
    const { write_address, read_address } = this;
    const whole = allOf([this.in.fire, last, bad.not()]);
    this.queue(whole);
    when(this.in.fire, () => this.gather());
    this.out.put({
      ...this.heads.peek(read_address),
      data: cat(...this.operands.map(o => o.peek(read_address)).toReversed()).as(operandBits),
    });

    const decoded = decode(header, this.controls, this.p.maps);
    const verdict = this.judge(header, decoded);
    when(this.in.fire.and(first), () => {
      const { action, status, function: number } = verdict;
      const { offset, mps } = decoded;
      this.heads.write(write_address, { header, action, status, function: number, offset, mps, answer: answerOf(header) });
      this.report.set({ functions: verdict.functions, kind: verdict.fault, advisory: 1, header });
    });
    const fault = mux(first, verdict.fault, this.report.kind);
    this.told.set(whole.and(fault.any()));
    this.error.set({ valid: this.told, report: this.report });
  }

  /** The requests that wait; the one at `write_address` is among them once it is whole. */
  private queue(whole: Bool): void {
    const { used, write_address, read_address } = this;
    const { fire } = this.out;
    this.in.ready.set(used.ne(waiting));
    this.out.valid.set(used.any());
    when(whole, () => write_address.set(write_address.add(1)));
    when(fire, () => read_address.set(read_address.add(1)));
    when(whole.and(fire.not()), () => used.set(used.add(1))).elsewhen(fire.and(whole.not()), () => used.set(used.sub(1)));
  }

  /** Takes the payload of a beat; a digest of its own beat is left out. */
  private gather(): void {
    const { data, first } = this.in.payload;
    const { beats, operands, write_address } = this;
    const bits = operandBits / beats;
    const index = mux(first, u(3, 0), this.index);
    operands.forEach((operand, i) => {
      when(index.eq(i), () => operand.write(write_address, data.trunc(bits)));
    });
    this.index.set(mux(index.eq(beats), index, index.add(1)));
  }

  private judge(header: Header, decoded: Decoded) {
    const { maps, register_dws, ari, atomics } = this.p;
    const type = (value: number) => header.type.eq(value);
    const { function: number, device } = configFields(header);
    const exists = anyOf(maps.map((_, f) => number.eq(f))).and(ari ? device.any().not() : u(1, 1));
    const config = type(TlpType.config0).and(exists);
    const waits = config.and(
      select(
        number,
        maps.map((_, f) => this.retry.bit(f)),
      ),
    );
    const hit = decoded.hit.and(acceptsAddressType(header));
    const in_memory = hit.and(decoded.place.eq(Place.memory));
    const in_registers = hit.and(decoded.place.eq(Place.registers));
    const read = type(TlpType.memory);
    const too_long = allOf([read, in_registers, header.length.sub(1).ge(register_dws)]);
    const completes = select(
      decoded.function,
      maps.map((_, f) => u(1, atomics[f] ? 1 : 0)),
    );
    const atomic = allOf([isAtomic(header), in_memory, completes]);
    const claimed = anyOf([config, read.and(hit), atomic]);
    const poisoned = header.ep.and(hasData(header));
    const fault = mux(waits, u(5, 0), mux(too_long, u(5, ErrorKind.completerAbort), faultOf(claimed, poisoned)));
    const performs = mux(
      config,
      u(3, Action.config),
      mux(atomic, u(3, Action.atomic), mux(in_registers, u(3, Action.registers), Action.memory)),
    );
    return {
      action: mux(anyOf([waits, fault.any()]), u(3, Action.refuse), performs),
      status: mux(waits, u(3, Status.retry), mux(too_long, u(3, Status.abort), Status.unsupported)),
      function: mux(config, number, decoded.function),
      functions: mux(claimed, mux(config, oneHot(number), decoded.functions), 0xff),
      fault,
    };
  }
}

/** DW of the answer's payload, less 1; of a refused read too, as all of its bytes remain. */
function answerOf(header: Header): UInt<10> {
  const operand = select(operandSize(header), [u(10, 0), u(10, 1), u(10, 3)]);
  return mux(isAtomic(header), operand, mux(readsMemory(header), header.length.sub(1), 0));
}

const oneHot = (number: UInt<3>): UInt<8> => u(8, 1).shl(number);
