import {
  allOf,
  anyOf,
  type Bool,
  cat,
  connect,
  input,
  Module,
  mux,
  output,
  PacketArbiter,
  RoundRobinArbiter,
  reg,
  SkidBuffer,
  type Stream,
  stream,
  type UInt,
  u,
  uint,
  vec,
  wire,
} from '@hdl/ts-hdl';
import { at } from '../../at.ts';
import { ErrorReport } from '../../config/error-report.ts';
import { functionControls } from '../../config/function-controls.ts';
import { tlpBeat } from '../../tlp/tlp.ts';
import { memoryWrite } from '../interfaces.ts';
import { laneBits } from '../lane-rotator.ts';
import { atomicRequest } from '../receive/interfaces.ts';
import { AtomicJob, AtomicRequester, AtomicResult } from './atomic-requester.ts';
import { CopyEngines, copiesInside } from './copy-engines.ts';
import { DescriptorRing, fetchTags } from './descriptor-fetch.ts';
import { DmaChannel } from './dma-channel.ts';
import type { Controls } from './function-select.ts';
import { DmaJob, DmaResult } from './job.ts';
import { JobCounter } from './job-counter.ts';
import { LocalJob } from './local-copy.ts';
import type { LocalRegion } from './local-decoder.ts';
import { MediaPorts } from './media-ports.ts';
import { ReadDma } from './read-dma.ts';
import { SingleAtomic } from './single-atomic.ts';
import { SingleFlush } from './single-flush.ts';
import { SingleJob } from './single-job.ts';
import { WriteDma } from './write-dma.ts';

export interface DmaEngineParams {
  /** Bits of a word: 64, 128, 256 or 512. */
  readonly width: number;
  /** Bits of a BAR memory address, which counts words. */
  readonly address_width: number;
  readonly functions: number;
  /** BARs per function. */
  readonly bars: number;
  /** Tags of all requesters: the channel's 8, that of AtomicOps, and those of reads. */
  readonly tags: number;
  readonly buffer_bytes: number;
  readonly max_read_request: number;
  readonly max_payload: number;
  readonly cycles_per_microsecond: number;
  readonly regions: readonly LocalRegion[];
}

/** The tag of AtomicOps; those below are the channel's, those above the reads'. */
const atomicTag = fetchTags;
/** Id of reads of nothing among what an `AtomicRequester` does: that of the firmware's operations is 0. */
const forFlush = 1;
/** Who gave a job: bits 3:0 of its id; the media that it takes or gives: the bits above. */
const Source = { channel: 0, write: 1, read: 2, fill: 3, drain: 4 } as const;
const mediaIn = 7;
const mediaOut = 6;

/**
 * A DMA channel, single jobs of the firmware, AtomicOps, and the engines that work for all of them, between the link and the BAR memory:
 *
 *     DmaChannel ──────────┬► WriteDma ── tx ─┬─► posted         memory_write[0] ◄─ ReadDma
 *       │  └─ posted ──────│──────────────────┘                  memory_write[1] ◄─ CopyEngines, from memory
 *     write_job, read_job ─┼► ReadDma ─── tx ─┬─► non_posted     memory_write[2] ◄─ CopyEngines, from media
 *       (SingleJob)        │  AtomicRequester ┤                  memory_data[0] ─► WriteDma
 *     fill_job, drain_job ─┴► CopyEngines     └─ DmaChannel      memory_data[1] ─► CopyEngines
 *                                                                memory_data[2] ─► DmaChannel (a ring in the BAR memory)
 *
 * Jobs for one engine take turns, and results go back to who gave the job. A job, or AtomicOp, whose remote address lies in the endpoint's own memory is done inside. A firmware
 * job takes 1 cycle until its engine sees it. Media: see `MediaPorts`.
 *
 * The joins of packets are combinational; what they join comes from registers. `completion` is always ready (C70f): tags below 8 are the channel's, 8 is that
 * of AtomicOps, the others are those of `ReadDma`.
 *
 * Bus Master Enable and resets are heeded a cycle late. A reset of a function (C84) ends its jobs as `refused`; stopping the channel ends the jobs under way of its function too, whoever gave them. `quiet`, a bit
 * per function: no job is under way. `pending`, likewise: non-posted requests may be waiting for completions. `received_…`: a completion for a request of the function
 * came with such a status or poisoned. With `flushed` requests that are given up leave no tag behind that must not be used. Reset forgets all.
 */
