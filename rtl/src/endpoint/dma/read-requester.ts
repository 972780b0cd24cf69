import {
  allOf,
  type Bool,
  bool,
  clog2,
  connect,
  Fifo,
  HdlError,
  input,
  type Memory,
  Module,
  memory,
  mux,
  output,
  reg,
  stream,
  type UInt,
  u,
  uint,
  vec,
  when,
  wire,
} from '@hdl/ts-hdl';
import { functionControls } from '../../config/function-controls.ts';
import { tlpBeat } from '../../tlp/tlp.ts';
import { ofFunction, requestAttributes } from './function-select.ts';
import { IssuedRead, OrderedRead, ReleasedTag, TagQuarantine, timeBits, timeIn, timeoutUnit } from './read-events.ts';
import { byteBits } from './realigner.ts';
import { extentOf, requestHeader } from './request-header.ts';
import { Segment } from './transfer-planner.ts';

export interface ReadRequesterParams {
  readonly width: number;
  readonly functions: number;
  readonly bars: number;
  /** Tags are `reserved` .. `tags` - 1. */
  readonly tags: number;
  readonly reserved: number;
  /** Words of the reorder buffer, a power of two. */
  readonly depth: number;
  readonly max_read_request: number;
}

/**
 * Sends a segment as MRd when it has a tag, room in the reorder buffer (C70f) and a place in the order. Tags are given out in turn, those in
 * quarantine are passed over at a tag per cycle, and the turn starts anew where the function's enables end it (C71a): at 32 tags without extended
 * tags, at 256 without 10-bit tags. The next free tag is looked for ahead and stands ready in registers. Room is taken as a request needs it, but only
 * while there is room for the largest one. The MRd stands at `tx`, a register, in the cycle after its segment was offered; one per cycle. After reset
 * the tables are swept for `tags` cycles before the first request.
 */
export class ReadRequester extends Module<ReadRequesterParams> {
  readonly controls = input(vec(this.p.functions, functionControls(this.p.bars)));
  readonly segments = input(stream(Segment));
  readonly now_us = input(uint(timeBits));
  /** The first segment of a job is only taken when there is a place for its task. */
  readonly task_ready = input(bool);
  readonly quarantine = input(TagQuarantine);
  readonly released = input(ReleasedTag);
  /** A word of the buffer was read. */
  readonly freed = input(bool);
  readonly issued = output(IssuedRead);
  readonly order = output(stream(OrderedRead));
  readonly tx = output(stream(tlpBeat(this.p.width)));
  /** Nothing is taken: all tags and the whole buffer are free but for tags in quarantine. */
  readonly unused = output(bool);
  private readonly given = memory(bool, { depth: this.p.tags, style: 'distributed' });
  private readonly returned = memory(bool, { depth: this.p.tags, style: 'distributed' });
  private readonly quarantined = memory(bool, { depth: this.p.tags, style: 'distributed' });
  private readonly sweep = reg(uint(clog2(this.p.tags) + 1), { init: 0 });
  /** The tag that is looked at. */
  private readonly next = reg(uint(clog2(this.p.tags)), { init: this.p.reserved });
  /** A free tag was found: the next request has it, with this turn. */
  private readonly found = reg(bool, { init: 0 });
  private readonly tag = reg(uint(clog2(this.p.tags)));
  private readonly turn = reg(bool);
  private readonly index = reg(uint(clog2(this.p.depth)), { init: 0 });
  private readonly used = reg(uint(clog2(this.p.depth) + 1), { init: 0 });
  private readonly fifo = new Fifo({ type: OrderedRead, depth: this.p.tags, style: this.p.tags > 64 ? 'block' : 'distributed' });
  private readonly ordered = wire(stream(OrderedRead));
  private readonly beat_valid = reg(bool, { init: 0 });
  private readonly beat = reg(tlpBeat(this.p.width));

