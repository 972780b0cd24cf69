import {
  Bundle,
  bool,
  connect,
  HdlError,
  input,
  Module,
  mux,
  output,
  pack,
  reg,
  ShowAheadFifo,
  stream,
  u,
  uint,
  unpack,
  vec,
  when,
  wire,
} from '@hdl/ts-hdl';
import { functionControls } from '../../config/function-controls.ts';
import { TlpHeader, tlpBeat } from '../../tlp/tlp.ts';
import { mayRequest, ofFunction, requestAttributes } from './function-select.ts';
import { DmaJob, DmaOutcome, DmaResult } from './job.ts';
import { JobCounter } from './job-counter.ts';
import { MediaBuffer } from './media-buffer.ts';
import { byteBits, Realigner, realignTask, sourceWord } from './realigner.ts';
import { extentOf, requestHeader } from './request-header.ts';
import { TransferPlanner } from './transfer-planner.ts';

/** What is known of a TLP when it is planned. */
class PlannedWrite extends Bundle({
  header: TlpHeader,
  function: uint(3),
  id: uint(8),
  /** There is no TLP: it tells only of the job's end. */
  none: bool,
  /** The job ends here; it was refused. */
  end: bool,
  refused: bool,
}) {}

/** TLPs that are planned ahead: they cover the latency of the memory. */
const ahead = 8;

export interface WriteDmaParams {
  /** Bits of a word: 64, 128, 256 or 512. */
  readonly width: number;
  /** Bits of a BAR memory address, which counts words. */
  readonly address_width: number;
  readonly functions: number;
  /** BARs per function. */
  readonly bars: number;
  /** Largest payload in bytes that a function has: 128 .. 4,096, a power of two. */
  readonly max_payload: number;
}

/**
 * Writes media words or BAR memory to PCIe addresses: MWr cut at MPS and 4 KiB (C4, C5), 3 or 4 DW header by the address (C7), exact byte enables
 * (C8), attributes by enable (C99), tag 0; any byte alignment of both sides.
 *
 *     jobs ─► TransferPlanner ─┬─► ahead ──────────────► Realigner ─► tx, results
 *                              └─► memory_request   ┌──►
 *                  memory_data, media ─► MediaBuffer ┘
 *
 * With a memory that answers after 2 cycles the first MWr is offered 5 cycles after its job was taken (6 if it takes from two words); from media 5
 * cycles after its last word came. Then a beat per cycle, no idle cycle between TLPs or jobs; a job whose first beat takes from two words costs a
 * cycle more. A TLP that has begun does not wait: one from media starts when all its words are there. Each media job begins at a new word, and takes
 * ceil(length / (width / 8)) words; of the last one the low bytes count.
 *
 * A result comes after `tx` accepted the job's last beat, so whatever is sent then stays behind the data (C63). A job whose function may not send
 * requests (C81, C84) or is in `cancel` ends after the TLP under way, with outcome `refused`; media words that it did not take stay in the stream.
 * `idle` has a bit per function: no job of it is inside. `tx` comes from registers and is not withdrawn; `media.ready`, `memory_data.ready` and
 * `jobs.ready` depend on registers and on `tx.ready` only. Reset forgets all jobs.
 */
export class WriteDma extends Module<WriteDmaParams> {
  readonly controls = input(vec(this.p.functions, functionControls(this.p.bars)));
  readonly cancel = input(uint(this.p.functions));
  readonly jobs = input(stream(DmaJob));
  readonly results = output(stream(DmaResult));
  readonly idle = output(uint(this.p.functions));
  readonly media = input(stream(uint(this.p.width)));
  /** No job takes media: words that came for one that was refused are dropped. */
  readonly media_drop = input(bool);
  readonly memory_request = output(stream(uint(this.p.address_width)));
  readonly memory_data = input(stream(uint(this.p.width)));
  readonly tx = output(stream(tlpBeat(this.p.width)));
  private readonly planner = new TransferPlanner({
    limit: 'mps',
    max_bytes: this.p.max_payload,
    functions: this.p.functions,
    bars: this.p.bars,
  });
  private readonly taskType = class WriteTask extends Bundle({
    align: realignTask(this.p.width, PlannedWrite.width),
    memory: bool,
    words: uint(10),
  }) {};
  private readonly ahead = new ShowAheadFifo({ type: this.taskType, depth: ahead });
  private readonly media_buffer = new MediaBuffer({ width: this.p.width, depth: (2 * this.p.max_payload * 8) / this.p.width });
  private readonly realigner = new Realigner({ width: this.p.width, info: PlannedWrite.width });
  private readonly counter = new JobCounter({ functions: this.p.functions, jobs: 31 });
  private readonly answers = new ShowAheadFifo({ type: DmaResult, depth: 8 });
  private readonly planned = wire(stream(this.taskType));
  private readonly task = wire(stream(realignTask(this.p.width, PlannedWrite.width)));
  private readonly words = wire(stream(sourceWord(this.p.width)));
  private readonly about = wire(PlannedWrite);
  private readonly answer = wire(stream(DmaResult));

  /** The memory reader: the address that is offered, and how many words the planned TLP still wants. */
  private readonly reading = reg(bool, { init: 0 });
  private readonly next = reg(uint(this.p.address_width));
  private readonly unread = reg(uint(10));
  /** Of the TLP in the realigner: its words come from the memory; how many they are; those of media are all there. */
  private readonly from_memory = reg(bool);
  private readonly wanted = reg(uint(10));
  private readonly admitted = reg(bool);
  /** Of the TLP at `tx`: it was offered already; it is sent, not dropped. Of the job: a TLP was dropped. */
  private readonly offered = reg(bool, { init: 0 });
  private readonly sending = reg(bool, { init: 0 });
  private readonly lost = reg(bool, { init: 0 });

