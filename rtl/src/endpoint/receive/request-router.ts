import { allOf, anyOf, bool, input, Module, mux, output, reg, select, stream, type UInt, u, uint, vec, when } from '@hdl/ts-hdl';
import { ErrorKind, ErrorReport } from '../../config/error-report.ts';
import { functionControls } from '../../config/function-controls.ts';
import { configFields, type Header, hasData, isAtomic, Status, TlpType } from '../../tlp/tlp.ts';
import { type Decoded, decode, type FunctionMap } from './address-decoder.ts';
import { operandSize } from './completion-sequencer.ts';
import { Action, checkedBeat, ErrorEvent, operandBits, Place, PlacedRequest } from './interfaces.ts';
import { acceptsAddressType, faultOf } from './posted-router.ts';

/**
 * Finds out what to do with non-posted requests (2.3.1), and gathers their payload.
 *
 * | request | action | reported, as advisory because it is answered (C89) |
 * |---|---|---|
 * | MRd that a BAR in the BAR memory claims (C83) | `memory` | |
 * | MRd of up to `register_dws` DW that a register BAR claims | `registers` | |
 * | a longer one | `refuse`: Completer Abort (C52) | completer abort, by its function |
 * | AtomicOp that a BAR in the BAR memory claims (C98) | `atomic` | |
 * | CfgRd0, CfgWr0 to a function that exists | `config` | |
 * | the same while the function is reset, or not ready (`retry`) | `refuse`: retry status (C26, C84) | |
 * | CfgWr0 or AtomicOp of these, poisoned | `refuse`: Unsupported Request (C71b) | poisoned, by its function |
 * | every other: locked, I/O, CfgRd1, CfgWr1, AtomicOp to registers, absent function, memory space disabled (C51) | `refuse`: Unsupported Request | Unsupported Request, by all functions |
 *
 * 1 cycle from the last beat to `out`, a beat per cycle. A request that turns out malformed at its last beat disappears. Without ARI the device number of a
 * configuration request may be any, with it the endpoint has functions 0 to 255, of which the first ones exist. `in.ready` depends on `out.ready`; outputs
 * come from registers. Reset drops the request inside.
 */
export class RequestRouter extends Module<{
  readonly width: number;
  readonly maps: readonly FunctionMap[];
  readonly bars: number;
  /** DW that a read of registers may have. */
  readonly register_dws: number;
  readonly ari: boolean;
}> {
  readonly in = input(stream(checkedBeat(this.p.width)));
  readonly controls = input(vec(this.p.maps.length, functionControls(this.p.bars)));
  /** Functions that answer configuration requests with retry status. */
  readonly retry = input(uint(this.p.maps.length));
  readonly out = output(stream(PlacedRequest));
  readonly error = output(ErrorEvent);
  private readonly held = reg(bool, { init: 0 });
  private readonly request = reg(PlacedRequest);
  /** Number of the next beat; it stays at the end of what `data` holds. */
  private readonly index = reg(uint(3));
  private readonly told = reg(bool, { init: 0 });
  private readonly report = reg(ErrorReport);

  protected override logic() {
    const { header, last, bad, first } = this.in.payload;
    this.in.ready.set(this.held.not().or(this.out.ready));
    const whole = allOf([this.in.fire, last, bad.not()]);
    when(this.in.ready, () => this.held.set(whole));
    when(this.in.fire, () => this.gather());
    this.out.valid.set(this.held);
    this.out.put(this.request);

    const decoded = decode(header, this.controls, this.p.maps);
    const verdict = this.judge(header, decoded);
    when(this.in.fire.and(first), () => {
      this.request.header.set(header);
      this.request.action.set(verdict.action);
      this.request.status.set(verdict.status);
      this.request.function.set(verdict.function);
      this.request.offset.set(decoded.offset);
      this.request.mps.set(decoded.mps);
      this.request.answer.set(answerOf(header));
      this.report.set({ functions: verdict.functions, kind: verdict.fault, advisory: 1, header });
    });
    const fault = mux(first, verdict.fault, this.report.kind);
    this.told.set(whole.and(fault.any()));
    this.error.set({ valid: this.told, report: this.report });
  }

  /** Takes the payload of a beat; a digest of its own beat is left out. */
  private gather(): void {
    const { data, first } = this.in.payload;
    const { width } = this.p;
    const beats = operandBits / width;
    if (beats <= 1) {
      when(first, () => this.request.data.set(data.trunc(operandBits)));
      return;
    }
    const index = mux(first, u(3, 0), this.index);
    for (let i = 0; i < beats; i++) when(index.eq(i), () => this.request.data.part(i * width, width).set(data));
    this.index.set(mux(index.eq(beats), index, index.add(1)));
  }

  private judge(header: Header, decoded: Decoded) {
    const { maps, register_dws, ari } = this.p;
    const type = (value: number) => header.type.eq(value);
    const { function: number, device } = configFields(header);
    const exists = anyOf(maps.map((_, f) => number.eq(f))).and(ari ? device.any().not() : u(1, 1));
    const config = type(TlpType.config0).and(exists);
    const waits = config.and(
      select(
        number,
        this.controls.map(({ resetting }, f) => resetting.or(this.retry.bit(f))),
      ),
    );
    const hit = decoded.hit.and(acceptsAddressType(header));
    const in_memory = hit.and(decoded.place.eq(Place.memory));
    const in_registers = hit.and(decoded.place.eq(Place.registers));
    const read = type(TlpType.memory);
    const too_long = allOf([read, in_registers, header.length.sub(1).ge(register_dws)]);
    const atomic = isAtomic(header).and(in_memory);
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

/** DW of the answer's payload, less 1. */
function answerOf(header: Header): UInt<10> {
  const operand = select(operandSize(header), [u(10, 0), u(10, 1), u(10, 3)]);
  return mux(isAtomic(header), operand, mux(header.type.eq(TlpType.memory), header.length.sub(1), 0));
}

const oneHot = (number: UInt<3>): UInt<8> => u(8, 1).shl(number);
