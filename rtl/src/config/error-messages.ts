import {
  anyOf,
  Bundle,
  bool,
  cat,
  HdlError,
  input,
  lowestOne,
  Module,
  mux,
  output,
  reg,
  ShowAheadFifo,
  select,
  stream,
  type UInt,
  u,
  uint,
  vec,
  when,
} from '@hdl/ts-hdl';
import { Fmt, MessageRoute, TlpType, tlpBeat } from '../tlp/tlp.ts';

/** Message codes (2.2.8.3). */
export const ErrorMessageCode = { correctable: 0x30, nonfatal: 0x31, fatal: 0x33 } as const;

class Waiting extends Bundle({ function: uint(3), message: uint(2) }) {}

/** Messages that wait before errors of one function and severity become one message. */
export const waitingMessages = 16;

/** Function and message of each bit of `late`. */
const lateOnes = (functions: number) =>
  Array.from({ length: 3 * functions }, (_, bit) => ({ function: Math.floor(bit / 3), message: (bit % 3) + 1 }));

/**
 * Error messages to the root complex (2.2.8.3, C90): one for each error, of the function that asks for the worst one, of several the lowest. An error per
 * cycle, never refused. 2 cycles from `raise` to `tx`, which comes from registers; one message per cycle.
 *
 * Beyond `waitingMessages` messages that wait for `tx`, messages of one function and severity become one, sent later: no severity is lost, and the status
 * registers tell the rest. Reset drops what waits.
 */
export class ErrorMessages extends Module<{ functions: number; width: number }> {
  /** What each function asks for in this cycle, one of `Message`. */
  readonly raise = input(vec(this.p.functions, uint(2)));
  readonly ids = input(vec(this.p.functions, uint(16)));
  readonly tx = output(stream(tlpBeat(this.p.width)));

  private readonly queue = new ShowAheadFifo({ type: Waiting, depth: waitingMessages });
  private readonly late = reg(uint(3 * this.p.functions), { init: 0 });
  private readonly out_valid = reg(bool, { init: 0 });
  private readonly out_id = reg(uint(16));
  private readonly out_code = reg(uint(8));

  protected override logic() {
    const { functions } = this.p;
    if (functions < 1 || functions > 8) throw new HdlError(`an endpoint has 1 to 8 functions, not ${functions}`);
    const { queue, late, raise } = this;
    const raised = anyOf(raise.map(message => message.any()));
    const worst = raise.reduce<UInt<2>>((a, b) => a.max(b), u(2, 0));
    const first = lowestOne(cat(...raise.map(message => message.eq(worst)).toReversed())).zext(3);
    const ones = lateOnes(functions);
    const next = lowestOne(late);
    const held = (pick: (one: { function: number; message: number }) => number, width: number) =>
      select(
        next,
        ones.map(one => u(width, pick(one))),
      );

    queue.in.valid.set(raised.or(late.any()));
    queue.in.put({
      function: mux(
        raised,
        first,
        held(one => one.function, 3),
      ).as(3),
      message: mux(
        raised,
        worst,
        held(one => one.message, 2),
      ).as(2),
    });
    when(raised, () => {
      when(queue.in.ready.not(), () => {
        ones.forEach((one, bit) => {
          when(first.eq(one.function).and(worst.eq(one.message)), () => late.bit(bit).set(1));
        });
      });
    }).elsewhen(queue.in.ready, () => late.bit(next).set(0));
    this.send();
  }

  private send() {
    const { out } = this.queue;
    const advance = this.out_valid.not().or(this.tx.ready);
    out.ready.set(advance);
    when(advance, () => {
      this.out_valid.set(out.valid);
      this.out_id.set(select(out.payload.function, padded(this.ids)));
      const codes = [0, ErrorMessageCode.correctable, ErrorMessageCode.nonfatal, ErrorMessageCode.fatal];
      this.out_code.set(
        select(
          out.payload.message,
          codes.map(code => u(8, code)),
        ),
      );
    });
    this.tx.valid.set(this.out_valid);
    this.tx.put({
      header: {
        fmt: Fmt.header4,
        type: TlpType.message | MessageRoute.toRootComplex,
        tc: 0,
        attr: 0,
        th: 0,
        td: 0,
        ep: 0,
        at: 0,
        length: 0,
        requester_id: this.out_id,
        tag: 0,
        last_be: this.out_code.part(4, 4),
        first_be: this.out_code.part(0, 4),
        address: 0,
      },
      data: 0,
      first: 1,
      last: 1,
    });
  }
}

/** A list of 8, so that 3 bits choose from it. */
function padded<X>(list: readonly X[]): readonly X[] {
  const [first] = list;
  return first === undefined ? list : Array.from({ length: 8 }, (_, i) => list[i] ?? first);
}