  protected override logic() {
    if (![64, 128, 256, 512].includes(this.p.width))
      throw new HdlError(`a TLP stream has 64, 128, 256 or 512 data bits, not ${this.p.width}`);
    const { counter } = this;
    this.plan();
    this.align();
    this.send();
    connect(counter, {
      taken: this.jobs.fire,
      taken_function: this.jobs.payload.function,
      answered: this.results.fire,
      answered_function: this.results.payload.function,
    });
    this.idle.set(counter.idle);
  }

  /** Queues what is known of each TLP, and asks the memory for the words that it is the first to touch. */
  private plan() {
    const { planner, controls } = this;
    const bits = byteBits(this.p.width);
    const { job, bytes, none, first, last, refused } = planner.out.payload;
    const position = job.offset.trunc(bits);
    const shared = first.not().and(position.any());
    // Words that the bytes touch, but for one that the TLP before has touched.
    const behind = mux(shared, position.sub(1).zext(13), position.zext(13).add(2 ** bits - 1));
    const words = mux(none, u(10, 0), bytes.add(behind).shr(bits).trunc(10));
    const free = this.reading.not().or(this.memory_request.ready.and(this.unread.eq(1)));

    connect(planner, { controls, cancel: this.cancel, jobs: this.jobs });
    connect(this.ahead, { in: this.planned });
    this.planned.valid.set(planner.out.valid.and(free));
    planner.out.ready.set(free.and(this.planned.ready));
    this.about.set({
      header: requestHeader({
        data: true,
        address: job.address,
        extent: extentOf(job.address, bytes),
        requester_id: ofFunction(controls, job.function, of => of.id),
        tag: u(10, 0),
        attr: requestAttributes(controls, job),
        at: job.at,
      }),
      function: job.function,
      id: job.id,
      none,
      end: last,
      refused,
    });
    this.planned.put({
      align: {
        source: position,
        target: job.address.trunc(2).zext(bits),
        bytes: bytes.zext(32),
        fresh: first,
        info: pack(this.about),
      },
      memory: job.memory,
      words,
    });
    this.memory_request.valid.set(this.reading);
    this.memory_request.put(this.next);
    when(this.memory_request.fire, () => {
      this.reading.set(this.unread.ne(1));
      this.next.set(this.next.add(1));
      this.unread.set(this.unread.sub(1));
    });
    when(this.planned.fire.and(job.memory).and(words.any()), () => {
      this.reading.set(1);
      this.next.set(
        job.offset
          .zext(33 + this.p.address_width)
          .part(bits, this.p.address_width)
          .add(shared.zext(this.p.address_width)),
      );
      this.unread.set(words);
    });
  }

  /** Joins what is planned with its words. A TLP's words from media begin when all of them are there. */
  private align() {
    const { ahead: queue, media_buffer, realigner, task, from_memory } = this;
    const { align, memory, words } = queue.out.payload;
    const admit = this.admitted.or(media_buffer.enough);
    connect(media_buffer, { in: this.media, wanted: this.wanted });
    connect(realigner, { task, words: this.words });
    task.valid.set(queue.out.valid);
    task.put(align);
    queue.out.ready.set(task.ready);
    this.words.valid.set(mux(from_memory, this.memory_data.valid, media_buffer.out.valid.and(admit)));
    this.words.put({ data: mux(from_memory, this.memory_data.payload, media_buffer.out.payload), cut: 0 });
    this.memory_data.ready.set(this.words.ready.and(from_memory));
    media_buffer.out.ready.set(this.media_drop.or(this.words.ready.and(from_memory.not()).and(admit)));
    when(task.fire, () => {
      this.from_memory.set(memory);
      this.wanted.set(words);
      this.admitted.set(0);
    }).elsewhen(this.words.fire, () => this.admitted.set(1));
  }

  /** Sends or drops a TLP, as its function may at its first beat, and answers the job behind its last one. */
  private send() {
    const { realigner, tx } = this;
    const { data, first, last, info } = realigner.out.payload;
    const planned = unpack(PlannedWrite, info);
    const allowed = mayRequest(this.controls, planned.function, this.cancel);
    const wanted = planned.none.not().and(mux(first, allowed.or(this.offered), this.sending));
    const end = last.and(planned.end);
    // A TLP begins only with room for its result: one that has begun must not wait for who takes results, as it holds up all others on the link.
    const room = first.and(planned.end).not().or(this.answer.ready);
    const lost = this.lost.or(planned.refused).or(planned.none.or(wanted).not());

    connect(this.answers, { in: this.answer });
    this.results.from(this.answers.out);
    tx.valid.set(realigner.out.valid.and(wanted).and(room));
    tx.put({ header: planned.header, data, first, last });
    const moves = room.and(wanted.not().or(tx.ready));
    realigner.out.ready.set(moves);
    when(realigner.out.valid, () => {
      this.sending.set(wanted);
      this.offered.set(tx.valid.and(tx.ready.not()));
    });
    when(realigner.out.valid.and(moves), () => this.lost.set(lost.and(end.not())));
    this.answer.valid.set(realigner.out.valid.and(end).and(wanted.not().or(tx.ready)));
    this.answer.put({ id: planned.id, function: planned.function, outcome: mux(lost, u(3, DmaOutcome.refused), 0) });
  }
}
