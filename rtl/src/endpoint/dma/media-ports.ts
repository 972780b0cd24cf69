import { type Bool, bool, clog2, input, Module, mux, output, reg, stream, type UInt, uint, type Var, when } from '@hdl/ts-hdl';
import { byteBits } from './realigner.ts';

/**
 * Joins the endpoint's media streams to its engines. Whose words they are is settled by the jobs: words that come in are for the one media job of the write
 * engine, or else for the local copies; words that go out come from the read engine or from the local copies. `write_may` and so on tell which jobs may begin:
 * media jobs of different engines wait for each other, those of the engine on the link's side first.
 *
 * A media job of the write engine gets ceil(length / (width / 8)) words and no more. One that is refused may take fewer; what it took and did not send is
 * dropped (`drop`), what it did not take stays in the stream. Combinational in both directions. Reset forgets the jobs.
 */
export class MediaPorts extends Module<{
  readonly width: number;
  /** Jobs that are inside the read engine, and the local copies, at the most. */
  readonly reads: number;
  readonly copies: number;
}> {
  private readonly word = uint(this.p.width);
  readonly media_in = input(stream(this.word));
  readonly to_write = output(stream(this.word));
  readonly to_copy = output(stream(this.word));
  readonly media_out = output(stream(this.word));
  readonly from_read = input(stream(this.word));
  readonly from_copy = input(stream(this.word));
  /** Words that come in and that no job of the write engine wants are dropped. */
  readonly drop_unwanted = input(bool);
  /** A media job of each engine is offered; is taken; was answered. */
  readonly write_offered = input(bool);
  readonly write_taken = input(bool);
  readonly write_length = input(uint(32));
  readonly write_answered = input(bool);
  readonly read_offered = input(bool);
  readonly read_taken = input(bool);
  readonly read_answered = input(bool);
  readonly copy_in_taken = input(bool);
  readonly copy_in_answered = input(bool);
  readonly copy_out_taken = input(bool);
  readonly copy_out_answered = input(bool);
  /** Media jobs of the engines may be taken. */
  readonly write_may = output(bool);
  readonly read_may = output(bool);
  readonly copy_in_may = output(bool);
  readonly copy_out_may = output(bool);
  /** The write engine has no media job: words that it still holds are dropped. */
  readonly drop = output(bool);
  private readonly writing = reg(bool, { init: 0 });
  /** Words that its job has not taken. */
  private readonly due = reg(uint(33 - byteBits(this.p.width)));
  private readonly reading = reg(uint(clog2(this.p.reads + 1)), { init: 0 });
  private readonly copying_in = reg(uint(clog2(this.p.copies + 1)), { init: 0 });
  private readonly copying_out = reg(uint(clog2(this.p.copies + 1)), { init: 0 });

  protected override logic() {
    const { writing, due, reading, copying_in, copying_out, media_in, media_out, to_write, to_copy, from_read, from_copy } = this;
    const bits = byteBits(this.p.width);
    this.write_may.set(writing.not().and(copying_in.any().not()));
    this.copy_in_may.set(writing.not().and(this.write_offered.not()));
    this.read_may.set(copying_out.any().not());
    this.copy_out_may.set(reading.any().not().and(this.read_offered.not()));
    this.drop.set(writing.not());

    const wanted = due.any().and(writing);
    to_write.valid.set(media_in.valid.and(wanted));
    to_write.put(media_in.payload);
    const drops = writing.not().and(this.drop_unwanted);
    to_copy.valid.set(media_in.valid.and(writing.not()).and(drops.not()));
    to_copy.put(media_in.payload);
    media_in.ready.set(mux(writing, to_write.ready.and(wanted), to_copy.ready.or(drops)));
    when(to_write.fire, () => due.set(due.sub(1)));
    when(this.write_answered, () => writing.set(0));
    when(this.write_taken, () => {
      writing.set(1);
      due.set(
        this.write_length
          .zext(33)
          .add(2 ** bits - 1)
          .part(bits, 33 - bits),
      );
    });

    const reads = reading.any();
    media_out.valid.set(mux(reads, from_read.valid, from_copy.valid));
    media_out.put(mux(reads, from_read.payload, from_copy.payload));
    from_read.ready.set(reads.and(media_out.ready));
    from_copy.ready.set(reads.not().and(media_out.ready));
    follow(reading, this.read_taken, this.read_answered);
    follow(copying_in, this.copy_in_taken, this.copy_in_answered);
    follow(copying_out, this.copy_out_taken, this.copy_out_answered);
  }
}

/** Counts what was taken and not answered. */
function follow(jobs: Var<UInt<number>>, taken: Bool, answered: Bool): void {
  when(taken.and(answered.not()), () => jobs.set(jobs.add(1))).elsewhen(answered.and(taken.not()), () => jobs.set(jobs.sub(1)));
}
