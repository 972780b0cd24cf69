import {
  Bundle,
  bool,
  cat,
  clog2,
  HdlError,
  input,
  Module,
  memory,
  mux,
  output,
  reg,
  stream,
  u,
  uint,
  when,
  wire,
} from '@hdl/ts-hdl';
import { completionFields, hasData, lengthDw, Status, tlpBeat } from '../tlp/tlp.ts';
import { DmaResult } from './engine-command.ts';
import { Segment } from './request-planner.ts';

/** A read that is about to be requested: what it will bring, or that it is `lost` and never sent. */
export class ReadSlot extends Bundle({ segment: Segment, lost: bool }) {}

/** What the buffer remembers of a read while it is outstanding. */
class SlotRecord extends Bundle({ lower_address: uint(7), bytes: uint(13) }) {}

/**
 * Keeps the data of outstanding reads and gives it back in the order of the requests. Every tag owns `max_bytes` of memory,
 * reserved when the request is made, so completions are accepted at a beat per cycle always (C70f); they may come in any order
 * of tags and in as many parts as the completer likes, those of one tag in address order (C56).
 *
 * Tags are given out in turn, and a tag is free again when its data has left. The read of a tag leaves as words when it is
 * complete: the first one 2 cycles after the last beat came, then a word per cycle, without a gap to the next complete tag.
 * `words` comes from registers but for the gate that gives zeros for a read that failed (C53) or was lost.
 *
 * A part must begin where the last one ended, at a whole word (which RCB guarantees, C54), and announce exactly the bytes that
 * are missing (C55). Whatever does not fit a tag that is outstanding is unexpected: dropped and counted (C58). Reset forgets
 * all reads.
 */
export class CompletionBuffer extends Module<{ width: number; tags: number; max_bytes: number }> {
  /** A read gets `tag` when this word moves. Starts at a whole word. */
  readonly allocate = input(stream(ReadSlot));
  readonly tag = output(uint(clog2(this.p.tags)));
  readonly requester_id = input(uint(16));
  /** Completions only. */
  readonly completion = input(stream(tlpBeat(this.p.width)));
  readonly words = output(stream(uint(this.p.width)));
  /** No read is outstanding and no word is left. */
  readonly empty = output(bool);
  /** Worst result since `clear`. */
  readonly result = output(uint(3));
  readonly clear = input(bool);
  /** Unexpected completions since reset; wraps. */
  readonly unexpected = output(uint(16));

  private readonly head = reg(uint(clog2(this.p.tags) + 1), { init: 0 });
  private readonly tail = reg(uint(clog2(this.p.tags) + 1), { init: 0 });
  private readonly slots = memory(SlotRecord, { depth: this.p.tags, style: 'distributed' });
  /** Bytes that are missing, of tags that got a part already. */
  private readonly missing = memory(uint(13), { depth: this.p.tags, style: 'distributed' });
  private readonly buffer = memory(uint(this.p.width), {
    depth: (this.p.tags * this.p.max_bytes * 8) / this.p.width,
    style: 'block',
  });
  /** A bit per tag: waits for completions; got none yet; may be delivered; is delivered as zeros. */
  private readonly outstanding = reg(uint(this.p.tags), { init: 0 });
  private readonly fresh = reg(uint(this.p.tags), { init: 0 });
  private readonly complete = reg(uint(this.p.tags), { init: 0 });
  private readonly failed = reg(uint(this.p.tags), { init: 0 });
  private readonly worst = reg(uint(3), { init: 0 });
  private readonly unexpected_count = reg(uint(16), { init: 0 });

  /** Of the completion that is coming in: it is accepted, it ends its tag, and where its next beat goes. */
  private readonly accepted = reg(bool, { init: 0 });
  private readonly ending = reg(bool, { init: 0 });
  private readonly beat_index = reg(uint(this.indexWidth()));
  private readonly deliver_index = reg(uint(this.indexWidth()), { init: 0 });
  private readonly out_valid = reg(bool, { init: 0 });
  private readonly out_zero = reg(bool);

  /** Events of this cycle, as one-hot tags. */
  private readonly allocated = wire(uint(this.p.tags));
  private readonly lost = wire(uint(this.p.tags));
  private readonly begun = wire(uint(this.p.tags));
  private readonly ended = wire(uint(this.p.tags));
  private readonly broken = wire(uint(this.p.tags));
  private readonly delivered = wire(uint(this.p.tags));
  /** What this cycle adds to the result. */
  private readonly news = wire(uint(3));

  /** Bits that number the words of a tag. */
  private indexWidth(): number {
    return clog2((this.p.max_bytes * 8) / this.p.width);
  }

