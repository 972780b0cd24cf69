import { bool, input, Module, mux, output, reg, stream, type UInt, u, uint, when } from '@hdl/ts-hdl';
import { completionAddress, Fmt, TlpType, tlpBeat } from '../../tlp/tlp.ts';
import { beatPlan } from './completion-plan.ts';
import { rotated } from './posted-writer.ts';

/** Bits of the result of configuration and register accesses and AtomicOps. */
export const resultBits = 128;

/**
 * Makes the beats of completions from plans and data (2.2.9): rotates a window so that its first DW comes to lane 0. 1 cycle from plan and data to `tx`, a beat per
 * cycle. `tx` comes from registers; the ready of the inputs depends on `tx.ready` and on the valid of the other. Reset drops the beat inside.
 */
export class CompletionBuilder extends Module<{ readonly width: number }> {
  readonly plan = input(stream(beatPlan(this.p.width)));
  readonly window = input(stream(uint(this.p.width)));
  /** The result of a slow request, from the cycle after `slow_done` until the plan was taken. */
  readonly result = input(uint(resultBits));
  readonly tx = output(stream(tlpBeat(this.p.width)));
  private readonly beat_valid = reg(bool, { init: 0 });
  private readonly beat = reg(tlpBeat(this.p.width));

  protected override logic() {
    const { width } = this.p;
    const { plan, window } = this;
    const { memory, start, second, first, last, data } = plan.payload;
    const advance = this.beat_valid.not().or(this.tx.ready);
    const there = plan.valid.and(memory.not().or(window.valid));
    plan.ready.set(advance.and(memory.not().or(window.valid)));
    window.ready.set(advance.and(plan.valid).and(memory));
    this.tx.valid.set(this.beat_valid);
    this.tx.put(this.beat);
    when(advance, () => this.beat_valid.set(there));
    // Down by `start` is up by the rest.
    const payload = rotated(window.payload, start.not().add(1), 32);
    const words: UInt<number> = this.result;
    const result = width >= resultBits ? words.zext(width) : words.word(second, width);
    when(plan.fire, () => {
      this.beat.data.set(mux(memory, payload, result));
      this.beat.first.set(first);
      this.beat.last.set(last);
      when(first, () => {
        const { length, locked, tc, attr, requester_id, tag } = plan.payload;
        this.beat.header.set({
          fmt: mux(data, u(3, Fmt.data3), Fmt.header3),
          type: mux(locked, u(5, TlpType.completionLocked), TlpType.completion),
          tc,
          attr,
          th: 0,
          td: 0,
          ep: 0,
          at: 0,
          length,
          requester_id,
          tag,
          last_be: 0,
          first_be: 0,
          address: completionAddress(plan.payload),
        });
      });
    });
  }
}
