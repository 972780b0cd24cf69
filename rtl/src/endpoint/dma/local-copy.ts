import {
  Bundle,
  bool,
  connect,
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
  when,
  wire,
} from '@hdl/ts-hdl';
import { memoryWrite } from '../interfaces.ts';
import { DmaOutcome, DmaResult } from './job.ts';
import { byteBits, Realigner, realignTask, sourceWord } from './realigner.ts';

/** A move inside the endpoint. Offsets and lengths are in bytes, of any alignment. */
export class LocalJob extends Bundle({
  /** Byte offset in the BAR memory, of what is not media. */
  source: uint(32),
  target: uint(32),
  length: uint(32),
  from_media: bool,
  to_media: bool,
  function: uint(3),
  id: uint(8),
}) {}

/** Words that the memory may owe. */
const owed = 7;

/**
 * Moves bytes inside the endpoint, BAR memory or media to BAR memory or media: no TLP leaves. Jobs overlap: the next one's words are asked for while
 * the former's are written. A word per cycle; with a memory that answers after 2 cycles the first word is written 4 cycles after its job was taken (5
 * if it takes from two). A media job gives or takes ceil(length / (width / 8)) words; of the last the low bytes count. The words that a job reads are
 * read before the words that it writes at the same place only if it moves to lower addresses; a job sees what the job before it wrote only if it comes
 * after that one's result.
 *
 * Results come in the order of jobs, each after its last word was accepted. A job of a function in `cancel` ends as soon as it can, with outcome
 * `refused`. `idle`: no job is inside. Reset forgets all jobs.
 */