  protected override logic() {
    const { tags } = this.p;
    if (tags < 2 || tags > 256 || 2 ** clog2(tags) !== tags)
      throw new HdlError(`tags is a power of two from 2 to 256, not ${tags}`);
    for (const event of [this.allocated, this.lost, this.begun, this.ended, this.broken, this.delivered]) event.set(0);
    this.news.set(0);
    this.receive();
    // After receive: of two results in one cycle `refused` is the worse, and the last assignment wins.
    this.give();
    this.deliver();

    this.outstanding.set(this.outstanding.or(this.allocated).and(this.lost.or(this.ended).not()));
    this.fresh.set(this.fresh.or(this.allocated).and(this.begun.not()));
    this.complete.set(this.complete.or(this.ended).or(this.lost).and(this.delivered.not()));
    this.failed.set(this.failed.and(this.allocated.not()).or(this.lost).or(this.broken));
    when(this.clear, () => this.worst.set(0)).elsewhen(this.news.gt(this.worst), () => this.worst.set(this.news));
    this.result.set(this.worst);
    this.empty.set(this.head.eq(this.tail).and(this.out_valid.not()));
  }

  private oneHot(tag: ReturnType<typeof this.tagOf>) {
    return u(this.p.tags, 1).shl(tag);
  }

  private tagOf(pointer: typeof this.head) {
    return pointer.trunc(clog2(this.p.tags));
  }

  private give() {
    const tag = this.tagOf(this.head);
    const { segment, lost } = this.allocate.payload;
    this.tag.set(tag);
    this.allocate.ready.set(this.head.sub(this.tail).bit(clog2(this.p.tags)).not());
    when(this.allocate.fire, () => {
      this.head.set(this.head.add(1));
      this.slots.write(tag, { lower_address: segment.address.trunc(7), bytes: segment.bytes });
      this.allocated.set(this.oneHot(tag));
      when(lost, () => {
        this.lost.set(this.oneHot(tag));
        this.news.set(DmaResult.refused);
      });
    });
  }

  private receive() {
    const { header, data, first, last } = this.completion.payload;
    const shift = Math.log2(this.p.width / 8);
    const tag_width = clog2(this.p.tags);
    const tag = header.tag.trunc(tag_width);
    const { status, byte_count, lower_address } = completionFields(header);
    const slot = this.slots.peek(tag);
    const missing = mux(this.fresh.bit(tag), slot.bytes, this.missing.peek(tag));
    const received = slot.bytes.sub(missing);
    const missing_dw = missing.add(3).part(2, 11);
    const payload_dw = lengthDw(header);
    const ends = payload_dw.eq(missing_dw);
    const whole_words = payload_dw
      .trunc(shift - 2)
      .any()
      .not();
    const fits = ends.or(payload_dw.lt(missing_dw).and(whole_words));
    const announced = cat(byte_count.any().not(), byte_count)
      .eq(missing)
      .and(lower_address.eq(slot.lower_address.add(received.trunc(7))));
    const known = this.outstanding
      .bit(tag)
      .and(header.tag.shr(tag_width).any().not())
      .and(header.requester_id.eq(this.requester_id));
    const error = status.ne(Status.success);
    const accepted = mux(first, known.and(error.or(hasData(header).and(fits).and(announced))), this.accepted);
    const ending = mux(first, error.or(ends), this.ending);
    const index = mux(first, received.part(shift, this.indexWidth()), this.beat_index);

    this.completion.ready.set(1);
    this.unexpected.set(this.unexpected_count);
    when(this.completion.valid, () => {
      this.accepted.set(accepted);
      this.ending.set(ending);
      this.beat_index.set(index.add(1));
      when(accepted, () => {
        when(first, () => {
          this.begun.set(this.oneHot(tag));
          this.missing.write(tag, missing.sub(cat(payload_dw, u(2, 0)).as(13)));
          when(error.or(header.ep), () => {
            this.broken.set(this.oneHot(tag));
            const unsupported = error.and(status.ne(Status.abort));
            this.news.set(mux(unsupported, u(3, DmaResult.unsupported), DmaResult.abort));
          });
        });
        when(error.not(), () => this.buffer.write(cat(tag, index), data));
        when(last.and(ending), () => this.ended.set(this.oneHot(tag)));
      }).elsewhen(last, () => this.unexpected_count.set(this.unexpected_count.add(1)));
    });
  }

  private deliver() {
    const shift = Math.log2(this.p.width / 8);
    const tag = this.tagOf(this.tail);
    const fetch = this.complete.bit(tag).and(this.out_valid.not().or(this.words.ready));
    const last_index = this.slots.peek(tag).bytes.sub(1).part(shift, this.indexWidth());
    const word = this.buffer.read(cat(tag, this.deliver_index), fetch);
    this.words.valid.set(this.out_valid);
    this.words.put(mux(this.out_zero.not(), word, 0));
    when(fetch, () => {
      this.out_valid.set(1);
      this.out_zero.set(this.failed.bit(tag));
      this.deliver_index.set(this.deliver_index.add(1));
      when(this.deliver_index.eq(last_index), () => {
        this.deliver_index.set(0);
        this.tail.set(this.tail.add(1));
        this.delivered.set(this.oneHot(tag));
      });
    }).elsewhen(this.words.ready, () => this.out_valid.set(0));
  }
}