export class DmaEngine extends Module<DmaEngineParams> {
  private readonly beat = tlpBeat(this.p.width);
  private readonly word = uint(this.p.width);
  readonly controls = input(vec(this.p.functions, functionControls(this.p.bars)));
  /** The channel's registers, see `DmaChannel`. */
  readonly owner = input(uint(3));
  readonly run = input(uint(1));
  readonly ring = input(DescriptorRing);
  readonly completion_base = input(uint(64));
  readonly vector = input(uint(11));
  readonly tail = input(uint(16));
  readonly head = output(uint(16));
  readonly failed = output(uint(1));
  /** The channel is idle. */
  readonly idle = output(uint(1));
  readonly interrupts = output(stream(uint(11)));
  /** Single jobs, one of each at a time; their ids have no meaning. `write_flush` comes with `write_job`: its data is read back before its result, see `SingleFlush`. */
  readonly write_job = input(stream(DmaJob));
  readonly write_flush = input(uint(1));
  readonly write_result = output(stream(DmaResult));
  readonly read_job = input(stream(DmaJob));
  readonly read_result = output(stream(DmaResult));
  readonly fill_job = input(stream(LocalJob));
  readonly fill_result = output(stream(DmaResult));
  readonly drain_job = input(stream(LocalJob));
  readonly drain_result = output(stream(DmaResult));
  readonly atomic_job = input(stream(AtomicJob));
  readonly atomic_result = output(stream(AtomicResult));

  /** AtomicOps on the BAR memory. */
  readonly memory_atomic = output(stream(atomicRequest(this.p.address_width + laneBits(this.p.width))));
  readonly memory_atomic_result = input(stream(uint(128)));
  readonly quiet = output(uint(this.p.functions));
  /** The link was reset: no completion of an earlier request will come. */
  readonly flushed = input(uint(1));
  /** No request waits for completions, and all tags may be used. */
  readonly settled = output(uint(1));
  readonly pending = output(uint(this.p.functions));
  readonly received_unsupported = output(uint(this.p.functions));
  readonly received_abort = output(uint(this.p.functions));
  readonly received_poisoned = output(uint(this.p.functions));
  readonly errors = output(stream(ErrorReport));
  readonly posted = output(stream(this.beat));
  readonly non_posted = output(stream(this.beat));
  readonly completion = input(stream(this.beat));
  /** With the last beat of `completion`: it had more or fewer beats than its header says, and its data is not used. */
  readonly completion_bad = input(uint(1));
  readonly memory_write = output(vec(3, stream(memoryWrite(this.p.width, this.p.address_width))));
  readonly memory_request = output(vec(3, stream(uint(this.p.address_width))));
  readonly memory_data = input(vec(3, stream(this.word)));
  readonly media_in = input(stream(this.word));
  /** See `MediaPorts`. */
  readonly media_drop = input(uint(1));
  readonly media_out = output(stream(this.word));

