import { type Bool, Bundle, bool, cat, input, Module, mux, output, reg, type UInt, u, uint, when } from '@hdl/ts-hdl';
import { correctableErrors } from './error-registers.ts';
import { ErrorKind } from './error-report.ts';
import type { reportFields } from './express-fields.ts';

/** An error as the configuration spaces of a device see it. */
export class ErrorEvent extends Bundle({
  /** `kind` is a `CorrectableKind`, else an `ErrorKind`. */
  correctable: bool,
  kind: uint(5),
  advisory: bool,
  /** As in the header log. */
  header: uint(128),
}) {}

/** What a function may report: device control, and SERR enable of the command register. */
export class ReportEnables extends Bundle({
  correctable: bool,
  nonfatal: bool,
  fatal: bool,
  unsupported: bool,
  serr: bool,
}) {}

/** Bits of device status. */
export class Detected extends Bundle({ correctable: bool, nonfatal: bool, fatal: bool, unsupported: bool }) {}

/** The message that an error makes a function send, the worst one last. */
export const Message = { none: 0, correctable: 1, nonfatal: 2, fatal: 3 } as const;

/** A bit of a word for each error of a list; bits of no error are `rest`. */
export function wordOf<L extends Errors>(
  list: L,
  bits: { readonly [N in keyof L]: Bool },
  width: number,
  rest: 0 | 1,
): UInt<number> {
  const names = Object.keys(list) as (keyof L)[];
  const places = Array.from({ length: width }, (_, bit) => names.find(name => list[name]?.bit === bit));
  return cat(...places.map(name => (name === undefined ? u(1, rest) : bits[name])).toReversed());
}

/** The bits of a word by the errors of a list. */
export function bitsOf<L extends Errors>(list: L, word: UInt<number>): { readonly [N in keyof L]: Bool } {
  const entries = Object.entries(list).map(([name, { bit }]) => [name, word.bit(bit)] as const);
  return Object.fromEntries(entries) as { readonly [N in keyof L]: Bool };
}
type Errors = { readonly [name: string]: { readonly bit: number } };

/**
 * Error logging of one function (6.2, C87 to C89): what an error sets in its registers, and the message that it is to send. An error per cycle; what is
 * set goes to the registers in the cycle of `event_valid`, `message` stands one cycle later, for one cycle.
 *
 * The severity register tells fatal from non-fatal. A masked error sets its status bit and nothing else. An advisory error whose severity is non-fatal is
 * logged as correctable; its uncorrectable status bit and header only if advisory errors are not masked. Unsupported Requests want their own enable beside
 * the one of their severity; SERR enable stands for both.
 *
 * The header of the first unmasked error is kept until software clears that error's status bit; only then another one can be logged. `rst` forgets it;
 * other resets do not (sticky).
 */
export class ErrorLog extends Module {
  readonly event_valid = input(bool);
  readonly event = input(ErrorEvent);
  /** The AER registers; bits of no error are 1 in the masks. */
  readonly status = input(uint(32));
  readonly mask = input(uint(32));
  readonly severity = input(uint(32));
  readonly correctable_mask = input(uint(16));
  readonly enables = input(ReportEnables);

  /** Bits to set in the status registers, and in device status. */
  readonly set_uncorrectable = output(uint(32));
  readonly set_correctable = output(uint(16));
  readonly detected = output(Detected);
  /** One of `Message`. */
  readonly message = output(uint(2));
  /** Bit of the logged error; 0 while there is none. */
  readonly first_error = output(uint(5));
  readonly header_log = output(uint(128));

  private readonly message_word = reg(uint(2), { init: 0 });
  private readonly logged = reg(bool, { init: 0 });
  private readonly first = reg(uint(5));
  private readonly words = reg(uint(128));

