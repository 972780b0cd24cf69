import {
  allOf,
  anyOf,
  type Bool,
  bool,
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
  when,
} from '@hdl/ts-hdl';
import { ErrorKind, ErrorReport } from '../../config/error-report.ts';
import { functionControls } from '../../config/function-controls.ts';
import { type Header, hasData, isMessage } from '../../tlp/tlp.ts';
import { decode, type FunctionMap } from './address-decoder.ts';
import { checkedBeat, ErrorEvent, Place, placedBeat } from './interfaces.ts';
import { hasCode, supportedMessage } from './message-rules.ts';

/** An address type that an endpoint takes: untranslated or translated (C11). */
export const acceptsAddressType = (h: Header): Bool => h.at.bit(0).not();

/**
 * Finds out where posted TLPs go (2.3.1).
 *
 * | TLP | goes to | reported (6.2) |
 * |---|---|---|
 * | MWr that a BAR claims, memory space enabled (C83) | that BAR's place | |
 * | the same, poisoned (C71b) | nowhere | poisoned, by its function |
 * | other MWr; MWr with the address type of a translation request | nowhere | Unsupported Request (C51), by all functions |
 * | messages | nowhere | as in `messageRules`; Unsupported Request by all functions |
 *
 * All beats come out of `out`, also those that go nowhere: `PostedBarrier` counts them. What is found for the first beat holds for the TLP. A TLP that turns
 * out malformed at its end is not reported again. 1 cycle of latency, a beat per cycle; all outputs come from registers, `in.ready` depends on `out.ready`.
 * `pme_turn_off` and `slot_power_valid` are pulses. Reset drops the beat inside.
 */
export class PostedRouter extends Module<{
  readonly width: number;
  readonly maps: readonly FunctionMap[];
  /** BARs of `functionControls`. */
  readonly bars: number;
}> {
  readonly in = input(stream(checkedBeat(this.p.width)));
  readonly controls = input(vec(this.p.maps.length, functionControls(this.p.bars)));
  readonly out = output(stream(placedBeat(this.p.width)));
  readonly error = output(ErrorEvent);
  /** The host is about to take power away and waits for PME_TO_Ack. */
  readonly pme_turn_off = output(bool);
  readonly slot_power_valid = output(bool);
  /** Set_Slot_Power_Limit: scale in 9:8, value in 7:0. */
  readonly slot_power = output(uint(10));
  private readonly beat_valid = reg(bool, { init: 0 });
  private readonly beat = reg(placedBeat(this.p.width));
  /** What will be reported of the TLP in `beat`: 0 is nothing. */
  private readonly fault = reg(uint(5));
  private readonly functions = reg(uint(8));
  private readonly told = reg(bool, { init: 0 });
  private readonly report = reg(ErrorReport);
  private readonly turn_off = reg(bool, { init: 0 });
  private readonly power_valid = reg(bool, { init: 0 });
  private readonly power = reg(uint(10));

  protected override logic() {
    const { header, data, first, last, bad } = this.in.payload;
    const decoded = decode(header, this.controls, this.p.maps);
    const message = isMessage(header);
    const claimed = mux(message, supportedMessage(header), decoded.hit.and(acceptsAddressType(header)));
    const poisoned = header.ep.and(hasData(header));
    const found = faultOf(claimed, poisoned);
    const fault = mux(first, found, this.fault);
    const functions = mux(first, mux(message.or(claimed.not()), u(8, 0xff), decoded.functions), this.functions);

    this.in.ready.set(this.beat_valid.not().or(this.out.ready));
    when(this.in.ready, () => this.beat_valid.set(this.in.valid));
    when(this.in.fire, () => {
      this.beat.data.set(data);
      this.beat.first.set(first);
      this.beat.last.set(last);
      this.beat.bad.set(bad);
      when(first, () => {
        this.fault.set(found);
        this.functions.set(functions);
        this.beat.place.set(mux(anyOf([message, found.any()]), u(2, Place.nowhere), decoded.place));
        this.beat.function.set(decoded.function);
        this.beat.offset.set(decoded.offset);
        this.beat.length.set(header.length);
        this.beat.first_be.set(header.first_be);
        this.beat.last_be.set(header.last_be);
      });
    });
    this.out.valid.set(this.beat_valid);
    this.out.put(this.beat);

    const done = allOf([this.in.fire, last, bad.not()]);
    this.told.set(done.and(fault.any()));
    this.report.set({ functions, kind: fault, advisory: 0, header });
    this.error.set({ valid: this.told, report: this.report });

    const fine = allOf([done, message, fault.any().not()]);
    this.turn_off.set(fine.and(hasCode(header, [0x19])));
    this.pme_turn_off.set(this.turn_off);
    const power = fine.and(hasCode(header, [0x50]));
    this.power_valid.set(power);
    when(power, () => this.power.set(data.trunc(10)));
    this.slot_power_valid.set(this.power_valid);
    this.slot_power.set(this.power);
  }
}

/** What is wrong with a request: one of `ErrorKind`, or 0. Nobody's is reported before poisoned (6.2.3.2.3). */
export const faultOf = (claimed: Bool, poisoned: Bool): UInt<5> =>
  mux(claimed, mux(poisoned, u(5, ErrorKind.poisoned), 0), ErrorKind.unsupported);
