import { anyOf, bool, cat, connect, input, Module, mux, output, RegisterFile, reg, u, uint, when } from '@hdl/ts-hdl';
import { bitsOf, ErrorEvent, ErrorLog, wordOf } from './error-log.ts';
import { correctableErrors } from './error-registers.ts';
import { ErrorKind } from './error-report.ts';
import { portControls } from './port-controls.ts';
import { portMap } from './port-map.ts';
import type { PortParams } from './port-params.ts';
import { portErrors } from './port-registers.ts';

/**
 * The configuration space of a switch port: a type 1 header and the capabilities of `portMap`. An access per cycle; `read_data` is valid one cycle after
 * `access_valid`, a write shows in `controls` then. Errors are logged as `ErrorLog` says: an error per cycle, its message one cycle later.
 *
 * Resets. `rst`: everything. `hot_reset`: all but what is sticky (error status, masks, severities, header log), windows and bus numbers too (C85).
 * `resets_below` is 1 while software holds the lower side in reset or disables its link, or `hot_reset` is 1: one cycle later, from a register. In D3hot
 * memory enable, I/O enable and bus master are 0 in `controls`. A link that goes down while it is not held in reset is a surprise (AER 5).
 */
export class PortConfigSpace extends Module<PortParams> {
  private readonly map = portMap(this.p);
  /** Number of the port: 0 upstream, j + 1 downstream port j. */
  readonly port = input(uint(6));
  readonly access_valid = input(bool);
  readonly access_write = input(bool);
  readonly access_register = input(uint(10));
  readonly access_data = input(uint(32));
  readonly access_mask = input(uint(4));
  /** Bus and device number that the access was sent to: taken from writes (C24). */
  readonly access_device = input(uint(13));
  readonly read_data = output(uint(32));
  readonly controls = output(portControls(this.p.ports));
  readonly hot_reset = input(bool);
  /** The link below has a partner; 1 for an upstream port. */
  readonly link_up = input(bool);
  readonly resets_below = output(bool);
  readonly error_valid = input(bool);
  readonly error = input(ErrorEvent);
  /** The message that the error of the cycle before asks for: one of `Message`. */
  readonly message = output(uint(2));
  /** Pulses: a TLP was dropped; a request was answered with Completer Abort; ERR_NONFATAL or ERR_FATAL came from below. */
  readonly dropped = input(bool);
  readonly aborted = input(bool);
  readonly system_error = input(bool);

  private readonly registers = new RegisterFile({ map: this.map });
  private readonly error_log = new ErrorLog();
  private readonly bus_device = reg(uint(13), { init: 0 });
  private readonly drops = reg(uint(32), { init: 0 });
  private readonly below = reg(bool, { init: 0 });
  private readonly was_up = reg(bool, { init: 0 });
  /** A surprise that has not been logged. */
  private readonly surprised = reg(bool, { init: 0 });

  protected override logic() {
    const { values } = this.registers;
    when(this.access_valid.and(this.access_write), () => this.bus_device.set(this.access_device));
    when(this.hot_reset, () => this.bus_device.set(0));
    when(this.dropped, () => this.drops.set(this.drops.add(1)));
    this.below.set(anyOf([values.bridge_control.secondary_reset, values.link_control.disable, this.hot_reset]));
    this.resets_below.set(this.below);
    this.serve();
    this.logErrors();
    this.control();
  }

