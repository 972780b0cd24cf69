import { Bundle, bool, HdlError, input, Module, mux, output, reg, select, stream, u, uint, vec, when } from '@hdl/ts-hdl';
import { functionControls } from '../../config/function-controls.ts';
import { mayRequest, ofFunction } from './function-select.ts';
import { DmaJob } from './job.ts';

/** One request of a job: 1 to 4,096 bytes that do not cross a 4 KiB boundary; or none (`bytes` 0) for a job of 0 bytes or one that is `refused`. */
export class Segment extends Bundle({
  /** The job, but with address and offset of the segment's first byte (the offset counts from 0 for media). */
  job: DmaJob,
  bytes: uint(13),
  /** `bytes` is 0. */
  none: bool,
  first: bool,
  last: bool,
  /** The function may not send requests: the job ends here. */
  refused: bool,
}) {}

/** What the largest request may be. */
const limits = [128, 256, 512, 1024, 2048, 4096];

/**
 * Cuts jobs into requests at multiples of the function's MPS or MRRS, but at most `max_bytes`: every request but the first starts at such a multiple,
 * none is larger (C4, C6) and none crosses a 4 KiB boundary (C5). A segment is offered 1 cycle after its job was accepted, then one per cycle, also
 * across jobs; it is made from registers, and `jobs.ready` depends on `out.ready`. A job whose function may not send requests (any more) ends with a
 * segment of no bytes; an offered segment turns into that one. Reset forgets the job under way.
 */
export class TransferPlanner extends Module<{
  /** MPS for writes, MRRS for reads. */
  readonly limit: 'mps' | 'mrrs';
  /** Largest request whatever the function allows: 128 .. 4,096, a power of two. */
  readonly max_bytes: number;
  readonly functions: number;
  /** BARs per function. */
  readonly bars: number;
}> {
  readonly controls = input(vec(this.p.functions, functionControls(this.p.bars)));
  /** Functions whose jobs end as soon as they can. */
  readonly cancel = input(uint(this.p.functions));
  readonly jobs = input(stream(DmaJob));
  readonly out = output(stream(Segment));
  private readonly busy = reg(bool, { init: 0 });
  private readonly job = reg(DmaJob);
  private readonly first = reg(bool);
  private readonly last = reg(bool);
  private readonly bytes = reg(uint(13));
  /** The job has no bytes. */
  private readonly empty = reg(bool);
  /** Bytes of the job behind this segment. */
  private readonly behind = reg(uint(32));
  /** Largest request of the job's function, less 1. */
  private readonly below_limit = reg(uint(12));
  /** Of the job's function, one cycle old. */
  private readonly allowed = reg(bool);

  protected override logic() {
    const { job, busy, allowed, below_limit, bytes, behind } = this;
    const none = allowed.not().or(this.empty);
    const last = allowed.not().or(this.last);
    const load = busy.not().or(this.out.ready.and(last));

    this.jobs.ready.set(load);
    this.out.valid.set(busy);
    this.out.put({ job, bytes: mux(none, u(13, 0), bytes), none, first: this.first, last, refused: allowed.not() });
    when(this.out.fire, () => {
      // The next segment begins at a multiple of the limit.
      const size = below_limit.zext(13).add(1);
      const fills = behind.and(below_limit.zext(32).not()).any();
      this.first.set(0);
      this.last.set(fills.not().or(behind.eq(size.zext(32))));
      this.bytes.set(mux(fills, size, behind.trunc(13)));
      this.behind.set(behind.sub(size.zext(32)));
      this.job.address.set(job.address.or(below_limit.zext(64)).add(1));
      this.job.offset.set(job.offset.add(bytes.zext(32)));
    });
    const next = mux(load, this.jobs.payload.function, job.function);
    this.allowed.set(mayRequest(this.controls, next, this.cancel));
    when(load, () => {
      busy.set(this.jobs.valid);
      this.begin();
    });
  }

  private begin(): void {
    const { max_bytes, limit } = this.p;
    const top = limits.indexOf(max_bytes);
    if (top < 0) throw new HdlError(`the largest request has ${limits.join(', ')} bytes, not ${max_bytes}`);
    const job = this.jobs.payload;
    const below_limit = select(
      ofFunction(this.controls, job.function, of => of[limit]),
      limits.slice(0, top + 1).map(bytes => u(12, bytes - 1)),
    );
    // Bytes up to the next multiple of the limit, less 1: what is above the address below it.
    const beyond = job.address.trunc(12).not().and(below_limit);
    const room = beyond.zext(13).add(1);
    this.job.set(job);
    when(job.memory.not(), () => this.job.offset.set(0));
    this.below_limit.set(below_limit);
    this.first.set(1);
    this.last.set(job.length.gt(room.zext(32)).not());
    this.empty.set(job.length.any().not());
    // As long as `room` or longer: of equal ones either will do, and the sum need not be waited for.
    this.bytes.set(mux(job.length.gt(beyond.zext(32)), room, job.length.trunc(13)));
    this.behind.set(job.length.sub(room.zext(32)));
  }
}
