import {
  anyOf,
  type Bool,
  bool,
  cat,
  clog2,
  connect,
  input,
  Module,
  output,
  RegisterFile,
  reg,
  type UInt,
  u,
  uint,
  when,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { barState, clearedBits, insideOf } from './bar-state.ts';
import { detectedBits, ErrorEvent, ErrorLog, loggedStatus, logSettings } from './error-log.ts';
import { uncorrectableErrors } from './error-registers.ts';
import { ErrorKind } from './error-report.ts';
import { functionControls } from './function-controls.ts';
import { FunctionEvents } from './function-events.ts';
import { functionMap } from './function-map.ts';
import type { BarParams, FunctionParams, FunctionPlace } from './function-params.ts';

export interface FunctionConfigParams {
  readonly function: FunctionParams;
  readonly place: FunctionPlace;
  /** BARs in `controls`: as many as the function has, or more, which then are 0. */
  readonly bars: number;
  /** Cycles after a reset of any kind in which configuration requests are answered with Request Retry Status (C86). */
  readonly not_ready_cycles: number;
}

/** Cycles that a function level reset lasts at least. */
export const shortestReset = 16;

/**
 * The configuration space of one function of an endpoint: a type 0 header and the capabilities of `functionMap`. An access per cycle; `read_data` is valid
 * one cycle after `access_valid`, a write shows in `controls` then. While `retry` is 1 accesses do nothing.
 *
 * Resets. `rst`: everything. `hot_reset`: all but what is sticky (error status, masks, severities, header log). Initiate Function Level Reset, and the way
 * from D3hot to D0 without No_Soft_Reset: all but what is sticky, the payload limit, the link's control, and bus and device number (C84); `controls.resetting`
 * is then 1 from one cycle after the write, for `shortestReset` cycles at least and until `quiet` is 1. `retry` is 1 meanwhile, and `not_ready_cycles` longer.
 *
 * In D3hot, and while resetting, memory enable and bus master are 0 in `controls` (C81, C83). The size of a resizable BAR changes only where memory
 * enable was 0 before the write (C94); address bits below it read 0.
 */
export class FunctionConfigSpace extends Module<FunctionConfigParams> {
  private readonly map = functionMap(this.p.function, this.p.place);
  readonly access_valid = input(bool);
  readonly access_write = input(bool);
  readonly access_register = input(uint(10));
  readonly access_data = input(uint(32));
  readonly access_mask = input(uint(4));
  /** Bus and device number that the access was sent to: taken from writes (C24). */
  readonly access_device = input(uint(13));
  readonly read_data = output(uint(32));
  readonly retry = output(bool);
  readonly controls = output(functionControls(this.p.bars));
  readonly hot_reset = input(bool);
  /** No block does anything for the function any more. */
  readonly quiet = input(bool);
  readonly events = input(FunctionEvents);
  /** This function logs `error`. */
  readonly error_valid = input(bool);
  readonly error = input(ErrorEvent);
  /** The message that the error of the cycle before asks for: one of `Message`. */
  readonly message = output(uint(2));

  private readonly registers = new RegisterFile({ map: this.map });
  private readonly error_log = new ErrorLog();
  private readonly bus_device = reg(uint(13), { init: 0 });
  private readonly resetting = reg(bool, { init: 0 });
  private readonly reset_cycles = reg(uint(clog2(shortestReset)), { init: 0 });
  private readonly was_d3 = reg(bool, { init: 0 });
  private readonly not_ready =
    this.p.not_ready_cycles > 0 ? reg(uint(clog2(this.p.not_ready_cycles + 1)), { init: this.p.not_ready_cycles }) : undefined;

  protected override logic() {
    const { values } = this.registers;
    const { device_control } = values;
    const d3 = values.power_control.power_state.eq(3);
    const start = this.startsReset(d3);
    const resetting = anyOf([start, this.resetting, this.hot_reset]);
    const retry = this.not_ready ? resetting.or(this.not_ready.any()) : resetting;
    const access = this.access_valid.and(retry.not());
    this.retry.set(retry);

    this.serve(access);
    this.logErrors();
    when(access.and(this.access_write), () => this.bus_device.set(this.access_device));
    when(this.hot_reset, () => this.bus_device.set(0));
    if (this.not_ready) {
      const { not_ready } = this;
      when(not_ready.any(), () => not_ready.set(not_ready.sub(1)));
      when(resetting, () => not_ready.set(this.p.not_ready_cycles));
    }

    const active = d3.or(resetting).not();
    this.controls.set({
      id: cat(this.bus_device, u(3, this.p.place.number)).as(16),
      memory_enable: values.command_status.memory_enable.and(active),
      bus_master: values.command_status.bus_master.and(active),
      mps: device_control.max_payload,
      mrrs: device_control.max_read_request,
      relaxed_ordering: device_control.relaxed_ordering,
      no_snoop: device_control.no_snoop,
      extended_tag: device_control.extended_tag,
      ten_bit_tag: values.device_control_2.ten_bit_requester,
      timeout_value: values.device_control_2.timeout_value,
      timeout_disable: values.device_control_2.timeout_disable,
      atomic_requester: values.device_control_2.atomic_requester,
      ido_request: values.device_control_2.ido_request,
      ido_completion: values.device_control_2.ido_completion,
      ecrc_generate: values.error_control.ecrc_generate,
      ecrc_check: values.error_control.ecrc_check,
      msix_enable: values.msix_control.enable,
      msix_mask: values.msix_control.function_mask,
      acs: this.acs(),
      acs_egress: values.acs_egress.vector,
      ats_enable: values.ats.enable,
      ats_unit: values.ats.smallest_unit,
      resetting,
      bars: Array.from({ length: this.p.bars }, (_, i) => this.bar(i)),
    });
  }

  /** A function level reset begins: 1 for one cycle. */
  private startsReset(d3: Bool): Bool {
    const { initiate_reset } = this.registers.values.device_control;
    this.was_d3.set(d3);
    const wakes = this.p.function.no_soft_reset === false ? this.was_d3.and(d3.not()).and(this.resetting.not()) : u(1, 0);
    const start = initiate_reset.or(wakes);
    when(this.resetting, () => {
      when(this.reset_cycles.ne(shortestReset - 1), () => this.reset_cycles.set(this.reset_cycles.add(1))).elsewhen(
        this.quiet,
        () => this.resetting.set(0),
      );
    });
    when(start, () => {
      this.resetting.set(1);
      this.reset_cycles.set(1);
    });
    when(this.hot_reset, () => {
      this.resetting.set(0);
      this.was_d3.set(0);
    });
    return start;
  }

  private serve(access: Bool) {
    const { values } = this.registers;
    const resizes = anyOf(
      this.map.registers
        .filter(({ name }) => name.startsWith('resize_control'))
        .map(({ offset }) => this.access_register.eq(offset / 4))
        .concat(u(1, 0)),
    );
    const log = this.error_log;
    const { events } = this;
    const failed = (kind: number) => this.error_valid.and(this.error.correctable.not()).and(this.error.kind.eq(kind));
    connect(this.registers, {
      access_valid: access,
      access_write: this.access_write.and(resizes.and(values.command_status.memory_enable).not()),
      access_register: this.access_register,
      access_data: this.access_data,
      access_mask: this.access_mask,
      soft_reset: this.resetting,
      warm_reset: this.hot_reset,
      status: {
        command_status: {
          master_data_parity: events.poisoned_data.and(values.command_status.parity_response),
          signalled_target_abort: failed(ErrorKind.completerAbort),
          received_target_abort: events.received_abort,
          received_master_abort: events.received_unsupported,
          signalled_system_error: log.message.bit(1).and(values.command_status.serr_enable),
          detected_parity: failed(ErrorKind.poisoned),
        },
        bar_0: this.cleared(0),
        bar_1: this.cleared(1),
        bar_2: this.cleared(2),
        bar_3: this.cleared(3),
        bar_4: this.cleared(4),
        bar_5: this.cleared(5),
        device_control: {
          ...detectedBits(log),
          transactions_pending: events.transactions_pending,
        },
        ...loggedStatus(uncorrectableErrors, log),
      },
    });
    this.read_data.set(this.registers.read_data);
  }

  private logErrors() {
    const { values } = this.registers;
    connect(this.error_log, {
      event_valid: this.error_valid,
      event: this.error,
      ...logSettings(uncorrectableErrors, values),
    });
    this.message.set(this.error_log.message);
  }

  private acs(): UInt<7> {
    const { acs } = this.registers.values;
    return cat(acs.direct_translated, acs.egress_control, u(1, 0), acs.redirect_completions, acs.redirect_requests, u(2, 0)).as(
      7,
    );
  }

  private barWords() {
    const { bar_0, bar_1, bar_2, bar_3, bar_4, bar_5 } = this.registers.values;
    return [bar_0, bar_1, bar_2, bar_3, bar_4, bar_5];
  }

  private bar(index: number) {
    const bar = this.p.function.bars[index];
    if (!bar) return { base: u(64, 0), compare: u(52, 0) };
    const words = this.barWords();
    return barState(bar, at(words, bar.slot), words[bar.slot + 1], this.inside(bar));
  }

  /** Address bits inside a BAR as it is sized now. */
  private inside(bar: BarParams): UInt<64> {
    const { values } = this.registers;
    const controls = [
      values.resize_control_0,
      values.resize_control_1,
      values.resize_control_2,
      values.resize_control_3,
      values.resize_control_4,
      values.resize_control_5,
    ];
    const index = this.p.function.bars.filter(other => other.resizable).indexOf(bar);
    return insideOf(bar, controls[index]?.size);
  }

  /** What hardware clears in the word of a slot. */
  private cleared(slot: number) {
    const bar = this.p.function.bars.find(bar => bar.slot === slot || (bar.width === 64 && bar.slot + 1 === slot));
    if (!bar) return { attributes: u(4, 0), base: u(28, 0) };
    return clearedBits(bar, this.inside(bar), bar.slot !== slot);
  }
}
