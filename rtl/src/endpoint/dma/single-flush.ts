import { allOf, bool, input, Module, match, mux, output, reg, states, stream, u, when } from '@hdl/ts-hdl';
import { AtomicJob, AtomicKind, AtomicResult } from './atomic-requester.ts';
import { DmaJob, DmaResult } from './job.ts';

const State = states('Pass', 'Ask', 'Await', 'Answer');

/**
 * Passes on the result of a write, and does so only after a read of nothing came back from where the data went, if the job wanted that: then the data has arrived, and
 * what is sent to somebody else afterwards cannot overtake it (C63). The read goes to the job's own address, with its address type, behind the writes; it is asked for 1 cycle
 * after the write's result came, and the result follows 1 cycle after its answer: that of the read, if the write was well. A write that failed or stayed inside is
 * not read back. Other results pass in the same cycle. Reset forgets the result.
 */
export class SingleFlush extends Module {
  /** The job whose result comes, see `SingleJob`; and that it wants to be read back, which counts when it is `begun`. */
  readonly job = input(DmaJob);
  readonly remote = input(bool);
  readonly flush = input(bool);
  readonly begun = input(bool);
  readonly written = input(stream(DmaResult));
  readonly result = output(stream(DmaResult));
  readonly reads = output(stream(AtomicJob));
  readonly read_results = input(stream(AtomicResult));
  private readonly state = reg(State, { init: 'Pass' });
  private readonly wanted = reg(bool, { init: 0 });
  private readonly outcome = reg(DmaResult.fields.outcome);

  protected override logic() {
    const { job, state, written, result, reads, read_results } = this;
    const wants = allOf([this.wanted, this.remote, written.payload.outcome.any().not()]);
    const passes = state.is('Pass');
    const answers = state.is('Answer');
    when(this.begun, () => this.wanted.set(this.flush));
    result.valid.set(answers.or(allOf([passes, written.valid, wants.not()])));
    result.put({ id: job.id, function: job.function, outcome: mux(answers, this.outcome, written.payload.outcome) });
    written.ready.set(passes.and(wants.or(result.ready)));
    reads.valid.set(state.is('Ask'));
    reads.put({
      kind: AtomicKind.readNothing,
      size: 0,
      address: job.address,
      operand: 0,
      compare: 0,
      function: job.function,
      relaxed_ordering: 0,
      no_snoop: 0,
      at: job.at,
      id: u(8, 0),
    });
    read_results.ready.set(1);
    match(State, state, {
      Pass: () => when(written.valid.and(wants), () => state.set('Ask')),
      Ask: () => when(reads.ready, () => state.set('Await')),
      Await: () =>
        when(read_results.valid, () => {
          this.outcome.set(read_results.payload.outcome);
          state.set('Answer');
        }),
      Answer: () => when(result.ready, () => state.set('Pass')),
    });
  }
}
