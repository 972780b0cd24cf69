import {
  allOf,
  anyOf,
  type Bool,
  Bundle,
  bool,
  cat,
  connect,
  input,
  Module,
  mux,
  output,
  RegisterFile,
  reg,
  repeat,
  stream,
  u,
  uint,
  when,
} from '@hdl/ts-hdl';
import { detectedBits, ErrorEvent, ErrorLog, loggedStatus, logSettings, Message } from './error-log.ts';
import { correctableErrors, portErrors } from './error-registers.ts';
import { ErrorKind } from './error-report.ts';
import { MulticastControls } from './multicast-controls.ts';
import { ContainingErrors, containing, PortContainment } from './port-containment.ts';
import { portControls } from './port-controls.ts';
import { PortInterrupt, PortInterrupts } from './port-interrupt.ts';
import { portMap } from './port-map.ts';
import type { PortParams } from './port-params.ts';

class Access extends Bundle({ write: bool, register: uint(10), data: uint(32), mask: uint(4), device: uint(13) }) {}

/**
 * The configuration space of a switch port: a type 1 header and the capabilities of `portMap`. An access per cycle; `read_data` is valid 2 cycles after
 * `access_valid`, a write shows in `controls` then. Errors are logged as `ErrorLog` says, in the cycle after they came: an error per cycle, its message 2 cycles later.
 *
 * Resets. `rst`: everything. `hot_reset`: all but what is sticky (error status, masks, severities, header log), windows and bus numbers too (C85).
 * `resets_below` is 1 while software holds the lower side in reset or disables its link, or `hot_reset` is 1: one cycle later, from a register. In D3hot
 * memory enable, I/O enable and bus master are 0 in `controls`. A link that goes down while it is not held in reset is a surprise (AER 5).
 *
 * Containment (C91): what contains the port makes `contains` 1 in the same cycle and takes the link below down, as a disabled one is, until software releases it. No
 * message tells of the error then but ERR_COR, where containment is to send it. MSI: `interrupt` asks for a write in the name of the port.
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
  /** Of a switch with multicast; a change of the window shows two cycles later. */
  readonly multicast = this.p.multicast ? output(MulticastControls) : undefined;
  readonly hot_reset = input(bool);
  /** The link below has a partner; 1 for an upstream port. */
  readonly link_up = input(bool);
  readonly resets_below = output(bool);
  readonly error_valid = input(bool);
  readonly error = input(ErrorEvent);
  /** The errors that contain the port, as the registers said in the cycle before; `error` is one of them. */
  readonly containing = output(ContainingErrors);
  readonly error_contains = input(bool);
  /** The message that an error asks for, 2 cycles after it: one of `Message`. */
  readonly message = output(uint(2));
  /** Pulses: a TLP was dropped; a request was answered with Completer Abort; ERR_NONFATAL or ERR_FATAL came from below. */
  readonly dropped = input(bool);
  readonly aborted = input(bool);
  readonly system_error = input(bool);
  /** With `system_error`: it was ERR_FATAL, and the requester ID of the message. */
  readonly system_error_fatal = input(bool);
  readonly system_error_source = input(uint(16));
  /** The port was contained in the cycle before: nothing that comes behind that passes. */
  readonly contains = output(bool);
  readonly interrupt = output(stream(PortInterrupt));

  private readonly registers = new RegisterFile({ map: this.map });
  private readonly window_end = this.p.multicast ? reg(uint(53), { init: 0 }) : undefined;
  private readonly error_log = new ErrorLog();
  private readonly containment = new PortContainment();
  private readonly interrupts = new PortInterrupts({ sources: 2 });
  /** The access of the cycle before: who accesses is far away, at the same distance from all ports. */
  private readonly taken_valid = reg(bool, { init: 0 });
  private readonly taken = reg(Access);
  private readonly bus_device = reg(uint(13), { init: 0 });
  private readonly drops = reg(uint(32), { init: 0 });
  private readonly below = reg(bool, { init: 0 });
  private readonly was_up = reg(bool, { init: 0 });
  private readonly was_present = reg(bool, { init: 0 });
  /** A surprise that has not been logged; one that is logged in this cycle. */
  private readonly surprised = reg(bool, { init: 0 });
  private readonly surprise = reg(bool, { init: 0 });
  /** What happens to the TLPs behind an error is wanted at once, so what the registers say of it is put together before, and counts a cycle late. */
  private readonly containing_errors = reg(ContainingErrors, { init: { advisory: 0, other: 0 } });
  /** An error of the cycle before, which is logged in this one. */
  private readonly logs = reg(bool, { init: 0 });
  private readonly logged = reg(ErrorEvent);
  /** What the registers said of its kind when it came: it is fatal; masked, as an uncorrectable error and as a correctable one. */
  private readonly rated_fatal = reg(bool);
  private readonly rated_masked = reg(bool);
  private readonly rated_correctable_masked = reg(bool);
  /** The bit of the logged error in the cycle before: only software reads it. */
  private readonly first_error = reg(uint(5), { init: 0 });
  /** The port was contained in the cycle before. */
  private readonly triggered = reg(bool, { init: 0 });
  /** An error of the cycle before contained the port; the one logged in the cycle before did. */
  private readonly contained = reg(bool, { init: 0 });
  private readonly silent = reg(bool, { init: 0 });
  /** The surprise that was logged in the cycle before contains it. */
  private readonly surprise_contains = reg(bool, { init: 0 });

  protected override logic() {
    const { values } = this.registers;
    const { taken_valid, taken } = this;
    taken_valid.set(this.access_valid);
    when(this.access_valid, () =>
      taken.set({
        write: this.access_write,
        register: this.access_register,
        data: this.access_data,
        mask: this.access_mask,
        device: this.access_device,
      }),
    );
    when(taken_valid.and(taken.write), () => this.bus_device.set(taken.device));
    when(this.hot_reset, () => this.bus_device.set(0));
    when(this.dropped, () => this.drops.set(this.drops.add(1)));
    const held = [values.bridge_control.secondary_reset, values.link_control.disable, values.dpc_status.contained];
    this.below.set(anyOf([...held, this.hot_reset, this.containment.trigger]));
    this.resets_below.set(this.below);
    this.serve();
    this.logErrors();
    this.tell();
    this.control();
    this.groups();
  }

  private serve(): void {
    const { values } = this.registers;
    const { error_log: log, containment } = this;
    const up = this.link_up.and(this.below.not());
    const poisoned = this.error_valid.and(this.error.kind.eq(ErrorKind.poisoned)).and(this.error.correctable.not());
    const upstream = this.p.direction === 'upstream' ? u(1, 1) : u(1, 0);
    this.was_up.set(up);
    this.was_present.set(this.link_up);
    connect(this.registers, {
      access_valid: this.taken_valid,
      access_write: this.taken.write,
      access_register: this.taken.register,
      access_data: this.taken.data,
      access_mask: this.taken.mask,
      soft_reset: 0,
      warm_reset: this.hot_reset,
      status: {
        command_status: {
          signalled_system_error: this.message.bit(1).and(values.command_status.serr_enable),
          detected_parity: poisoned.and(upstream),
        },
        io_window: {
          signalled_target_abort: this.aborted,
          received_system_error: this.system_error,
          detected_parity: poisoned.and(upstream.not()),
        },
        device_control: detectedBits(log),
        link_capabilities: { port: this.port.zext(8) },
        slot_capabilities: { number: this.port.zext(13) },
        link_control: { active: this.p.direction === 'upstream' ? u(1, 0) : up },
        slot_control: {
          present: this.link_up,
          presence_changed: this.link_up.ne(this.was_present),
          active_changed: up.ne(this.was_up),
        },
        msi_pending: { vector: this.interrupts.pending },
        dpc_status: {
          contained: containment.trigger,
          reason: containment.reason,
          interrupt: containment.trigger.and(values.dpc.interrupt_enable),
          extension: containment.extension,
          source: containment.source,
        },
        drops: { count: this.drops },
        ...loggedStatus(portErrors, log),
        error_control: { first_error: this.first_error },
      },
    });
    this.first_error.set(log.first_error);
    this.read_data.set(this.registers.read_data);
  }

  private logErrors(): void {
    const { values } = this.registers;
    const { logs, logged, surprised, surprise } = this;
    const settings = logSettings(portErrors, values);
    // A surprise can wait, an error can not.
    const told = surprised.and(this.error_valid.not());
    logs.set(this.error_valid.or(surprised));
    surprise.set(told);
    when(this.error_valid, () => logged.set(this.error)).otherwise(() =>
      logged.set({ correctable: 0, kind: ErrorKind.surpriseDown, advisory: 0, header: 0 }),
    );
    when(this.was_up.and(this.link_up.not()).and(this.below.not()), () => surprised.set(1)).elsewhen(told, () =>
      surprised.set(0),
    );
    // To find a kind in a word takes as long as what follows from it. So it is done before: any bit of these words is that of the kind.
    const kind = mux(this.error_valid, this.error.kind, u(5, ErrorKind.surpriseDown));
    this.rated_fatal.set(settings.severity.bit(kind));
    this.rated_masked.set(settings.mask.bit(kind));
    this.rated_correctable_masked.set(settings.correctable_mask.bit(kind));
    const { bit: advisory } = correctableErrors.advisory;
    const correctable_mask = Array.from({ length: 16 }, (_, i) =>
      i === advisory ? settings.correctable_mask.bit(advisory) : this.rated_correctable_masked,
    );
    connect(this.error_log, {
      event_valid: logs,
      event: logged,
      ...settings,
      severity: repeat(this.rated_fatal, 32),
      mask: repeat(this.rated_masked, 32),
      correctable_mask: cat(...correctable_mask.toReversed()).as(16),
    });

    this.containing_errors.set(containing(values.dpc.trigger_enable, settings.mask, settings.severity));
    this.containing.set(this.containing_errors);
    const by_surprise = surprise.and(this.containing_errors.other.bit(ErrorKind.surpriseDown));
    this.surprise_contains.set(by_surprise.and(values.dpc_status.contained.not()));
    this.contain(this.error_contains);
  }

  private contain(by_error: Bool): void {
    const { dpc, dpc_status, device_control } = this.registers.values;
    connect(this.containment, {
      enable: dpc.trigger_enable,
      contained: dpc_status.contained,
      error: by_error.or(this.surprise_contains),
      message: this.system_error,
      message_fatal: this.system_error_fatal,
      message_source: this.system_error_source,
      software: dpc.software_trigger,
    });
    const { trigger } = this.containment;
    this.triggered.set(trigger);
    this.contains.set(this.triggered);
    this.contained.set(trigger.and(by_error));
    this.silent.set(this.contained);
    const tells = dpc.correctable_enable.and(device_control.correctable_enable);
    this.message.set(
      mux(this.silent.or(this.surprise_contains), mux(tells, u(2, Message.correctable), Message.none), this.error_log.message),
    );
  }

  /** Interrupts of the port: changes in the slot, and containment. */
  private tell(): void {
    const { values } = this.registers;
    const { slot_control: slot, dpc, dpc_status, msi_address, msi_address_upper } = values;
    const changed = anyOf([
      slot.presence_changed.and(slot.presence_changed_enable),
      slot.active_changed.and(slot.active_changed_enable),
    ]);
    connect(this.interrupts, {
      conditions: cat(dpc.interrupt_enable.and(dpc_status.interrupt), slot.interrupt_enable.and(changed)),
      enable: values.msi_control.enable,
      mask: values.msi_mask.vector,
      allowed: values.command_status.bus_master.and(values.power_control.power_state.eq(0)),
      clear: this.hot_reset,
      address: cat(msi_address_upper.address, msi_address.address, u(2, 0)).as(64),
      data: values.msi_data.data,
    });
    this.interrupt.from(this.interrupts.out);
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
      contains: values.dpc.trigger_enable,
      aborts: allOf([values.dpc_status.contained, values.dpc.unsupported.not()]),
      link_up: this.p.direction === 'upstream' ? u(1, 1) : this.link_up.and(this.below.not()),
      mps: values.device_control.max_payload,
      passes_correctable: serr_enable,
      passes_severe: serr_enable.and(command_status.serr_enable),
    });
  }

  private groups(): void {
    const { multicast: out, window_end: end } = this;
    if (!out || !end) return;
    const { values } = this.registers;
    const { multicast, multicast_base, multicast_base_upper } = values;
    const shift = multicast_base.index_position.sub(12);
    const first = cat(multicast_base_upper.base, multicast_base.base).as(52);
    const pages = multicast.last_group.zext(53).add(1).shl(shift);
    end.set(first.zext(53).add(pages));
    out.set({
      enable: multicast.enable.and(multicast_base.index_position.any()),
      first,
      end,
      shift,
      receive: cat(values.multicast_receive_upper.groups, values.multicast_receive.groups).as(64),
      block_all: cat(values.multicast_block_all_upper.groups, values.multicast_block_all.groups).as(64),
      block_untranslated: cat(values.multicast_block_untranslated_upper.groups, values.multicast_block_untranslated.groups).as(
        64,
      ),
    });
  }
}
