import {
  Bundle,
  bool,
  cat,
  connect,
  input,
  Module,
  mux,
  output,
  reg,
  ShowAheadFifo,
  stream,
  u,
  uint,
  vec,
  when,
  wire,
} from '@hdl/ts-hdl';
import { ErrorReport } from '../../config/error-report.ts';
import { functionControls } from '../../config/function-controls.ts';
import { tlpBeat } from '../../tlp/tlp.ts';
import { Descriptor, descriptorOf } from './descriptor.ts';
import { DescriptorUnpacker } from './descriptor-unpacker.ts';
import { DmaJob } from './job.ts';
import { LocalCopy, LocalJob } from './local-copy.ts';
import { ReadDma } from './read-dma.ts';
import { ReceivedFailure } from './read-events.ts';

/** Descriptors of one read at the most, and descriptors that are held. */
const group = 8;
const held = 16;
const descriptorBytes = 32;
/** Tags 0 .. 7 are the fetcher's. */
export const fetchTags = 8;

/** A ring of descriptors; stays as it is while the channel runs. */
export class DescriptorRing extends Bundle({
  /** PCIe address, a multiple of 64; or, if `local`, the byte offset in the BAR memory. */
  base: uint(64),
  local: bool,
  /** Number of descriptors: 2 .. 32,768, a power of two. */
  entries: uint(16),
}) {}

/** A byte to read back: its address, and of which type that is (C11). */
export class ReadBack extends Bundle({ address: uint(64), at: uint(2) }) {}

/** What is in a run of words: descriptors, or what a read-back brought. */
class Run extends Bundle({ count: uint(4), read_back: bool }) {}

/** A descriptor and its place in the ring. */
export class Fetched extends Bundle({ descriptor: Descriptor, index: uint(16) }) {}

/**
 * Reads descriptors ahead, up to 8 with one request and 16 held, from a ring in host or peer memory by MRd of its own (tags 0 .. 7), or from one in the
 * BAR memory; and reads back bytes of a peer (C63). It is a small `ReadDma` and a `LocalCopy`, so their rules hold, for timeouts and resets too.
 *
 *     ring ─┬─► ReadDma ──┬─► DescriptorUnpacker ─► out
 *           └─► LocalCopy ┘
 *
 * The MRd leaves 4 cycles after `tail` moved. A fetch or read-back that fails raises `failed`; the descriptors that it should have brought are zeros,
 * which ask for nothing. With `run` 0 all is given up; when `idle` it begins anew at descriptor 0. Reset does the same at once.
 */