  private serve(): void {
    const { values } = this.registers;
    const log = this.error_log;
    const up = this.link_up.and(this.below.not());
    const poisoned = this.error_valid.and(this.error.kind.eq(ErrorKind.poisoned)).and(this.error.correctable.not());
    const word = (index: number) => ({ word: log.header_log.word(3 - index, 32) });
    const upstream = this.p.direction === 'upstream' ? u(1, 1) : u(1, 0);
    this.was_up.set(up);
    connect(this.registers, {
      access_valid: this.access_valid,
      access_write: this.access_write,
      access_register: this.access_register,
      access_data: this.access_data,
      access_mask: this.access_mask,
      soft_reset: 0,
      warm_reset: this.hot_reset,
      status: {
        command_status: {
          signalled_system_error: log.message.bit(1).and(values.command_status.serr_enable),
          detected_parity: poisoned.and(upstream),
        },
        io_window: {
          signalled_target_abort: this.aborted,
          received_system_error: this.system_error,
          detected_parity: poisoned.and(upstream.not()),
        },
        device_control: {
          correctable_detected: log.detected.correctable,
          nonfatal_detected: log.detected.nonfatal,
          fatal_detected: log.detected.fatal,
          unsupported_detected: log.detected.unsupported,
        },
        link_capabilities: { port: this.port.zext(8) },
        slot_capabilities: { number: this.port.zext(13) },
        link_control: { active: this.p.direction === 'upstream' ? u(1, 0) : up },
        slot_control: { present: this.link_up, active_changed: up.ne(this.was_up) },
        drops: { count: this.drops },
        uncorrectable_status: bitsOf(portErrors, log.set_uncorrectable),
        correctable_status: bitsOf(correctableErrors, log.set_correctable),
        error_control: { first_error: log.first_error },
        header_log_0: word(0),
        header_log_1: word(1),
        header_log_2: word(2),
        header_log_3: word(3),
      },
    });
    this.read_data.set(this.registers.read_data);
  }

  private logErrors(): void {
    const { values } = this.registers;
    const { device_control, command_status } = values;
    const surprise = this.surprised.and(this.error_valid.not());
    when(this.was_up.and(this.link_up.not()).and(this.below.not()), () => this.surprised.set(1)).elsewhen(surprise, () =>
      this.surprised.set(0),
    );
    const { correctable, kind, advisory, header } = this.error;
    connect(this.error_log, {
      event_valid: this.error_valid.or(this.surprised),
      event: {
        correctable: correctable.and(surprise.not()),
        kind: mux(surprise, u(5, ErrorKind.surpriseDown), kind),
        advisory: advisory.and(surprise.not()),
        header: mux(surprise, u(128, 0), header),
      },
      status: wordOf(portErrors, values.uncorrectable_status, 32, 0).as(32),
      mask: wordOf(portErrors, values.uncorrectable_mask, 32, 1).as(32),
      severity: wordOf(portErrors, values.uncorrectable_severity, 32, 0).as(32),
      correctable_mask: wordOf(correctableErrors, values.correctable_mask, 16, 1).as(16),
      enables: {
        correctable: device_control.correctable_enable,
        nonfatal: device_control.nonfatal_enable,
        fatal: device_control.fatal_enable,
        unsupported: device_control.unsupported_enable,
        serr: command_status.serr_enable,
      },
    });
    this.message.set(this.error_log.message);
  }

  private control(): void {
    const { values } = this.registers;
    const { command_status, buses, io_window, io_upper, memory_window, prefetch_window, bridge_control, acs } = values;
    const active = values.power_control.power_state.eq(0);
    const { serr_enable } = bridge_control;
    const vector = cat(values.acs_egress_upper.vector, values.acs_egress.vector);
    this.controls.set({
      id: cat(this.bus_device, u(3, 0)).as(16),
      memory_enable: command_status.memory_enable.and(active),
      io_enable: command_status.io_enable.and(active),
      bus_master: command_status.bus_master.and(active),
      secondary: buses.secondary,
      subordinate: buses.subordinate,
      io_base: cat(io_upper.base, io_window.base).as(20),
      io_limit: cat(io_upper.limit, io_window.limit).as(20),
      memory_base: memory_window.base,
      memory_limit: memory_window.limit,
      prefetch_base: cat(values.prefetch_base_upper.address, prefetch_window.base).as(44),
      prefetch_limit: cat(values.prefetch_limit_upper.address, prefetch_window.limit).as(44),
      acs: {
        source_validation: acs.source_validation,
        translation_blocking: acs.translation_blocking,
        request_redirect: acs.redirect_requests,
        completion_redirect: acs.redirect_completions,
        upstream_forwarding: acs.upstream_forwarding,
        egress_control: acs.egress_control,
        direct_translated: acs.direct_translated,
      },
      egress_vector: vector.part(1, this.p.ports),
      ari_forwarding: values.device_control_2.ari_forwarding,
      atomic_blocked: values.device_control_2.atomic_blocked,
      link_up: this.p.direction === 'upstream' ? u(1, 1) : this.link_up.and(this.below.not()),
      mps: values.device_control.max_payload,
      passes_correctable: serr_enable,
      passes_severe: serr_enable.and(command_status.serr_enable),
    });
  }
}