  protected override logic() {
    const { tags, reserved, depth, max_read_request, width } = this.p;
    if (tags < 2 || tags > 1024 || 2 ** clog2(tags) !== tags)
      throw new HdlError(`tags is a power of two from 2 to 1,024, not ${tags}`);
    if (reserved < 0 || reserved >= Math.min(tags, 32))
      throw new HdlError(`of ${tags} tags ${reserved} cannot be reserved for others: 1 must be left, of the first 32`);
    const largest = max_read_request / (width / 8) + 1;
    if (2 ** clog2(depth) !== depth || depth < 2 * largest)
      throw new HdlError(
        `a reorder buffer is a power of two of at least ${(2 * largest * width) / 8} bytes for reads of ${max_read_request}, not ${(depth * width) / 8}`,
      );
    const tag_bits = clog2(tags);
    const { job, bytes, none, first, last, refused } = this.segments.payload;
    const bits = byteBits(width);
    const swept = this.sweep.bit(tag_bits);
    const limit = ofFunction(this.controls, job.function, of => of.ten_bit_tag.cat(of.extended_tag));
    const beyond = (tag: UInt<number>) =>
      limit
        .bit(1)
        .not()
        .and(reaches(tag, 256))
        .or(limit.any().not().and(reaches(tag, 32)));
    const barred = this.found.and(beyond(this.tag));
    const room = this.used.le(depth - largest);
    const behind = job.address
      .trunc(bits)
      .zext(13)
      .add(2 ** bits - 1);
    const words = bytes
      .add(behind)
      .part(bits, 13 - bits)
      .zext(10);
    const advance = this.beat_valid.not().or(this.tx.ready);
    const able = none.or(allOf([this.found, barred.not(), room, advance])).and(first.not().or(this.task_ready));
    const send = this.segments.valid.and(able).and(this.ordered.ready).and(none.not());

    connect(this.fifo, { in: this.ordered });
    this.order.from(this.fifo.out);
    this.ordered.valid.set(this.segments.valid.and(able));
    this.ordered.put({ tag: this.tag.zext(10), turn: this.turn, words, none, cut: refused, last });
    this.segments.ready.set(able.and(this.ordered.ready));
    const unit = ofFunction(this.controls, job.function, of => timeoutUnit(of.timeout_value));
    this.issued.set({
      strobe: send,
      tag: this.tag.zext(10),
      turn: this.turn,
      lower_address: job.address.trunc(7),
      bytes,
      index: this.index.zext(16),
      function: job.function,
      stamp: timeIn(unit, this.now_us),
      unit,
    });
    this.tx.valid.set(this.beat_valid);
    this.tx.put(this.beat);
    when(advance, () => {
      this.beat_valid.set(send);
      this.beat.set({
        header: requestHeader({
          data: false,
          address: job.address,
          extent: extentOf(job.address, bytes),
          requester_id: ofFunction(this.controls, job.function, of => of.id),
          tag: this.tag.zext(10),
          attr: requestAttributes(this.controls, job),
          at: job.at,
        }),
        data: 0,
        first: 1,
        last: 1,
      });
    });
    this.find(send, barred, beyond(this.next));
    const taken = resized(mux(send, words, 0), this.used.width);
    this.used.set(this.used.add(taken).sub(this.freed.zext(this.used.width)));
    when(send, () => this.index.set(this.index.add(resized(words, this.index.width))));
    this.unused.set(this.used.any().not().and(swept));
    this.tables(send);
  }

  /**
   * Looks for the next free tag while none is found or the one that was is `sent`. One that is `barred` to the function, as it lies beyond what it may
   * use, is put back.
   */
  private find(sent: Bool, barred: Bool, beyond: Bool) {
    const { next, found, tag } = this;
    const { tags, reserved } = this.p;
    const given = this.given.peek(next);
    const passed = this.quarantined.peek(next);
    // Of the tag that was found the table of those that were given does not know yet.
    const free = allOf([
      this.sweep.bit(clog2(tags)),
      given.eq(this.returned.peek(next)),
      passed.not(),
      beyond.not(),
      found.and(next.eq(tag)).not(),
    ]);
    const wanted = found.not().or(sent);
    when(wanted, () => {
      found.set(free);
      tag.set(next);
      this.turn.set(given.not());
    }).elsewhen(barred, () => found.set(0));
    when(beyond.or(barred), () => next.set(reserved)).elsewhen(passed.or(wanted.and(free)), () =>
      next.set(mux(next.eq(tags - 1), u(clog2(tags), reserved), next.add(1))),
    );
  }

  /** Writes of the tables; a sweep after reset makes all tags free. */
  private tables(send: Bool) {
    const tag_bits = clog2(this.p.tags);
    const swept = this.sweep.bit(tag_bits);
    const row = this.sweep.trunc(tag_bits);
    const write = (table: Memory<typeof bool>, now: Bool, tag: UInt<number>, value: Bool) =>
      when(swept.not().or(now), () => table.write(mux(swept, tag, row), swept.and(value)));
    when(swept.not(), () => this.sweep.set(this.sweep.add(1)));
    write(this.given, send, this.tag, this.turn);
    write(this.returned, this.released.strobe, this.released.tag.trunc(tag_bits), this.released.turn);
    write(this.quarantined, this.quarantine.strobe, this.quarantine.tag.trunc(tag_bits), this.quarantine.on);
  }
}

/** The number is `limit`, a power of two, or more. */
function reaches(number: UInt<number>, limit: number): Bool {
  const low = Math.log2(limit);
  return number.width > low ? number.part(low, number.width - low).any() : u(1, 0);
}

/** The low bits of a number, or zeros above it. */
export const resized = (number: UInt<number>, width: number): UInt<number> =>
  number.width >= width ? number.trunc(width) : number.zext(width);