export class DescriptorFetch extends Module<{
  readonly width: number;
  readonly address_width: number;
  readonly functions: number;
  readonly bars: number;
  readonly cycles_per_microsecond: number;
}> {
  readonly controls = input(vec(this.p.functions, functionControls(this.p.bars)));
  readonly run = input(bool);
  readonly owner = input(uint(3));
  readonly ring = input(DescriptorRing);
  /** The descriptor behind the last one that software filled. */
  readonly tail = input(uint(16));
  readonly out = output(stream(Fetched));
  /** What to read back; a pulse says that it is done, and how. */
  readonly read_back = input(stream(ReadBack));
  readonly read_back_done = output(bool);
  readonly read_back_outcome = output(uint(3));
  readonly failed = output(bool);
  readonly idle = output(bool);
  /** A read may be waiting for its completions. */
  readonly reading = output(bool);
  /** See `ReadReceiver`. */
  readonly flushed = input(bool);
  readonly settled = output(bool);
  readonly failure = output(ReceivedFailure);
  readonly completion = input(stream(tlpBeat(this.p.width)));
  /** With the last beat of `completion`: it had more or fewer beats than its header says, and its data is not used. */
  readonly completion_bad = input(bool);
  readonly errors = output(stream(ErrorReport));
  readonly tx = output(stream(tlpBeat(this.p.width)));
  readonly memory_request = output(stream(uint(this.p.address_width)));
  readonly memory_data = input(stream(uint(this.p.width)));
  private readonly reader = new ReadDma({
    width: this.p.width,
    address_width: this.p.address_width,
    functions: this.p.functions,
    bars: this.p.bars,
    tags: fetchTags,
    buffer_bytes: 1024,
    max_read_request: 256,
    granule: descriptorBytes,
    cycles_per_microsecond: this.p.cycles_per_microsecond,
  });
  private readonly copier = new LocalCopy({
    width: this.p.width,
    address_width: this.p.address_width,
    functions: this.p.functions,
    granule: descriptorBytes,
  });
  private readonly unpacker = new DescriptorUnpacker({ width: this.p.width });
  private readonly runs = new ShowAheadFifo({ type: Run, depth: 4 });
  private readonly new_run = wire(stream(Run));
  private readonly fifo = new ShowAheadFifo({ type: Fetched, depth: held });
  private readonly fetched = wire(stream(Fetched));
  private readonly job = wire(stream(DmaJob));
  private readonly local_job = wire(stream(LocalJob));
  private readonly words = wire(stream(uint(this.p.width)));
  private readonly no_media = wire(stream(uint(this.p.width)));
  /** The next descriptor to ask for, and the one that comes next. */
  private readonly next = reg(uint(16), { init: 0 });
  private readonly coming = reg(uint(16), { init: 0 });
  /** Descriptors asked for and not yet given away. */
  private readonly open = reg(uint(5), { init: 0 });
  /** A group is being asked for. */
  private readonly asking = reg(bool, { init: 0 });
  private readonly count = reg(uint(4));
  private readonly address = reg(uint(64));
  private readonly bad = reg(bool, { init: 0 });

  protected override logic() {
    const { reader, copier } = this;
    this.ask();
    this.take();
    const waiting = this.runs.out.valid.or(this.fifo.out.valid).or(this.asking);
    const still = reader.idle.all().and(copier.idle).and(waiting.not());
    this.idle.set(still);
    this.reading.set(reader.idle.all().not());
    this.failed.set(this.bad);
    when(reader.results.valid.and(reader.results.payload.outcome.any()).and(reader.results.payload.id.eq(0)), () =>
      this.bad.set(1),
    );
    when(copier.results.valid.and(copier.results.payload.outcome.any()), () => this.bad.set(1));
    this.read_back_done.set(reader.results.valid.and(reader.results.payload.id.eq(1)));
    this.read_back_outcome.set(reader.results.payload.outcome);
    when(this.run.not().and(still), () => {
      this.next.set(0);
      this.coming.set(0);
      this.open.set(0);
      this.bad.set(0);
    });
  }

  /** Asks for the next group, or for a byte to read back. */
  private ask() {
    const { reader, copier, ring, job, local_job, new_run, address } = this;
    const mask = ring.entries.sub(1);
    const waiting = this.tail.sub(this.next).and(mask);
    const to_end = ring.entries.sub(this.next);
    const count = waiting.min(to_end).min(u(16, group)).trunc(4);
    const wanted = this.run
      .and(this.bad.not())
      .and(waiting.any())
      .and(this.open.le(held - group));
    const bytes = cat(this.count, u(5, 0)).as(9).zext(32);
    const back = this.asking.not().and(this.read_back.valid);
    const ready = mux(ring.local, local_job.ready, job.ready);
    const begins = this.asking.and(new_run.ready).and(ready);

    connect(this.runs, { in: new_run });
    new_run.valid.set(this.asking.and(ready).or(back.and(job.ready)));
    new_run.put({ count: mux(back, u(4, 1), this.count), read_back: back });
    job.valid.set(new_run.ready.and(back.or(this.asking.and(ring.local.not()))));
    job.put({
      address: mux(back, this.read_back.payload.address, address),
      offset: 0,
      length: mux(back, u(32, 1), bytes),
      memory: 0,
      function: this.owner,
      relaxed_ordering: 0,
      no_snoop: 0,
      at: mux(back, this.read_back.payload.at, 0),
      id: back.zext(8),
    });
    local_job.valid.set(new_run.ready.and(this.asking).and(ring.local));
    local_job.put({
      source: address.trunc(32),
      target: 0,
      length: bytes,
      from_media: 0,
      to_media: 1,
      function: this.owner,
      id: 0,
    });
    this.read_back.ready.set(this.asking.not().and(job.ready).and(new_run.ready));
    when(begins, () => {
      this.asking.set(0);
      this.next.set(this.next.add(this.count.zext(16)).and(mask));
    });
    const stop = mux(this.run, u(8, 0), u(8, 1).shl(this.owner)).trunc(this.p.functions);
    connect(reader, {
      controls: this.controls,
      cancel: stop,
      jobs: job,
      completion: this.completion,
      completion_bad: this.completion_bad,
      flushed: this.flushed,
    });
    this.settled.set(reader.settled);
    this.failure.set(reader.failure);
    connect(copier, { cancel: stop, jobs: local_job, memory_data: this.memory_data, media_in: this.no_media });
    this.errors.from(reader.errors);
    this.tx.from(reader.tx);
    this.memory_request.from(copier.memory_request);
    reader.results.ready.set(1);
    copier.results.ready.set(1);
    reader.memory_write.ready.set(1);
    copier.memory_write.ready.set(1);
    this.no_media.valid.set(0);
    this.no_media.put(0);
    const gone = this.out.fire;
    const added = mux(begins, this.count, 0).zext(5);
    this.open.set(this.open.add(added).sub(gone.zext(5)));
    when(wanted.and(this.asking.not()), () => {
      this.asking.set(1);
      this.count.set(count);
      address.set(ring.base.add(cat(this.next, u(5, 0)).as(21).zext(64)));
    });
  }

  /** Makes descriptors of what comes, and drops what was read back. */
  private take() {
    const { reader, copier, unpacker, runs, fetched, fifo } = this;
    const { count, read_back } = runs.out.payload;
    const local = this.ring.local.and(read_back.not());
    const flush = this.run.not();
    const given = mux(local, copier.media_out.valid, reader.media.valid);
    const taken = mux(flush, u(1, 1), runs.out.valid.and(read_back.or(this.words.ready)));
    connect(unpacker, { words: this.words, count, flush: flush.or(read_back) });
    this.words.valid.set(given.and(runs.out.valid).and(read_back.not()));
    this.words.put(mux(local, copier.media_out.payload, reader.media.payload));
    copier.media_out.ready.set(mux(flush, u(1, 1), local.and(taken)));
    reader.media.ready.set(mux(flush, u(1, 1), local.not().and(taken)));
    runs.out.ready.set(flush.or(read_back.and(given)).or(unpacker.over));
    connect(fifo, { in: fetched });
    fetched.valid.set(unpacker.out.valid);
    fetched.put({ descriptor: descriptorOf(unpacker.out.payload), index: this.coming });
    unpacker.out.ready.set(fetched.ready);
    when(fetched.fire, () => this.coming.set(this.coming.add(1).and(this.ring.entries.sub(1))));
    this.out.valid.set(fifo.out.valid.and(this.run));
    this.out.put(fifo.out.payload);
    fifo.out.ready.set(this.out.ready.or(flush));
  }
}
