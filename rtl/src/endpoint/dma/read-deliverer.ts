import {
  allOf,
  anyOf,
  type Bool,
  bool,
  clog2,
  connect,
  input,
  Module,
  memory,
  mux,
  output,
  reg,
  ShowAheadFifo,
  type Sig,
  stream,
  u,
  uint,
  when,
  wire,
} from '@hdl/ts-hdl';
import { DmaOutcome } from './job.ts';
import { CompletedRead, OrderedRead, ReleasedTag } from './read-events.ts';
import { sourceWord } from './realigner.ts';

/**
 * Reads the words of requests from the reorder buffer in the order of requests, each request when it is complete: the first word 2 cycles after its
 * `completed`, a word per cycle, no idle cycle between requests. The request in front stands in registers, with what the table says of its tag; what is
 * told later is taken from `completed`. Zeros stand for the words of a request that failed. At a job's end its outcome, the greatest of its requests',
 * is at `outcomes` before its last word has left. `words` comes from registers and the buffer's output but for the gate that gives zeros. Reset forgets
 * all; the table is swept meanwhile for `tags` cycles, in which no request comes.
 */
export class ReadDeliverer extends Module<{ readonly width: number; readonly tags: number; readonly depth: number }> {
  readonly order = input(stream(OrderedRead));
  readonly completed = input(CompletedRead);
  readonly released = output(ReleasedTag);
  /** To the buffer. */
  readonly fetch = output(bool);
  readonly address = output(uint(clog2(this.p.depth)));
  readonly word = input(uint(this.p.width));
  readonly words = output(stream(sourceWord(this.p.width)));
  readonly outcomes = output(stream(uint(3)));
  private readonly ended = memory(CompletedRead, { depth: this.p.tags, style: 'distributed' });
  private readonly sweep = reg(uint(clog2(this.p.tags) + 1), { init: 0 });
  private readonly front_valid = reg(bool, { init: 0 });
  private readonly front = reg(OrderedRead);
  /** The request in front is over, and how it ended. */
  private readonly complete = reg(bool);
  private readonly ending = reg(uint(3));
  private readonly next = reg(uint(clog2(this.p.depth)), { init: 0 });
  /** Words of the request in front that are to be read; at most one is. */
  private readonly left = reg(uint(10));
  private readonly at_last = reg(bool);
  private readonly worst = reg(uint(3), { init: 0 });
  private readonly outcome_fifo = new ShowAheadFifo({ type: uint(3), depth: 8 });
  private readonly job_outcome = wire(stream(uint(3)));
  private readonly word_valid = reg(bool, { init: 0 });
  private readonly zero = reg(bool);
  private readonly cut = reg(bool);

  protected override logic() {
    const tag_bits = clog2(this.p.tags);
    const swept = this.sweep.bit(tag_bits);
    const row = this.sweep.trunc(tag_bits);
    when(swept.not(), () => this.sweep.set(this.sweep.add(1)));
    when(swept.not().or(this.completed.strobe), () =>
      this.ended.write(mux(swept, this.completed.tag.trunc(tag_bits), row), {
        strobe: u(1, 0),
        tag: u(10, 0),
        turn: swept.and(this.completed.turn),
        outcome: this.completed.outcome,
      }),
    );

    const { complete, ending, at_last: final } = this;
    const { tag, turn, none, cut, last } = this.front;
    const advance = this.word_valid.not().or(this.words.ready);
    const silent = none.and(cut.not());
    const step = this.front_valid.and(complete).and(advance.or(silent)).and(final.and(last).not().or(this.job_outcome.ready));
    const outcome = mux(none, mux(cut, u(3, DmaOutcome.refused), DmaOutcome.success), ending);
    const worst = this.worst.max(outcome);

    this.fetch.set(step.and(none.not()));
    this.address.set(this.next);
    this.released.set({ strobe: step.and(final).and(none.not()), tag, turn });
    connect(this.outcome_fifo, { in: this.job_outcome });
    this.outcomes.from(this.outcome_fifo.out);
    this.job_outcome.valid.set(this.front_valid.and(complete).and(advance.or(silent)).and(final).and(last));
    this.job_outcome.put(worst);
    this.words.valid.set(this.word_valid);
    this.words.put({ data: mux(this.zero.not(), this.word, 0), cut: this.cut });
    when(advance, () => this.word_valid.set(step.and(silent.not())));
    when(step, () => {
      this.left.set(this.left.sub(1));
      final.set(this.left.eq(2));
      when(final, () => this.worst.set(mux(last, u(3, 0), worst)));
      when(silent.not(), () => {
        this.zero.set(outcome.any());
        this.cut.set(cut);
      });
      when(none.not(), () => this.next.set(this.next.add(1)));
    });
    this.fill(step.and(final));
  }

  /** Puts the next request in front when the one there leaves. */
  private fill(leaves: Bool) {
    const { order, front, completed } = this;
    const known = this.ended.peek(order.payload.tag.trunc(clog2(this.p.tags)));
    const tells = (of: Sig<typeof OrderedRead>) =>
      allOf([completed.strobe, completed.tag.eq(of.tag), completed.turn.eq(of.turn)]);
    order.ready.set(this.front_valid.not().or(leaves));
    when(order.ready, () => {
      const told = tells(order.payload);
      this.front_valid.set(order.valid);
      front.set(order.payload);
      this.left.set(order.payload.words);
      this.at_last.set(order.payload.none.or(order.payload.words.eq(1)));
      this.complete.set(anyOf([order.payload.none, known.turn.eq(order.payload.turn), told]));
      this.ending.set(mux(told, completed.outcome, known.outcome));
    }).elsewhen(tells(front), () => {
      this.complete.set(1);
      this.ending.set(completed.outcome);
    });
  }
}
