import {
  Bundle,
  bool,
  cat,
  connect,
  input,
  Module,
  match,
  mux,
  output,
  pack,
  reg,
  ShowAheadFifo,
  states,
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
import { CompletionEntry, Descriptor, Opcode } from './descriptor.ts';
import { DescriptorFetch, DescriptorRing, ReadBack } from './descriptor-fetch.ts';
import { mayRequest, ofFunction } from './function-select.ts';
import { DmaJob, DmaOutcome, DmaResult } from './job.ts';
import { LocalJob } from './local-copy.ts';
import { LocalDecoder, type LocalRegion } from './local-decoder.ts';
import { ReceivedFailure } from './read-events.ts';
import { extentOf, requestHeader } from './request-header.ts';

/** Who does a descriptor's work. */
const Engine = { none: 0, read: 1, write: 2, copy: 3 } as const;

/** A descriptor whose job was given away. */
class Pending extends Bundle({
  engine: uint(2),
  /** What is known without an engine. */
  outcome: uint(3),
  chain: bool,
  status: bool,
  interrupt: bool,
  read_back: bool,
  /** Of the last byte, and of which type it is. */
  address: uint(64),
  at: uint(2),
  cookie: uint(32),
  index: uint(16),
  phase: bool,
}) {}

/** Descriptors whose jobs are under way. */
const under_way = 32;

const Retire = states('Collect', 'Ask', 'Await', 'Post', 'Raise');

export interface DmaChannelParams {
  readonly width: number;
  readonly address_width: number;
  readonly functions: number;
  /** BARs per function. */
  readonly bars: number;
  readonly cycles_per_microsecond: number;
  /** Where the functions' memory BARs lie in the BAR memory. */
  readonly regions: readonly LocalRegion[];
}

/**
 * Works off a ring of descriptors (`Descriptor`) for one function: fetches them ahead, gives their jobs to a read engine, a write engine, or, where the
 * remote address lies in the endpoint's own memory, to a `LocalCopy`, and reports their ends in the order of the ring.
 *
 *     DescriptorFetch ─► LocalDecoder ─┬─► read_jobs ──► read_results ─┐
 *                                      ├─► write_jobs ─► write_results ┼─► read-back ─► completion entry ─► interrupt
 *                                      └─► copy_jobs ──► copy_results ─┘
 *
 * A descriptor's job is offered 2 cycles after the descriptor came, then one per cycle; up to 32 are under way. Jobs of different engines overlap and
 * are not ordered, unless a descriptor has `fence`. A transfer that ends without read-back, entry or interrupt takes 1 cycle; each of these adds at least
 * 1. The entry leaves after the engine's result, so behind all MWr of the transfer if both go through one arbiter; with `read_back` the peer has answered
 * a read behind them too (C63). Entries have no relaxed ordering (C64). No entry leaves while bus mastering is off (C81).
 *
 * Registers: `ring` and `completion_base` stay as they are while `run` is 1; `tail` is written by software, `head` is behind the last descriptor that
 * ended, whose read-back is done and whose entry has left. With `run` 0, or in a function level reset (C84), the channel raises `cancel` for the engines, drops descriptors that have not begun, takes the
 * results of those that have and reports nothing; when all is done `idle` rises and everything begins anew with descriptor 0 and phase 1. A fetch
 * that fails raises `failed`: nothing more is fetched until `run` was 0. `posted` and `non_posted` come from registers. Reset forgets all.
 */
export class DmaChannel extends Module<DmaChannelParams> {
  readonly controls = input(vec(this.p.functions, functionControls(this.p.bars)));
  readonly owner = input(uint(3));
  readonly run = input(bool);
  readonly ring = input(DescriptorRing);
  /** PCIe address of the completion ring, a multiple of 8. */
  readonly completion_base = input(uint(64));
  readonly vector = input(uint(11));
  readonly tail = input(uint(16));
  readonly head = output(uint(16));
  readonly failed = output(bool);
  readonly idle = output(bool);
  /** Descriptors, or a byte that is read back, may be on their way. */
  readonly reading = output(bool);
  /** See `ReadReceiver`. */
  readonly flushed = input(bool);
  readonly settled = output(bool);
  readonly failure = output(ReceivedFailure);
  /** Functions whose jobs the engines are to end: the owner, until the channel that was stopped is idle. */
  readonly cancel = output(uint(this.p.functions));
  readonly read_jobs = output(stream(DmaJob));
  readonly read_results = input(stream(DmaResult));
  readonly write_jobs = output(stream(DmaJob));
  readonly write_results = input(stream(DmaResult));
  readonly copy_jobs = output(stream(LocalJob));
  readonly copy_results = input(stream(DmaResult));
  readonly posted = output(stream(tlpBeat(this.p.width)));
  readonly non_posted = output(stream(tlpBeat(this.p.width)));
  /** Completions of tags 0 .. `fetchTags` - 1. */
  readonly completion = input(stream(tlpBeat(this.p.width)));
  /** With the last beat of `completion`: it had more or fewer beats than its header says, and its data is not used. */
  readonly completion_bad = input(bool);
  readonly errors = output(stream(ErrorReport));
  /** The BAR memory, for a ring that lies there. */
  readonly memory_request = output(stream(uint(this.p.address_width)));
  readonly memory_data = input(stream(uint(this.p.width)));
  /** MSI-X vectors to be raised. */
  readonly interrupts = output(stream(uint(11)));
  private readonly fetch = new DescriptorFetch({
    width: this.p.width,
    address_width: this.p.address_width,
    functions: this.p.functions,
    bars: this.p.bars,
    cycles_per_microsecond: this.p.cycles_per_microsecond,
  });
  private readonly decoder = new LocalDecoder({ functions: this.p.functions, bars: this.p.bars, regions: this.p.regions });
  private readonly pending = new ShowAheadFifo({ type: Pending, depth: under_way });
  private readonly begun = wire(stream(Pending));
  private readonly active = wire(bool);
  /** The descriptor that is decoded. */
  private readonly has_descriptor = reg(bool, { init: 0 });
  private readonly descriptor = reg(Descriptor);
  private readonly index = reg(uint(16));
  private readonly phase = reg(bool, { init: 1 });
  /** The job that is offered. */
  private readonly has_job = reg(bool, { init: 0 });
  private readonly job = reg(Descriptor);
  private readonly job_index = reg(uint(16));
  private readonly engine = reg(uint(2));
  private readonly local_offset = reg(uint(32));
  private readonly state = reg(Retire, { init: 'Collect' });
  private readonly ended = reg(Pending);
  private readonly worst = reg(uint(3), { init: 0 });
  /** Behind the last descriptor whose job has ended, and behind the last one whose end was told. */
  private readonly place = reg(uint(16), { init: 0 });
  private readonly told = reg(uint(16), { init: 0 });
  private readonly want_read_back = wire(stream(ReadBack));
  private readonly entry = wire(CompletionEntry);
  private readonly entry_valid = reg(bool, { init: 0 });
  private readonly entry_beat = reg(tlpBeat(this.p.width));

  protected override logic() {
    const { fetch, pending } = this;
    this.active.set(this.run.and(ofFunction(this.controls, this.owner, of => of.resetting.not())));
    connect(fetch, {
      controls: this.controls,
      run: this.active,
      owner: this.owner,
      ring: this.ring,
      tail: this.tail,
      read_back: this.want_read_back,
      completion: this.completion,
      completion_bad: this.completion_bad,
      memory_data: this.memory_data,
      flushed: this.flushed,
    });
    this.settled.set(fetch.settled);
    this.failure.set(fetch.failure);
    this.failed.set(fetch.failed);
    this.errors.from(fetch.errors);
    this.non_posted.from(fetch.tx);
    this.memory_request.from(fetch.memory_request);
    this.dispatch();
    this.retire();
    const busy = this.has_descriptor
      .or(this.has_job)
      .or(pending.out.valid)
      .or(this.state.is('Collect').not())
      .or(this.entry_valid);
    const idle = this.active.not().and(busy.not()).and(fetch.idle);
    this.idle.set(idle);
    this.head.set(this.told);
    // An entry that waits for its turn has not been told yet.
    when(this.state.is('Collect').or(this.state.is('Raise')).and(this.entry_valid.not().or(this.posted.ready)), () =>
      this.told.set(this.place),
    );
    this.cancel.set(mux(this.active.or(idle), u(8, 0), u(8, 1).shl(this.owner)).trunc(this.p.functions));
    this.reading.set(fetch.reading);
    when(idle, () => {
      this.place.set(0);
      this.told.set(0);
      this.phase.set(1);
      this.worst.set(0);
    });
  }

  /** Decodes a descriptor, and gives its job away. */
  private dispatch() {
    const { fetch, decoder, descriptor, job, begun, pending } = this;
    connect(decoder, {
      controls: this.controls,
      address: descriptor.address,
      length: descriptor.length,
      owner: this.owner,
    });
    const is = (code: number) => job.opcode.eq(code);
    const nothing = this.engine.eq(Engine.none);
    const clear = job.fence.not().or(pending.out.valid.or(this.state.is('Collect').not()).not());
    const offered = this.has_job.and(this.active).and(clear).and(begun.ready);
    const accepted = nothing
      .or(this.engine.eq(Engine.read).and(this.read_jobs.ready))
      .or(this.engine.eq(Engine.write).and(this.write_jobs.ready))
      .or(this.engine.eq(Engine.copy).and(this.copy_jobs.ready));
    const gone = offered.and(accepted).or(this.active.not());
    const move = this.has_job.not().or(gone);

    fetch.out.ready.set(this.has_descriptor.not().or(move));
    when(this.has_descriptor.not().or(move), () => {
      this.has_descriptor.set(fetch.out.valid.and(this.active));
      this.descriptor.set(fetch.out.payload.descriptor);
      this.index.set(fetch.out.payload.index);
    });
    when(move, () => {
      const reads = descriptor.opcode.eq(Opcode.read);
      const writes = descriptor.opcode.eq(Opcode.write);
      const remote = mux(reads, u(2, Engine.read), mux(writes, u(2, Engine.write), Engine.none));
      this.has_job.set(this.has_descriptor.and(this.active));
      this.job.set(descriptor);
      this.job_index.set(this.index);
      this.engine.set(mux(decoder.hit.and(remote.any()), u(2, Engine.copy), remote));
      this.local_offset.set(decoder.offset);
    });

    const wanted = {
      address: job.address,
      offset: job.offset,
      length: job.length,
      memory: job.media.not(),
      function: this.owner,
      relaxed_ordering: job.relaxed_ordering,
      no_snoop: job.no_snoop,
      at: job.at,
      id: u(8, 0),
    };
    this.read_jobs.valid.set(offered.and(this.engine.eq(Engine.read)));
    this.read_jobs.put(wanted);
    this.write_jobs.valid.set(offered.and(this.engine.eq(Engine.write)));
    this.write_jobs.put(wanted);
    this.copy_jobs.valid.set(offered.and(this.engine.eq(Engine.copy)));
    this.copy_jobs.put({
      source: mux(is(Opcode.read), this.local_offset, job.offset),
      target: mux(is(Opcode.read), job.offset, this.local_offset),
      length: job.length,
      from_media: job.media.and(is(Opcode.write)),
      to_media: job.media.and(is(Opcode.read)),
      function: this.owner,
      id: 0,
    });
    connect(pending, { in: begun });
    begun.valid.set(this.has_job.and(this.active).and(clear).and(accepted));
    begun.put({
      engine: this.engine,
      outcome: mux(nothing.and(job.opcode.ne(Opcode.none)), u(3, DmaOutcome.refused), DmaOutcome.success),
      chain: job.chain,
      status: job.status,
      interrupt: job.interrupt,
      read_back: job.read_back.and(this.engine.eq(Engine.write)).and(job.length.any()),
      address: job.address.add(job.length.zext(64)).sub(1),
      at: job.at,
      cookie: job.cookie,
      index: this.job_index,
      phase: this.phase,
    });
    when(begun.fire.and(this.job_index.eq(this.ring.entries.sub(1))), () => this.phase.set(this.phase.not()));
  }

  /** Collects results in the order of the ring, and reports the ends of transfers. */
  private retire() {
    const { pending, ended, state, fetch } = this;
    const next = pending.out.payload;
    const from = (engine: number) => pending.out.valid.and(next.engine.eq(engine)).and(state.is('Collect'));
    this.read_results.ready.set(from(Engine.read));
    this.write_results.ready.set(from(Engine.write));
    this.copy_results.ready.set(from(Engine.copy));
    const took = from(Engine.none).or(this.read_results.fire).or(this.write_results.fire).or(this.copy_results.fire);
    pending.out.ready.set(took);
    const outcome = mux(
      this.read_results.fire,
      this.read_results.payload.outcome,
      mux(
        this.write_results.fire,
        this.write_results.payload.outcome,
        mux(this.copy_results.fire, this.copy_results.payload.outcome, next.outcome),
      ),
    );
    const worst = this.worst.max(outcome);
    const room = this.entry_valid.not().or(this.posted.ready);
    const allowed = mayRequest(this.controls, this.owner, u(8, 0).trunc(this.p.functions));

    this.want_read_back.valid.set(state.is('Ask'));
    this.want_read_back.put({ address: ended.address, at: ended.at });
    // The entry may still wait for its turn, and the message must come behind it.
    this.interrupts.valid.set(state.is('Raise').and(this.entry_valid.not()));
    this.interrupts.put(this.vector);
    this.posted.valid.set(this.entry_valid);
    this.posted.put(this.entry_beat);
    this.entry.set({ cookie: ended.cookie, phase: ended.phase, outcome: this.worst, reserved: 0, index: ended.index });
    when(this.posted.ready, () => this.entry_valid.set(0));
    const finish = () => {
      this.state.set('Collect');
      this.worst.set(0);
    };
    match(Retire, state, {
      Collect: () =>
        when(took, () => {
          this.ended.set(next);
          this.place.set(next.index.add(1).and(this.ring.entries.sub(1)));
          this.worst.set(mux(next.chain, worst, 0));
          when(next.chain.not().and(this.active), () => {
            this.worst.set(worst);
            when(next.read_back.and(worst.any().not()), () => this.state.set('Ask'))
              .elsewhen(next.status.or(worst.any()), () => this.state.set('Post'))
              .elsewhen(next.interrupt, () => this.state.set('Raise'))
              .otherwise(() => this.worst.set(0));
          });
        }),
      Ask: () => when(this.want_read_back.ready, () => this.state.set('Await')),
      Await: () =>
        when(fetch.read_back_done, () => {
          const failed = fetch.read_back_outcome.any();
          this.worst.set(fetch.read_back_outcome);
          when(ended.status.or(failed), () => this.state.set('Post'))
            .elsewhen(ended.interrupt, () => this.state.set('Raise'))
            .otherwise(finish);
        }),
      Post: () =>
        when(room.or(this.active.not()), () => {
          this.entry_valid.set(allowed.and(this.active).or(this.entry_valid.and(this.posted.ready.not())));
          this.load();
          finish();
          when(ended.interrupt.and(this.active), () => this.state.set('Raise'));
        }),
      Raise: () => when(this.interrupts.fire, finish),
    });
  }

  /** Makes the completion entry's MWr. */
  private load() {
    const address = this.completion_base.add(cat(this.ended.index, u(3, 0)).as(19).zext(64));
    when(this.entry_valid.not().or(this.posted.ready), () =>
      this.entry_beat.set({
        header: requestHeader({
          data: true,
          address,
          extent: extentOf(address, u(13, 8)),
          requester_id: ofFunction(this.controls, this.owner, of => of.id),
          tag: u(10, 0),
          attr: u(3, 0),
          at: u(2, 0),
        }),
        data: pack(this.entry).zext(this.p.width),
        first: 1,
        last: 1,
      }),
    );
  }
}
