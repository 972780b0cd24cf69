import {
  Bundle,
  bool,
  clog2,
  connect,
  Fifo,
  HdlError,
  input,
  Module,
  mux,
  output,
  pack,
  reg,
  ShowAheadFifo,
  stream,
  uint,
  unpack,
  vec,
  when,
  wire,
} from '@hdl/ts-hdl';
import { ErrorReport } from '../../config/error-report.ts';
import { functionControls } from '../../config/function-controls.ts';
import { tlpBeat } from '../../tlp/tlp.ts';
import { memoryWrite } from '../interfaces.ts';
import { DmaJob, DmaResult } from './job.ts';
import { JobCounter } from './job-counter.ts';
import { ReadDeliverer } from './read-deliverer.ts';
import { ReceivedFailure, timeBits } from './read-events.ts';
import { ReadReceiver } from './read-receiver.ts';
import { ReadRequester } from './read-requester.ts';
import { byteBits, Realigner, realignTask } from './realigner.ts';
import { ReorderMemory } from './reorder-memory.ts';
import { TransferPlanner } from './transfer-planner.ts';

/** A job whose last word was accepted. */
class DeliveredJob extends Bundle({ id: uint(8), function: uint(3) }) {}
/** Such jobs that wait until their results are taken. */
const deliveredJobs = 8;

export interface ReadDmaParams {
  /** Bits of a word: 64, 128, 256 or 512. */
  readonly width: number;
  /** Bits of a BAR memory address, which counts words. */
  readonly address_width: number;
  readonly functions: number;
  /** BARs per function. */
  readonly bars: number;
  /** Tags 0 .. `tags` - 1 exist: 2 .. 1,024, a power of two. */
  readonly tags: number;
  /** The lowest tags belong to other requesters: 0 by default. */
  readonly reserved_tags?: number;
  /** Size of the reorder buffer: a power of two, whatever the tags. */
  readonly buffer_bytes: number;
  /** Largest request in bytes, whatever MRRS allows: 128 .. 4,096, a power of two. */
  readonly max_read_request: number;
  /** Clock cycles per microsecond, for the completion timeout. */
  readonly cycles_per_microsecond: number;
  /** Addresses and offsets of jobs are multiples of so many bytes, a power of two, or what is read does not count: 1 by default. More needs less logic. */
  readonly granule?: number;
}

/**
 * Reads PCIe addresses into media words or BAR memory: MRd cut at MRRS and 4 KiB (C5, C6), 3 or 4 DW header by the address (C7), exact byte enables
 * (C8), attributes by enable (C99); any byte alignment of both sides; completions in any order, split as the completer likes (C54 to C56).
 *
 *     jobs ─► TransferPlanner ─► ReadRequester ─► tx              ┌─► memory_write, media
 *                  └─► tasks ─────────│ ──────────────► Realigner ┴─► results
 *                               order └──► ReadDeliverer ─►┘
 *     completion ─► ReadReceiver ─► ReorderMemory ─┘
 *
 * The first MRd is offered 2 cycles after its job was taken, then one per cycle, also across jobs, while tags and room last. Room in the reorder
 * buffer is reserved before a request leaves (C70f), so `completion` is always ready. Words leave in order, each request's when it is complete: the
 * first 5 cycles after the last beat of its completion (6 if it takes from two words of the source), then one per cycle. A media job gives
 * ceil(length / (width / 8)) words; of the last the low bytes count.
 *
 * Results come in the order of jobs, each after the job's last word was accepted. A request that fails by UR, CA, poison or timeout (C53, C59, C71b)
 * gives zeros for its words, and the job the greatest outcome of its requests. A job whose function may not send requests (C81, C84) or is in `cancel`
 * ends before its next request; in a reset or `cancel` its requests under way are given up too, by the next look at their tags. Timeouts, quarantine of
 * tags and unexpected completions are described at `ReadReceiver`. `idle` has a bit per function: no job of it is inside. `unused`: no read is
 * outstanding or stored. Reset forgets all; the first request leaves `tags` cycles after it at the earliest.
 */
export class ReadDma extends Module<ReadDmaParams> {
  readonly controls = input(vec(this.p.functions, functionControls(this.p.bars)));
  readonly cancel = input(uint(this.p.functions));
  readonly jobs = input(stream(DmaJob));
  readonly results = output(stream(DmaResult));
  readonly idle = output(uint(this.p.functions));
  readonly unused = output(bool);
  /** See `ReadReceiver`. */
  readonly flushed = input(bool);
  readonly settled = output(bool);
  readonly failure = output(ReceivedFailure);
  readonly completion = input(stream(tlpBeat(this.p.width)));
  /** With the last beat of `completion`: it had more or fewer beats than its header says, and its data is not used. */
  readonly completion_bad = input(bool);
  readonly errors = output(stream(ErrorReport));
  readonly tx = output(stream(tlpBeat(this.p.width)));
  readonly media = output(stream(uint(this.p.width)));
  readonly memory_write = output(stream(memoryWrite(this.p.width, this.p.address_width)));
  private readonly depth = (this.p.buffer_bytes * 8) / this.p.width;
  private readonly shared = {
    width: this.p.width,
    functions: this.p.functions,
    bars: this.p.bars,
    tags: this.p.tags,
    depth: this.depth,
  };
  private readonly planner = new TransferPlanner({
    limit: 'mrrs',
    max_bytes: this.p.max_read_request,
    functions: this.p.functions,
    bars: this.p.bars,
  });
  private readonly requester = new ReadRequester({
    ...this.shared,
    reserved: this.p.reserved_tags ?? 0,
    max_read_request: this.p.max_read_request,
  });
  private readonly receiver = new ReadReceiver(this.shared);
  private readonly buffer = new ReorderMemory({ width: this.p.width, depth: this.depth });
  private readonly deliverer = new ReadDeliverer({ width: this.p.width, tags: this.p.tags, depth: this.depth });
  private readonly targetType = class ReadTarget extends Bundle({
    word: uint(this.p.address_width),
    memory: bool,
    id: uint(8),
    function: uint(3),
  }) {};
  private readonly realigner = new Realigner({
    width: this.p.width,
    info: this.targetType.width,
    granule: this.p.granule ?? 1,
  });
  private readonly taskType = realignTask(this.p.width, this.targetType.width);
  private readonly tasks = new Fifo({
    type: this.taskType,
    depth: this.p.tags,
    style: this.p.tags > 64 ? 'block' : 'distributed',
  });
  private readonly task = wire(stream(this.taskType));
  private readonly target = wire(this.targetType);
  private readonly counter = new JobCounter({ functions: this.p.functions, jobs: this.p.tags + 15 });
  /** Jobs whose last word was accepted; there is a place for one more in the next cycle. */
  private readonly delivered = new ShowAheadFifo({ type: DeliveredJob, depth: deliveredJobs });
  private readonly may_end = reg(bool, { init: 0 });
  private readonly cycle = reg(uint(clog2(this.p.cycles_per_microsecond + 1)), { init: 0 });
  private readonly now_us = reg(uint(timeBits), { init: 0 });
  private readonly next_word = reg(uint(this.p.address_width));

