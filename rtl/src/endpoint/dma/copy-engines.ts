import {
  anyOf,
  type Bool,
  bool,
  connect,
  input,
  Module,
  mux,
  output,
  RoundRobinArbiter,
  type Stream,
  stream,
  uint,
  vec,
  wire,
} from '@hdl/ts-hdl';
import { at } from '../../at.ts';
import { memoryWrite } from '../interfaces.ts';
import { DmaResult } from './job.ts';
import { JobCounter } from './job-counter.ts';
import { LocalCopy, LocalJob } from './local-copy.ts';

/** Jobs that a `LocalCopy` holds, at most. */
export const copiesInside = 31;
/** Bit of a job's id inside: it gives media. */
const givesMedia = 7;

/**
 * The copies inside the endpoint for all who ask for them: one `LocalCopy` for what comes out of the BAR memory and one for what comes from media, so that a job
 * that waits for words of a medium never holds up the job that the medium waits for. Jobs of one kind take turns, and a result goes back to the input whose
 * job it was.
 *
 *     jobs[i] ─┬─ from memory ──► LocalCopy ─┬─► memory_write[0]
 *              │    memory_data ─►           └─► media_out
 *              └─ from media ───► LocalCopy ───► memory_write[1]
 *                   media_in ────►
 *
 * A copy to media that waits for the medium holds up those from memory behind it. `idle`: a bit per function, no job of it is inside. Reset forgets all jobs.
 */
export class CopyEngines extends Module<{
  /** Who gives jobs. */
  readonly sources: number;
  readonly width: number;
  readonly address_width: number;
  readonly functions: number;
}> {
  readonly cancel = input(uint(this.p.functions));
  /** Bits 3:0 of an id say which input it is, the others are 0. */
  readonly jobs = input(vec(this.p.sources, stream(LocalJob)));
  readonly results = output(vec(this.p.sources, stream(DmaResult)));
  readonly idle = output(uint(this.p.functions));
  readonly memory_request = output(stream(uint(this.p.address_width)));
  readonly memory_data = input(stream(uint(this.p.width)));
  readonly memory_write = output(vec(2, stream(memoryWrite(this.p.width, this.p.address_width))));
  readonly media_in = input(stream(uint(this.p.width)));
  readonly media_out = output(stream(uint(this.p.width)));
  /** Jobs that take media may begin; one was taken; one was answered. */
  readonly in_may = input(bool);
  readonly in_taken = output(bool);
  readonly in_answered = output(bool);
  /** Likewise of jobs that give media. */
  readonly out_may = input(bool);
  readonly out_taken = output(bool);
  readonly out_answered = output(bool);
  private readonly from_memory = new LocalCopy(this.p);
  private readonly from_media = new LocalCopy(this.p);
  private readonly memory_turns = new RoundRobinArbiter({ n: this.p.sources, type: LocalJob });
  private readonly media_turns = new RoundRobinArbiter({ n: this.p.sources, type: LocalJob });
  private readonly memory_jobs = wire(vec(this.p.sources, stream(LocalJob)));
  private readonly media_jobs = wire(vec(this.p.sources, stream(LocalJob)));
  private readonly memory_job = wire(stream(LocalJob));
  private readonly media_job = wire(stream(LocalJob));
  private readonly memory_result = wire(stream(DmaResult));
  private readonly media_result = wire(stream(DmaResult));
  /** By source: results of jobs from memory, and from media. */
  private readonly offers = Array.from({ length: this.p.sources }, () => wire(vec(2, stream(DmaResult))));
  private readonly result_turns = this.offers.map(() => new RoundRobinArbiter({ n: 2, type: DmaResult }));
  private readonly memory_count = new JobCounter({ functions: this.p.functions, jobs: copiesInside });
  private readonly media_count = new JobCounter({ functions: this.p.functions, jobs: copiesInside });

  private readonly no_media = wire(stream(uint(this.p.width)));
  private readonly no_memory = wire(stream(uint(this.p.width)));

  protected override logic() {
    this.takeJobs();
    this.giveResults();
    const { cancel, from_memory, from_media } = this;
    connect(from_memory, { cancel, jobs: this.memory_job, memory_data: this.memory_data, media_in: this.no_media });
    connect(from_media, { cancel, jobs: this.media_job, memory_data: this.no_memory, media_in: this.media_in });
    this.memory_request.from(from_memory.memory_request);
    this.media_out.from(from_memory.media_out);
    at(this.memory_write, 0).from(from_memory.memory_write);
    at(this.memory_write, 1).from(from_media.memory_write);
    // Each has one side of the two only.
    for (const nothing of [this.no_media, this.no_memory]) {
      nothing.valid.set(0);
      nothing.put(0);
    }
    from_media.memory_request.ready.set(0);
    from_media.media_out.ready.set(0);
    for (const [count, job, results] of [
      [this.memory_count, this.memory_job, this.memory_result],
      [this.media_count, this.media_job, this.media_result],
    ] as const)
      connect(count, {
        taken: job.fire,
        taken_function: job.payload.function,
        answered: results.fire,
        answered_function: results.payload.function,
      });
    this.idle.set(this.memory_count.idle.and(this.media_count.idle));
  }

  /** Each job goes to the one of its kind, once its media may be used. */
  private takeJobs(): void {
    const { memory_turns, media_turns, memory_job, media_job } = this;
    this.jobs.forEach((jobs, i) => {
      const media = jobs.payload.from_media;
      const memory = at(this.memory_jobs, i);
      const fill = at(this.media_jobs, i);
      memory.valid.set(jobs.valid.and(media.not()));
      memory.put(jobs.payload);
      fill.valid.set(jobs.valid.and(media));
      fill.put(jobs.payload);
      jobs.ready.set(mux(media, fill.ready, memory.ready));
    });
    connect(memory_turns, { in: this.memory_jobs });
    connect(media_turns, { in: this.media_jobs });

    const { to_media, id } = memory_turns.out.payload;
    const may = to_media.not().or(this.out_may);
    memory_job.valid.set(memory_turns.out.valid.and(may));
    memory_job.put({ ...memory_turns.out.payload, from_media: 0, id: id.or(to_media.zext(8).shl(givesMedia)) });
    memory_turns.out.ready.set(memory_job.ready.and(may));
    media_job.valid.set(media_turns.out.valid.and(this.in_may));
    media_job.put({ ...media_turns.out.payload, from_media: 1, to_media: 0 });
    media_turns.out.ready.set(media_job.ready.and(this.in_may));
    this.in_taken.set(media_job.fire);
    this.out_taken.set(memory_job.fire.and(to_media));
  }

  /** A source that has results of both takes them in turn. */
  private giveResults(): void {
    const { memory_result: memory, media_result: media } = this;
    memory.from(this.from_memory.results);
    media.from(this.from_media.results);
    this.results.forEach((results, i) => {
      const offers = at(this.offers, i);
      [memory, media].forEach((result, kind) => {
        at(offers, kind).valid.set(result.valid.and(isOf(result, i)));
        at(offers, kind).put(result.payload);
      });
      results.from(connect(at(this.result_turns, i), { in: offers }).out);
    });
    [memory, media].forEach((result, kind) => {
      result.ready.set(anyOf(this.offers.map((offers, i) => isOf(result, i).and(at(offers, kind).ready))));
    });
    this.in_answered.set(media.fire);
    this.out_answered.set(memory.fire.and(memory.payload.id.bit(givesMedia)));
  }
}

/** The result is of a job of source i. */
const isOf = (result: Stream<typeof DmaResult>, i: number): Bool => result.payload.id.trunc(4).eq(i);
