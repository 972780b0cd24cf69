import {
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
  when,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { tlpBeat } from '../tlp/tlp.ts';
import { ConfigAccess, ConfigAnswer } from './config-access.ts';
import { ErrorEvent } from './error-log.ts';
import { ErrorMessages } from './error-messages.ts';
import { ErrorKind, ErrorReport } from './error-report.ts';
import { FunctionConfigSpace } from './function-config-space.ts';
import { functionControls } from './function-controls.ts';
import { FunctionEvents } from './function-events.ts';
import type { FunctionParams } from './function-params.ts';
import { headerWords } from './header-words.ts';

export interface ConfigSpacesParams {
  /** Bits of a beat: 64, 128, 256 or 512. */
  readonly width: number;
  /** 1 to 8, function 0 first. */
  readonly functions: readonly FunctionParams[];
  /** Cycles after a reset of any kind in which configuration requests are answered with Request Retry Status (C86); none by default. */
  readonly not_ready_cycles?: number;
}

/** Errors that no TLP's header belongs to. */
const withoutHeader = [
  ErrorKind.dataLink,
  ErrorKind.surpriseDown,
  ErrorKind.flowControl,
  ErrorKind.completionTimeout,
  ErrorKind.internal,
];

/** BARs in the controls of every function of an endpoint. */
export const barsOf = (functions: readonly FunctionParams[]): number => Math.max(1, ...functions.map(({ bars }) => bars.length));

function countOf({ length }: readonly FunctionParams[]): number {
  if (length < 1 || length > 8)
    throw new HdlError(`an endpoint has 1 to 8 functions, not ${length}`, { help: 'describe 1 to 8 functions' });
  return length;
}

/**
 * The configuration spaces of an endpoint of several functions (7.5; C24, C26, C84, C86 to C90).
 *
 *     access ─► function? ─┬─► FunctionConfigSpace 0 ─┬─► answer            messages, 1 per error
 *                          ├─► FunctionConfigSpace 1 ─┤                        ▲
 *     errors ──┐           └─► …                     ─┤─► controls      ErrorMessages
 *     correctable ─► event ──► all that log it ───────┴────────────────────────┘
 *
 * An access per cycle, answered one cycle later; it shows in `controls` then. An error per cycle, never refused, so that nobody waits for messages to leave;
 * its status bits can be read by an access 2 cycles after it came, its message is at `messages` 4 cycles after. `correctable.ready` depends on `errors.valid` only,
 * `retry` and the enables of `controls` on `hot_reset`; everything else comes from registers, `answer` through one multiplexer.
 *
 * A correctable report (`CorrectableKind`) belongs to no function, so all log it. Resets: see `FunctionConfigSpace`.
 */
export class ConfigSpaces extends Module<ConfigSpacesParams> {
  private readonly count = countOf(this.p.functions);
  private readonly bars = barsOf(this.p.functions);
  readonly access = input(ConfigAccess);
  readonly answer = output(ConfigAnswer);
  /** A bit per function: configuration requests that begin now will be answered with `retry`. */
  readonly retry = output(uint(this.count));
  readonly controls = output(vec(this.count, functionControls(this.bars)));
  readonly hot_reset = input(bool);
  /** A bit per function: no block does anything for it any more; ends `controls.resetting`. */
  readonly quiet = input(uint(this.count));
  readonly events = input(vec(this.count, FunctionEvents));
  readonly errors = input(stream(ErrorReport));
  /** One of `CorrectableKind`: what the link below corrected. */
  readonly correctable = input(stream(uint(4)));
  /** ERR_COR, ERR_NONFATAL and ERR_FATAL: one beat each. */
  readonly messages = output(stream(tlpBeat(this.p.width)));

  private readonly spaces = this.p.functions.map(
    (own, number) =>
      new FunctionConfigSpace({
        function: own,
        place: { number, of: this.count },
        bars: this.bars,
        not_ready_cycles: this.p.not_ready_cycles ?? 0,
      }),
  );
  private readonly error_messages = new ErrorMessages({ functions: this.count, width: this.p.width });
  /** The function of the access before, and whether it was none, or not ready. */
  private readonly chosen = reg(uint(3));
  private readonly missing = reg(bool, { init: 0 });
  private readonly retried = reg(bool, { init: 0 });
  private readonly event_functions = reg(uint(this.count), { init: 0 });
  private readonly event = reg(ErrorEvent);

  protected override logic() {
    const { access } = this;
    const selected = this.spaces.map((_, i) => access.valid.and(access.function.eq(i)));
    this.spaces.forEach((space, i) => {
      connect(space, {
        access_valid: at(selected, i),
        access_write: access.write,
        access_register: access.register,
        access_data: access.data,
        access_mask: access.mask,
        access_device: access.device,
        hot_reset: this.hot_reset,
        quiet: this.quiet.bit(i),
        events: at(this.events, i),
        error_valid: this.event_functions.bit(i),
        error: this.event,
      });
      at(this.controls, i).set(space.controls);
    });
    this.chosen.set(access.function);
    this.missing.set(access.valid.and(anyOf(selected).not()));
    this.retried.set(anyOf(this.spaces.map((space, i) => at(selected, i).and(space.retry))));
    this.retry.set(cat(...this.spaces.map(space => space.retry).toReversed()));
    const words = this.spaces.map((space, i) => mux(this.chosen.eq(i), space.read_data, u(32, 0)));
    this.answer.set({
      data: words.reduce<UInt<32>>((a, b) => a.or(b), u(32, 0)),
      unsupported: this.missing,
      retry: this.retried,
    });
    this.takeErrors();
    connect(this.error_messages, {
      raise: this.spaces.map(space => space.message),
      ids: this.spaces.map(space => space.controls.id),
    });
    this.messages.from(this.error_messages.tx);
  }

  private takeErrors() {
    const { errors, correctable } = this;
    errors.ready.set(1);
    correctable.ready.set(errors.valid.not());
    this.event_functions.set(0);
    const { kind, advisory, header, functions } = errors.payload;
    when(errors.valid, () => {
      this.event_functions.set(functions.trunc(this.count));
      const bare = anyOf(withoutHeader.map(other => kind.eq(other)));
      this.event.set({ correctable: 0, kind, advisory, header: mux(bare, u(128, 0), headerWords(header)) });
    }).elsewhen(correctable.valid, () => {
      this.event_functions.set(2 ** this.count - 1);
      this.event.set({ correctable: 1, kind: cat(u(1, 0), correctable.payload).as(5), advisory: 0, header: 0 });
    });
  }
}