  protected override logic() {
    const { event, enables } = this;
    const valid = this.event_valid;
    const fatal = this.severity.bit(event.kind);
    const masked = this.mask.bit(event.kind);
    const unsupported = event.correctable.not().and(event.kind.eq(ErrorKind.unsupported));
    const advisory = event.correctable.not().and(event.advisory).and(fatal.not());
    const advisoryMasked = this.correctable_mask.bit(correctableErrors.advisory.bit);
    const as_correctable = event.correctable.or(advisory);
    const uncorrectable = valid.and(event.correctable.not()).and(advisory.not().or(advisoryMasked.not()));
    const reportable = unsupported.not().or(enables.unsupported);

    const bit = u(32, 1).shl(event.kind);
    this.set_uncorrectable.set(mux(uncorrectable, bit, u(32, 0)));
    const correctable = mux(advisory, u(16, 1).shl(correctableErrors.advisory.bit), bit.trunc(16));
    this.set_correctable.set(mux(valid.and(as_correctable), correctable, u(16, 0)));
    this.detected.set({
      correctable: valid.and(as_correctable),
      nonfatal: valid.and(as_correctable.not()).and(fatal.not()),
      fatal: valid.and(as_correctable.not()).and(fatal),
      unsupported: valid.and(unsupported),
    });

    const holding = this.logged.and(this.status.bit(this.first));
    this.first_error.set(mux(holding, this.first, u(5, 0)));
    // What is logged for nothing is read as 0: whether the error counts is known too late to let 128 bits in.
    this.header_log.set(mux(this.logged, this.words, u(128, 0)));
    this.logged.set(holding);
    when(valid.and(holding.not()), () => {
      this.logged.set(uncorrectable.and(masked.not()));
      this.first.set(event.kind);
      this.words.set(event.header);
    });

    const correctableMasked = mux(advisory, advisoryMasked, this.correctable_mask.bit(event.kind));
    const enabled = mux(fatal, enables.fatal, enables.nonfatal);
    const report: UInt<2> = mux(
      as_correctable,
      mux(correctableMasked.not().and(enables.correctable).and(reportable), u(2, Message.correctable), Message.none),
      mux(
        masked.not().and(enables.serr.or(enabled.and(reportable))),
        mux(fatal, u(2, Message.fatal), Message.nonfatal),
        u(2, Message.none),
      ),
    );
    this.message_word.set(mux(valid, report, Message.none));
    this.message.set(this.message_word);
  }
}

/** Status of the error registers as a log sets it: those of `errorRegisters` for a list of uncorrectable errors. */
export function loggedStatus<L extends Errors>(list: L, log: ErrorLog) {
  const word = (index: number) => ({ word: log.header_log.word(3 - index, 32) });
  return {
    uncorrectable_status: bitsOf(list, log.set_uncorrectable),
    correctable_status: bitsOf(correctableErrors, log.set_correctable),
    error_control: { first_error: log.first_error },
    header_log_0: word(0),
    header_log_1: word(1),
    header_log_2: word(2),
    header_log_3: word(3),
  };
}

/** The errors that device status tells of, by the names of `detectedFields`. */
export const detectedBits = ({ detected }: ErrorLog) => ({
  correctable_detected: detected.correctable,
  nonfatal_detected: detected.nonfatal,
  fatal_detected: detected.fatal,
  unsupported_detected: detected.unsupported,
});

/** What a log is to know of the registers that it serves. */
export function logSettings<L extends Errors>(list: L, values: LogRegisters<L>) {
  const { device_control, command_status } = values;
  return {
    status: wordOf(list, values.uncorrectable_status, 32, 0).as(32),
    mask: wordOf(list, values.uncorrectable_mask, 32, 1).as(32),
    severity: wordOf(list, values.uncorrectable_severity, 32, 0).as(32),
    correctable_mask: wordOf(correctableErrors, values.correctable_mask, 16, 1).as(16),
    enables: {
      correctable: device_control.correctable_enable,
      nonfatal: device_control.nonfatal_enable,
      fatal: device_control.fatal_enable,
      unsupported: device_control.unsupported_enable,
      serr: command_status.serr_enable,
    },
  };
}

type Bits<L> = { readonly [N in keyof L]: Bool };
interface LogRegisters<L> {
  readonly uncorrectable_status: Bits<L>;
  readonly uncorrectable_mask: Bits<L>;
  readonly uncorrectable_severity: Bits<L>;
  readonly correctable_mask: Bits<typeof correctableErrors>;
  readonly device_control: Bits<typeof reportFields>;
  readonly command_status: { readonly serr_enable: Bool };
}
