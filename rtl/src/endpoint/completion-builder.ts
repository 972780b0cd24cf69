import { bool, connect, input, Module, mux, output, reg, stream, u, uint, when, wire } from '@hdl/ts-hdl';
import { completionAddress, Fmt, TlpType, tlpBeat } from '../tlp/tlp.ts';
import { completionPlan, Source } from './completion-planner.ts';
import { beyond, LaneRotator, lanesOf, wordOf } from './lane-rotator.ts';

/**
 * Makes completions from plans and words: moves the payload, which begins at any lane of its first word, to lane 0 of the first
 * beat (2.2.9).
 *
 *     word  d0 -  -  -  │ d4 d3 d2 d1 │ - - - d5     6 DW from DW 3 of a word of 4
 *     beat  d3 d2 d1 d0 │ -  -  d5 d4
 *
 * 1 cycle from the word (of a completion without data: from the plan) to `tx`, 1 more if the first beat needs two words; a beat
 * per cycle and no idle cycle between completions of aligned data. `tx` comes from registers; the ready of the inputs depends on
 * `tx.ready`. A plan is accepted with its last beat. `id` counts when the first beat is made. Reset drops what is under way.
 */
export class CompletionBuilder extends Module<{ readonly width: number }> {
  readonly plan = input(stream(completionPlan(this.p.width)));
  readonly memory_data = input(stream(uint(this.p.width)));
  readonly register_word = input(stream(uint(this.p.width)));
  /** Completer ID. */
  readonly id = input(uint(16));
  readonly tx = output(stream(tlpBeat(this.p.width)));
  private readonly rotator = new LaneRotator({ width: this.p.width });
  private readonly word = wire(uint(this.p.width));
  private readonly word_valid = wire(bool);
  private readonly beat_valid = reg(bool, { init: 0 });
  private readonly beat = reg(tlpBeat(this.p.width));
  /** The first beat was made; `left` DW follow. */
  private readonly started = reg(bool, { init: 0 });
  private readonly left = reg(uint(11));
  /** `carry` holds the word before, rotated. */
  private readonly primed = reg(bool, { init: 0 });
  private readonly carry = reg(uint(this.p.width));

  protected override logic() {
    const lanes = this.p.width / 32;
    const { plan, primed, started } = this;
    const { lane, source } = plan.payload;
    const memory = source.eq(Source.memory);
    const registers = source.eq(Source.registers);
    this.word.set(mux(registers, this.register_word.payload, this.memory_data.payload));
    this.word_valid.set(mux(registers, this.register_word.valid, this.memory_data.valid));
    // Down by `lane` is up by the rest.
    connect(this.rotator, { word: this.word, by: lane.not().add(1) });

    const left = mux(started, this.left, plan.payload.dws);
    const last = left.le(lanes);
    const single = lane.zext(11).add(left).le(lanes);
    const prime = lane.any().and(single.not()).and(primed.not());
    const needs_word = mux(primed, single.not(), source.ne(Source.none));
    const advance = this.beat_valid.not().or(this.tx.ready);
    const possible = plan.valid.and(prime.or(advance));
    const step = possible.and(needs_word.not().or(this.word_valid));
    const beat = step.and(prime.not());
    const takes = possible.and(needs_word);

    this.memory_data.ready.set(takes.and(memory));
    this.register_word.ready.set(takes.and(registers));
    plan.ready.set(beat.and(last));
    when(step, () => {
      this.carry.set(this.rotator.rotated);
      this.primed.set(prime.or(primed.and(last.not())));
    });
    when(beat, () => {
      this.started.set(last.not());
      this.left.set(left.sub(lanes));
    });
    this.tx.valid.set(this.beat_valid);
    this.tx.put(this.beat);
    when(advance, () => this.beat_valid.set(beat));
    when(beat, () => {
      const carried = lanesOf(this.carry);
      const merged = lanesOf(this.rotator.rotated).map((dw, i) => {
        // The lanes that the word before filled: those below the lanes less the shift.
        const old = primed.and(beyond(lane, lanes - 1 - i).not());
        return mux(old, carried[i] ?? dw, dw);
      });
      this.beat.data.set(wordOf(merged));
      this.beat.first.set(started.not());
      this.beat.last.set(last);
      when(started.not(), () => this.setHeader());
    });
  }

  private setHeader(): void {
    const { data, dws, status, byte_count, lower_address, tc, attr, requester_id, tag } = this.plan.payload;
    this.beat.header.set({
      fmt: mux(data, u(3, Fmt.data3), Fmt.header3),
      type: TlpType.completion,
      tc,
      attr,
      th: 0,
      td: 0,
      ep: 0,
      at: 0,
      length: mux(data, dws.trunc(10), 0),
      requester_id,
      tag,
      last_be: 0,
      first_be: 0,
      address: completionAddress({ completer_id: this.id, status, byte_count, lower_address }),
    });
  }
}
