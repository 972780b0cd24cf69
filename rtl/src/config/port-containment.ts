import { allOf, anyOf, type Bool, Bundle, bool, input, Module, mux, output, reg, type UInt, u, uint, when } from '@hdl/ts-hdl';

/** What a port contains: the trigger enable of its control register. */
export const Contains = { nothing: 0, fatal: 1, nonfatal: 2 } as const;

/** By the bits of the error registers: which errors contain a port, if they are advisory or if they are not. */
export class ContainingErrors extends Bundle({ advisory: uint(32), other: uint(32) }) {}

/** They are found from what the registers say; such as are non-fatal count as correctable if they are advisory. */
export function containing(enable: UInt<2>, mask: UInt<32>, severity: UInt<32>) {
  const fatal = mux(enable.any(), severity.and(mask.not()), 0);
  const nonfatal = mux(enable.eq(Contains.nonfatal), severity.or(mask).not(), 0);
  return { advisory: fatal, other: fatal.or(nonfatal) };
}

/** Whether an error message from below contains the port that it comes by: ERR_FATAL, else ERR_NONFATAL. */
export const messageContains = (enable: UInt<2>, fatal: Bool): Bool => mux(fatal, enable.any(), enable.eq(Contains.nonfatal));

/** Why a port was contained: the trigger reason of its status register; `other` is software here. */
export const ContainedBecause = { error: 0, nonfatal: 1, fatal: 2, other: 3 } as const;

/**
 * Downstream port containment (6.2.11, C91): decides when a port contains what is below it. The fatal errors of the port that are not masked, and ERR_FATAL from below,
 * do it where the enable says so; with `Contains.nonfatal` also non-fatal ones and ERR_NONFATAL. Software does it wherever something is enabled.
 *
 * `trigger` is of the cycle of its cause, and stays away while `contained`; `reason`, `extension` and `source` stand from the next cycle on until the next trigger.
 * `rst` clears them; other resets do not (sticky).
 */
export class PortContainment extends Module {
  /** One of `Contains`. */
  readonly enable = input(uint(2));
  /** The status register says that the port is contained. */
  readonly contained = input(bool);
  /** An error of the port itself that does it, see `containing`; ERR_NONFATAL or ERR_FATAL came from below; software asks for it. */
  readonly error = input(bool);
  readonly message = input(bool);
  readonly message_fatal = input(bool);
  readonly software = input(bool);
  /** Requester ID of the message. */
  readonly message_source = input(uint(16));
  readonly trigger = output(bool);
  /** One of `ContainedBecause`; for `other` the extension: 1 is software. */
  readonly reason = output(uint(2));
  readonly extension = output(uint(2));
  /** Requester ID of who sent the message; 0 if none did. */
  readonly source = output(uint(16));

  private readonly held_reason = reg(uint(2), { init: 0 });
  private readonly held_source = reg(uint(16), { init: 0 });

  protected override logic() {
    const { enable, error } = this;
    const message = this.message.and(messageContains(enable, this.message_fatal));
    const trigger = allOf([this.contained.not(), anyOf([error, message, this.software.and(enable.any())])]);
    this.trigger.set(trigger);
    when(trigger, () => {
      const told = mux(this.message_fatal, u(2, ContainedBecause.fatal), ContainedBecause.nonfatal);
      this.held_reason.set(mux(error, u(2, ContainedBecause.error), mux(message, told, ContainedBecause.other)));
      this.held_source.set(mux(message.and(error.not()), this.message_source, 0));
    });
    this.reason.set(this.held_reason);
    this.extension.set(mux(this.held_reason.eq(ContainedBecause.other), u(2, 1), 0));
    this.source.set(this.held_source);
  }
}