  private readonly channel = new DmaChannel(this.p);
  private readonly single_write = new SingleJob({ ...this.p, of: 'write' });
  private readonly single_flush = new SingleFlush();
  private readonly single_read = new SingleJob({ ...this.p, of: 'read' });
  private readonly single_atomic = new SingleAtomic(this.p);
  private readonly reader = new ReadDma({ ...this.p, reserved_tags: atomicTag + 1 });
  private readonly writer = new WriteDma(this.p);
  private readonly copier = new CopyEngines({ ...this.p, sources: Object.keys(Source).length });
  private readonly atomic = new AtomicRequester({ ...this.p, tag: atomicTag });
  private readonly media = new MediaPorts({ width: this.p.width, reads: this.p.tags + 15, copies: copiesInside });
  /** Jobs of the channel that have to wait: that an engine takes one must not reach the decoding of descriptors. */
  private readonly channel_writes = new SkidBuffer({ type: DmaJob });
  private readonly channel_reads = new SkidBuffer({ type: DmaJob });
  private readonly channel_copies = new SkidBuffer({ type: LocalJob });
  private readonly write_turns = new RoundRobinArbiter({ n: 2, type: DmaJob });
  private readonly read_turns = new RoundRobinArbiter({ n: 2, type: DmaJob });
  /** Atomic operations of the firmware, and reads behind its writes. */
  private readonly atomic_turns = new RoundRobinArbiter({ n: 2, type: AtomicJob });
  private readonly flush_counter = new JobCounter({ functions: this.p.functions, jobs: 1 });
  private readonly atomic_counter = new JobCounter({ functions: this.p.functions, jobs: 1 });
  private readonly posted_join = new PacketArbiter({ n: 2, type: this.beat });
  private readonly non_posted_join = new PacketArbiter({ n: 3, type: this.beat });
  private readonly error_join = new RoundRobinArbiter({ n: 3, type: ErrorReport });
  private readonly for_channel = wire(stream(this.beat));
  private readonly for_atomic = wire(stream(this.beat));
  private readonly for_reader = wire(stream(this.beat));
  private readonly write_jobs = wire(stream(DmaJob));
  private readonly read_jobs = wire(stream(DmaJob));
  /** Results by who gave the job: the channel, then single jobs. */
  private readonly write_results = wire(vec(2, stream(DmaResult)));
  private readonly read_results = wire(vec(2, stream(DmaResult)));
  private readonly written = wire(stream(DmaResult));
  private readonly gotten = wire(stream(DmaResult));
  private readonly reads_nothing = wire(stream(AtomicJob));
  private readonly flushed_one = wire(stream(AtomicResult));
  private readonly atomic_done = wire(stream(AtomicResult));
  /** What lets a function send requests, and what ends its jobs: a cycle late, for everything that sends looks at it before it asks for its turn. */
  private readonly masters = reg(uint(this.p.functions), { init: 0 });
  private readonly resets = reg(uint(this.p.functions), { init: 0 });
  private readonly cancel = reg(uint(this.p.functions), { init: 0 });
  private readonly write_wanted = wire(stream(DmaJob));
  private readonly read_wanted = wire(stream(DmaJob));
  private readonly fill_wanted = wire(stream(LocalJob));
  private readonly drain_wanted = wire(stream(LocalJob));

  protected override logic() {
    const word = (bits: readonly Bool[]) => cat(...bits.toReversed()) as UInt<number>;
    const resets = word(this.controls.map(of => of.resetting));
    this.masters.set(word(this.controls.map(of => of.bus_master)));
    this.resets.set(resets);
    this.cancel.set(this.channel.cancel.or(resets));
    this.takeCompletions();
    this.takeJobs();
    this.work();
    this.giveResults();
    this.send();
    this.tell();
  }

  private get lateControls(): Controls {
    return this.controls.map((of, i) => ({ ...of, bus_master: this.masters.bit(i), resetting: this.resets.bit(i) }));
  }

  private takeCompletions(): void {
    const { valid, ready, payload } = this.completion;
    const { header } = payload;
    ready.set(1);
    this.for_channel.valid.set(valid.and(header.tag.lt(fetchTags)));
    this.for_atomic.valid.set(valid.and(header.tag.eq(atomicTag)));
    this.for_reader.valid.set(valid.and(header.tag.gt(atomicTag)));
    for (const stream of [this.for_channel, this.for_atomic, this.for_reader]) stream.put(payload);

    const failures = [this.reader.failure, this.channel.failure, this.atomic.failure];
    const told = (what: 'unsupported' | 'abort' | 'poisoned') => {
      const functions = failures.map(failure => mux(failure[what], failure.functions, 0));
      return functions.reduce<UInt<8>>((a, b) => a.or(b), u(8, 0)).trunc(this.p.functions);
    };
    this.received_unsupported.set(told('unsupported'));
    this.received_abort.set(told('abort'));
    this.received_poisoned.set(told('poisoned'));
  }