  protected override logic() {
    const { width, cycles_per_microsecond } = this.p;
    if (![64, 128, 256, 512].includes(width)) throw new HdlError(`a TLP stream has 64, 128, 256 or 512 data bits, not ${width}`);
    const { counter } = this;
    when(this.cycle.eq(cycles_per_microsecond - 1), () => {
      this.cycle.set(0);
      this.now_us.set(this.now_us.add(1));
    }).otherwise(() => this.cycle.set(this.cycle.add(1)));
    this.request();
    this.receive();
    this.deliver();
    connect(counter, {
      taken: this.jobs.fire,
      taken_function: this.jobs.payload.function,
      answered: this.results.fire,
      answered_function: this.results.payload.function,
    });
    this.idle.set(counter.idle);
  }

  private request() {
    const { planner, requester, controls, deliverer, receiver } = this;
    const bits = byteBits(this.p.width);
    const { job, first } = planner.out.payload;
    connect(planner, { controls, cancel: this.cancel, jobs: this.jobs });
    connect(requester, {
      controls,
      segments: planner.out,
      now_us: this.now_us,
      task_ready: this.task.ready,
      quarantine: receiver.quarantine,
      released: deliverer.released,
      freed: deliverer.fetch,
    });
    this.tx.from(requester.tx);
    this.unused.set(requester.unused);
    connect(this.tasks, { in: this.task });
    this.task.valid.set(planner.out.valid.and(requester.segments.ready).and(first));
    this.target.set({
      word: job.offset.zext(32 + this.p.address_width).part(bits, this.p.address_width),
      memory: job.memory,
      id: job.id,
      function: job.function,
    });
    this.task.put({
      source: job.address.trunc(bits),
      target: job.offset.trunc(bits),
      bytes: job.length,
      fresh: 1,
      info: pack(this.target),
    });
  }

  private receive() {
    const { receiver, buffer, deliverer, requester } = this;
    connect(receiver, {
      controls: this.controls,
      cancel: this.cancel,
      now_us: this.now_us,
      completion: this.completion,
      completion_bad: this.completion_bad,
      issued: requester.issued,
      flushed: this.flushed,
    });
    this.settled.set(receiver.settled);
    this.failure.set(receiver.failure);
    this.errors.from(receiver.errors);
    connect(buffer, {
      write: receiver.store,
      index: receiver.store_index,
      lane: receiver.store_lane,
      left: receiver.store_left,
      data: receiver.store_data,
      fetch: deliverer.fetch,
      address: deliverer.address,
    });
  }

  private deliver() {
    const { deliverer, realigner, buffer, requester, receiver } = this;
    connect(deliverer, { order: requester.order, completed: receiver.completed, word: buffer.word });
    connect(realigner, { task: this.tasks.out, words: deliverer.words });
    const { data, mask, some, first, last, info } = realigner.out.payload;
    const { word, memory, id, function: owner } = unpack(this.targetType, info);
    const may_go = last.not().or(this.may_end);
    const valid = realigner.out.valid.and(may_go).and(some);
    const moves = may_go.and(some.not().or(mux(memory, this.memory_write.ready, this.media.ready)));
    const address = mux(first, word, this.next_word);
    this.memory_write.valid.set(valid.and(memory));
    this.memory_write.put({ address, data, mask });
    this.media.valid.set(valid.and(memory.not()));
    this.media.put(data);
    realigner.out.ready.set(moves);
    when(realigner.out.valid.and(moves), () => this.next_word.set(address.add(1)));
    this.delivered.in.valid.set(realigner.out.valid.and(moves).and(last));
    this.delivered.in.put({ id, function: owner });
    this.answer();
  }

  /** Results: the jobs that were delivered, and how they ended. */
  private answer() {
    const { results, delivered } = this;
    const { outcomes } = this.deliverer;
    const { id, function: owner } = delivered.out.payload;
    // One may come in this cycle and one in the next.
    this.may_end.set(delivered.count.le(deliveredJobs - 2));
    results.valid.set(delivered.out.valid.and(outcomes.valid));
    results.put({ id, function: owner, outcome: outcomes.payload });
    delivered.out.ready.set(results.ready.and(outcomes.valid));
    outcomes.ready.set(results.ready.and(delivered.out.valid));
  }
}