export class LocalCopy extends Module<{
  readonly width: number;
  readonly address_width: number;
  readonly functions: number;
  /** Offsets are multiples of so many bytes, a power of two: 1 by default. More needs less logic. */
  readonly granule?: number;
}> {
  readonly cancel = input(uint(this.p.functions));
  readonly jobs = input(stream(LocalJob));
  readonly results = output(stream(DmaResult));
  readonly idle = output(bool);
  readonly memory_request = output(stream(uint(this.p.address_width)));
  readonly memory_data = input(stream(uint(this.p.width)));
  readonly memory_write = output(stream(memoryWrite(this.p.width, this.p.address_width)));
  readonly media_in = input(stream(uint(this.p.width)));
  readonly media_out = output(stream(uint(this.p.width)));
  private readonly targetType = class CopyTarget extends Bundle({
    word: uint(this.p.address_width),
    to_media: bool,
    /** The job has no bytes. */
    empty: bool,
    id: uint(8),
    function: uint(3),
  }) {};
  private readonly taskType = realignTask(this.p.width, this.targetType.width);
  private readonly tasks = new ShowAheadFifo({ type: this.taskType, depth: 8 });
  private readonly task = wire(stream(this.taskType));
  private readonly target = wire(this.targetType);
  private readonly word = wire(stream(sourceWord(this.p.width)));
  private readonly realigner = new Realigner({
    width: this.p.width,
    info: this.targetType.width,
    granule: this.p.granule ?? 1,
  });
  private readonly answers = new ShowAheadFifo({ type: DmaResult, depth: 4 });
  private readonly answer = wire(stream(DmaResult));
  /** The job whose words are asked for. */
  private readonly reading = reg(bool, { init: 0 });
  private readonly job = reg(LocalJob);
  private readonly next = reg(uint(this.p.address_width));
  private readonly unread = reg(uint(30));
  /** Words that were asked for and did not come. */
  private readonly due = reg(uint(3), { init: 0 });
  private readonly cut = reg(bool, { init: 0 });
  private readonly next_word = reg(uint(this.p.address_width));
  private readonly jobs_inside = reg(uint(5), { init: 0 });

  protected override logic() {
    this.read();
    this.write();
    when(this.jobs.fire.and(this.results.fire.not()), () => this.jobs_inside.set(this.jobs_inside.add(1))).elsewhen(
      this.results.fire.and(this.jobs.fire.not()),
      () => this.jobs_inside.set(this.jobs_inside.sub(1)),
    );
    this.idle.set(this.jobs_inside.any().not());
  }

  /** Takes a job and asks for its words, or takes them from media. */
  private read() {
    const { job, realigner, word, task } = this;
    const bits = byteBits(this.p.width);
    const settled = this.due.any().not();
    const stopped = this.cancel.shr(job.function).bit(0);
    const from_memory = this.reading.and(job.from_media.not());
    const from_media = this.reading.and(job.from_media).and(settled);
    const cutting = this.cut.and(settled);
    const requested = this.memory_request.fire;
    const moved = mux(job.from_media, this.media_in.fire, requested);
    const ends = moved.and(this.unread.eq(1));
    const load = this.cut.not().and(this.reading.not().or(ends)).and(task.ready);

    this.memory_request.valid.set(from_memory.and(this.due.ne(owed)));
    this.memory_request.put(this.next);
    connect(realigner, { task: this.tasks.out, words: word });
    word.valid.set(mux(settled.not(), this.memory_data.valid, cutting.or(from_media.and(this.media_in.valid))));
    word.put({ data: mux(settled, this.media_in.payload, this.memory_data.payload), cut: cutting });
    this.memory_data.ready.set(word.ready.and(settled.not()));
    this.media_in.ready.set(word.ready.and(from_media));
    when(requested.and(this.memory_data.fire.not()), () => this.due.set(this.due.add(1))).elsewhen(
      this.memory_data.fire.and(requested.not()),
      () => this.due.set(this.due.sub(1)),
    );
    when(moved, () => {
      this.next.set(this.next.add(1));
      this.unread.set(this.unread.sub(1));
    });
    when(ends, () => this.reading.set(0)).elsewhen(
      this.reading.and(stopped).and(moved.or(job.from_media).or(this.due.eq(owed))),
      () => {
        this.reading.set(0);
        this.cut.set(1);
      },
    );
    when(cutting.and(word.ready), () => this.cut.set(0));

    const wanted = this.jobs.payload;
    const position = mux(wanted.from_media, u(bits, 0), wanted.source.trunc(bits));
    this.jobs.ready.set(load);
    connect(this.tasks, { in: task });
    task.valid.set(this.jobs.fire);
    this.target.set({
      word: wanted.target.zext(32 + this.p.address_width).part(bits, this.p.address_width),
      to_media: wanted.to_media,
      empty: wanted.length.any().not(),
      id: wanted.id,
      function: wanted.function,
    });
    task.put({
      source: position,
      target: mux(wanted.to_media, u(bits, 0), wanted.target.trunc(bits)),
      bytes: wanted.length,
      fresh: 1,
      info: pack(this.target),
    });
    when(this.jobs.fire, () => {
      this.job.set(wanted);
      this.reading.set(wanted.length.any());
      this.next.set(wanted.source.zext(32 + this.p.address_width).part(bits, this.p.address_width));
      this.unread.set(
        wanted.length
          .zext(33)
          .add(position.zext(33))
          .add(2 ** bits - 1)
          .part(bits, 33 - bits)
          .zext(30),
      );
    });
  }

  /** Writes the words where they belong, and answers the job behind the last one. */
  private write() {
    const { realigner } = this;
    const { data, mask, some, first, last, info } = realigner.out.payload;
    const { word, to_media, empty, id, function: owner } = unpack(this.targetType, info);
    const room = last.not().or(this.answer.ready);
    const taken = some.not().or(mux(to_media, this.media_out.ready, this.memory_write.ready));
    const address = mux(first, word, this.next_word);
    const valid = realigner.out.valid.and(room).and(some);
    this.memory_write.valid.set(valid.and(to_media.not()));
    this.memory_write.put({ address, data, mask });
    this.media_out.valid.set(valid.and(to_media));
    this.media_out.put(data);
    realigner.out.ready.set(room.and(taken));
    when(realigner.out.valid.and(room).and(taken), () => this.next_word.set(address.add(1)));
    connect(this.answers, { in: this.answer });
    this.results.from(this.answers.out);
    this.answer.valid.set(realigner.out.valid.and(last).and(taken));
    this.answer.put({ id, function: owner, outcome: mux(some.or(empty), u(3, DmaOutcome.success), DmaOutcome.refused) });
  }
}
