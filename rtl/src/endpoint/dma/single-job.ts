import { bool, connect, input, Module, match, mux, output, reg, states, stream, u, uint, vec, when } from '@hdl/ts-hdl';
import { functionControls } from '../../config/function-controls.ts';
import { ofFunction } from './function-select.ts';
import { DmaJob, DmaOutcome, DmaResult } from './job.ts';
import { LocalJob } from './local-copy.ts';
import { LocalDecoder, type LocalRegion } from './local-decoder.ts';

const State = states('Idle', 'Offer', 'Wait', 'Refuse');

/**
 * Takes one job at a time for an engine, and gives it to a `LocalCopy` instead where its remote address lies in the endpoint's own memory, so that no TLP
 * leaves. The job is offered 1 cycle after it was taken; its result is passed on at once. A job of a function that does not exist, or that would send requests and
 * may not (C81, C84), ends as `refused` 1 cycle after it was taken, and the engine does not hear of it: no word of a medium is moved for it. Reset forgets the job.
 */
export class SingleJob extends Module<{
  readonly functions: number;
  /** BARs per function. */
  readonly bars: number;
  /** Whose jobs they are: from the remote address, or to it. */
  readonly of: 'read' | 'write';
  readonly regions: readonly LocalRegion[];
}> {
  readonly controls = input(vec(this.p.functions, functionControls(this.p.bars)));
  readonly jobs = input(stream(DmaJob));
  readonly result = output(stream(DmaResult));
  /** The job that was taken last, and that it went to the engine: both mean something with its result. */
  readonly taken = output(DmaJob);
  readonly remote = output(bool);
  readonly engine_jobs = output(stream(DmaJob));
  readonly engine_result = input(stream(DmaResult));
  readonly copy_jobs = output(stream(LocalJob));
  readonly copy_result = input(stream(DmaResult));
  private readonly decoder = new LocalDecoder(this.p);
  private readonly state = reg(State, { init: 'Idle' });
  private readonly job = reg(DmaJob);
  private readonly own = reg(bool);
  private readonly offset = reg(uint(32));

  protected override logic() {
    const { job, state, decoder, own, result } = this;
    const { address, length, function: wanted } = this.jobs.payload;
    const reads = this.p.of === 'read';
    connect(decoder, { controls: this.controls, address, length, owner: wanted });
    this.jobs.ready.set(state.is('Idle'));
    this.taken.set(job);
    this.remote.set(own.not());
    this.engine_jobs.valid.set(state.is('Offer').and(own.not()));
    this.engine_jobs.put(job);
    this.copy_jobs.valid.set(state.is('Offer').and(own));
    this.copy_jobs.put({
      source: reads ? this.offset : job.offset,
      target: reads ? job.offset : this.offset,
      length: job.length,
      from_media: reads ? 0 : job.memory.not(),
      to_media: reads ? job.memory.not() : 0,
      function: job.function,
      id: job.id,
    });
    const refused = state.is('Refuse');
    const waits = state.is('Wait');
    result.valid.set(refused.or(waits.and(mux(own, this.copy_result.valid, this.engine_result.valid))));
    result.put({
      id: job.id,
      function: job.function,
      outcome: mux(
        refused,
        u(3, DmaOutcome.refused),
        mux(own, this.copy_result.payload.outcome, this.engine_result.payload.outcome),
      ),
    });
    this.copy_result.ready.set(result.ready.and(waits));
    this.engine_result.ready.set(result.ready.and(waits));
    const exists = wanted.zext(4).lt(this.p.functions);
    const may = ofFunction(this.controls, wanted, of => of.bus_master.and(of.resetting.not()));
    match(State, state, {
      Idle: () =>
        when(this.jobs.valid, () => {
          job.set(this.jobs.payload);
          own.set(decoder.hit);
          this.offset.set(decoder.offset);
          state.set('Refuse');
          when(exists.and(decoder.hit.or(may)), () => state.set('Offer'));
        }),
      Offer: () => when(mux(own, this.copy_jobs.ready, this.engine_jobs.ready), () => state.set('Wait')),
      Wait: () => when(result.fire, () => state.set('Idle')),
      Refuse: () => when(result.ready, () => state.set('Idle')),
    });
  }
}