  /** Jobs of the channel and of the firmware take turns; media jobs wait until the media are theirs. */
  private takeJobs(): void {
    const { channel, single_write, single_read, media, write_turns, read_turns, copier } = this;
    for (const [wanted, job, id] of [
      [this.write_wanted, this.write_job, Source.write],
      [this.read_wanted, this.read_job, Source.read],
    ] as const) {
      wanted.valid.set(job.valid);
      wanted.put({ ...job.payload, id });
      job.ready.set(wanted.ready);
    }
    for (const [wanted, job, id] of [
      [this.fill_wanted, this.fill_job, Source.fill],
      [this.drain_wanted, this.drain_job, Source.drain],
    ] as const) {
      wanted.valid.set(job.valid);
      wanted.put({ ...job.payload, id });
      job.ready.set(wanted.ready);
    }
    connect(single_write, {
      controls: this.lateControls,
      jobs: this.write_wanted,
      engine_result: at(this.write_results, 1),
      copy_result: at(this.copier.results, Source.write),
    });
    connect(single_read, {
      controls: this.lateControls,
      jobs: this.read_wanted,
      engine_result: at(this.read_results, 1),
      copy_result: at(this.copier.results, Source.read),
    });
    connect(this.channel_writes, { in: channel.write_jobs });
    connect(this.channel_reads, { in: channel.read_jobs });
    connect(this.channel_copies, { in: channel.copy_jobs });
    connect(write_turns, { in: [this.channel_writes.out, single_write.engine_jobs] });
    connect(read_turns, { in: [this.channel_reads.out, single_read.engine_jobs] });

    const write = write_turns.out;
    const read = read_turns.out;
    const write_media = write.payload.memory.not();
    const read_media = read.payload.memory.not();
    const may_write = write_media.not().or(media.write_may);
    const may_read = read_media.not().or(media.read_may);
    this.write_jobs.valid.set(write.valid.and(may_write));
    this.write_jobs.put({ ...write.payload, id: flagged(write.payload.id, write_media, mediaIn) });
    write.ready.set(this.write_jobs.ready.and(may_write));
    this.read_jobs.valid.set(read.valid.and(may_read));
    this.read_jobs.put({ ...read.payload, id: flagged(read.payload.id, read_media, mediaOut) });
    read.ready.set(this.read_jobs.ready.and(may_read));

    const answered = (results: Stream<typeof DmaResult>, bit: number) => results.fire.and(results.payload.id.bit(bit));
    connect(media, {
      media_in: this.media_in,
      drop_unwanted: this.media_drop,
      from_read: this.reader.media,
      from_copy: copier.media_out,
      write_offered: write.valid.and(write_media),
      write_taken: this.write_jobs.fire.and(write_media),
      write_length: write.payload.length,
      write_answered: answered(this.written, mediaIn),
      read_offered: read.valid.and(read_media),
      read_taken: this.read_jobs.fire.and(read_media),
      read_answered: answered(this.gotten, mediaOut),
      copy_in_taken: copier.in_taken,
      copy_in_answered: copier.in_answered,
      copy_out_taken: copier.out_taken,
      copy_out_answered: copier.out_answered,
    });
    this.media_out.from(media.media_out);
  }
  private work(): void {
    const { lateControls: controls, cancel, reader, writer, copier, atomic, single_atomic, channel, media } = this;
    connect(channel, {
      controls,
      owner: this.owner,
      run: this.run,
      ring: this.ring,
      completion_base: this.completion_base,
      vector: this.vector,
      tail: this.tail,
      read_results: at(this.read_results, 0),
      write_results: at(this.write_results, 0),
      copy_results: at(this.copier.results, Source.channel),
      completion: this.for_channel,
      completion_bad: this.completion_bad,
      memory_data: at(this.memory_data, 2),
      flushed: this.flushed,
    });
    connect(reader, {
      controls,
      cancel,
      jobs: this.read_jobs,
      completion: this.for_reader,
      completion_bad: this.completion_bad,
      flushed: this.flushed,
    });
    connect(writer, {
      controls,
      cancel,
      jobs: this.write_jobs,
      media: media.to_write,
      media_drop: media.drop,
      memory_data: at(this.memory_data, 0),
    });
    connect(copier, {
      cancel,
      jobs: [
        this.channel_copies.out,
        this.single_write.copy_jobs,
        this.single_read.copy_jobs,
        this.fill_wanted,
        this.drain_wanted,
      ],
      memory_data: at(this.memory_data, 1),
      media_in: media.to_copy,
      in_may: media.copy_in_may,
      out_may: media.copy_out_may,
    });
    connect(atomic, {
      controls,
      cancel,
      jobs: this.atomic_turns.out,
      completion: this.for_atomic,
      completion_bad: this.completion_bad,
      flushed: this.flushed,
    });
    at(this.memory_write, 0).from(reader.memory_write);
    at(this.memory_write, 1).from(at(copier.memory_write, 0));
    at(this.memory_write, 2).from(at(copier.memory_write, 1));
    at(this.memory_request, 0).from(writer.memory_request);
    at(this.memory_request, 1).from(copier.memory_request);
    at(this.memory_request, 2).from(channel.memory_request);
    this.head.set(channel.head);
    this.failed.set(channel.failed);
    this.idle.set(channel.idle);
    this.interrupts.from(channel.interrupts);
    connect(single_atomic, {
      controls,
      jobs: this.atomic_job,
      remote_result: this.atomic_done,
      request_result: this.memory_atomic_result,
    });
    this.reads_nothing.valid.set(this.single_flush.reads.valid);
    this.reads_nothing.put({ ...this.single_flush.reads.payload, id: forFlush });
    this.single_flush.reads.ready.set(this.reads_nothing.ready);
    connect(this.atomic_turns, { in: [single_atomic.remote, this.reads_nothing] });
    const { results } = atomic;
    const flushes = results.payload.id.eq(forFlush);
    for (const [stream, chosen] of [
      [this.flushed_one, flushes],
      [this.atomic_done, flushes.not()],
    ] as const) {
      stream.valid.set(results.valid.and(chosen));
      stream.put(results.payload);
    }
    results.ready.set(mux(flushes, this.flushed_one.ready, this.atomic_done.ready));
    this.memory_atomic.from(single_atomic.request);
    this.atomic_result.from(single_atomic.results);
  }

