import { Bundle, bool, HdlError, input, Module, mux, output, reg, select, stream, u, uint, vec, when } from '@hdl/ts-hdl';
import { functionControls } from '../../config/function-controls.ts';
import { mayRequest, ofFunction } from './function-select.ts';
import { DmaJob } from './job.ts';

/** One request of a job: 1 to 4,096 bytes that do not cross a 4 KiB boundary; or none (`bytes` 0) for a job of 0 bytes or one that is `refused`. */
export class Segment extends Bundle({
  /** The rest of the job, this segment included: its address, offset (0 for media) and length are those of the segment's first byte. */
  job: DmaJob,
  bytes: uint(13),
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
  /** Of the job's function, one cycle old. */
  private readonly code = reg(uint(3));
  private readonly allowed = reg(bool);

  protected override logic() {
    const { max_bytes, limit } = this.p;
    const top = limits.indexOf(max_bytes);
    if (top < 0) throw new HdlError(`the largest request has ${limits.join(', ')} bytes, not ${max_bytes}`);
    const size = select(
      this.code,
      limits.slice(0, top + 1).map(bytes => u(13, bytes)),
    );
    const { job } = this;
    const room = size.sub(job.address.trunc(13).and(size.sub(1)));
    const more = job.length.gt(room.zext(32));
    const bytes = mux(more, room, job.length.trunc(13));
    const last = more.not().or(this.allowed.not());
    const load = this.busy.not().or(this.out.ready.and(last));

    this.jobs.ready.set(load);
    this.out.valid.set(this.busy);
    this.out.put({ job, bytes: mux(this.allowed, bytes, 0), first: this.first, last, refused: this.allowed.not() });
    when(this.out.fire, () => {
      this.first.set(0);
      this.job.address.set(job.address.add(bytes.zext(64)));
      this.job.offset.set(job.offset.add(bytes.zext(32)));
      this.job.length.set(job.length.sub(bytes.zext(32)));
    });
    const next = mux(load, this.jobs.payload.function, job.function);
    this.code.set(ofFunction(this.controls, next, of => of[limit]));
    this.allowed.set(mayRequest(this.controls, next, this.cancel));
    when(load, () => {
      this.busy.set(this.jobs.valid);
      this.first.set(1);
      this.job.set(this.jobs.payload);
      when(this.jobs.payload.memory.not(), () => this.job.offset.set(0));
    });
  }
}