  /** Results go back to who gave the job. */
  private giveResults(): void {
    this.written.from(this.writer.results);
    this.gotten.from(this.reader.results);
    const engines = [
      { results: this.written, to: this.write_results, sources: [Source.channel, Source.write] },
      { results: this.gotten, to: this.read_results, sources: [Source.channel, Source.read] },
    ];
    for (const { results, to, sources } of engines) {
      const chosen = sources.map(source => results.payload.id.trunc(4).eq(source));
      to.forEach((stream, i) => {
        stream.valid.set(results.valid.and(at(chosen, i)));
        stream.put(results.payload);
      });
      results.ready.set(anyOf(to.map((stream, i) => at(chosen, i).and(stream.ready))));
    }
    connect(this.single_flush, {
      job: this.single_write.taken,
      remote: this.single_write.remote,
      flush: this.write_flush,
      begun: this.write_wanted.fire,
      written: this.single_write.result,
      read_results: this.flushed_one,
    });
    this.write_result.from(this.single_flush.result);
    this.read_result.from(this.single_read.result);
    this.fill_result.from(at(this.copier.results, Source.fill));
    this.drain_result.from(at(this.copier.results, Source.drain));
  }

  private send(): void {
    const { writer, reader, atomic, channel } = this;
    connect(this.posted_join, { in: [writer.tx, channel.posted] });
    connect(this.non_posted_join, { in: [reader.tx, channel.non_posted, atomic.tx] });
    connect(this.error_join, { in: [reader.errors, channel.errors, atomic.errors] });
    this.posted.from(this.posted_join.out);
    this.non_posted.from(this.non_posted_join.out);
    this.errors.from(this.error_join.out);
  }

  /** What of which function is under way. */
  private tell(): void {
    const { copier, atomic_counter, flush_counter, reader, writer, channel } = this;
    connect(flush_counter, {
      taken: this.reads_nothing.fire,
      taken_function: this.reads_nothing.payload.function,
      answered: this.flushed_one.fire,
      answered_function: this.flushed_one.payload.function,
    });
    connect(atomic_counter, {
      taken: this.atomic_job.fire,
      taken_function: this.atomic_job.payload.function,
      answered: this.atomic_result.fire,
      answered_function: this.atomic_result.payload.function,
    });
    const of_owner = (what: Bool): UInt<number> => mux(what, u(8, 1).shl(this.owner), u(8, 0)).trunc(this.p.functions);
    const engines = reader.idle.and(writer.idle).and(copier.idle).and(atomic_counter.idle).and(flush_counter.idle);
    this.quiet.set(engines.and(of_owner(channel.idle.not()).not()));
    this.pending.set(reader.idle.and(atomic_counter.idle).and(flush_counter.idle).not().or(of_owner(channel.reading)));
    this.settled.set(allOf([reader.settled, channel.settled, this.atomic.idle]));
  }
}

/** A job's id, and whether it takes or gives media. */
const flagged = (id: UInt<8>, media: Bool, bit: number): UInt<8> => id.or(media.zext(8).shl(bit));
