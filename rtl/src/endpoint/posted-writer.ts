import {
  allOf,
  bool,
  cat,
  connect,
  input,
  Module,
  mux,
  output,
  reg,
  repeat,
  select,
  stream,
  type UInt,
  u,
  uint,
  when,
} from '@hdl/ts-hdl';
import { lengthDw } from '../tlp/tlp.ts';
import { Claim, memoryWrite, RegisterWrite } from './interfaces.ts';
import { beyond, LaneRotator, laneBits, lanesOf, wordOf } from './lane-rotator.ts';
import { postedBeat } from './request-router.ts';

interface PostedWriterParams {
  /** Bits of a beat and of a memory word: 64, 128, 256 or 512. */
  readonly width: number;
  /** Bits of a BAR memory address, which counts words. */
  readonly address_width: number;
}

/**
 * Turns memory writes into words of the BAR memory, whatever DW they begin at (rule C8: byte enables of the first and the last
 * DW).
 *
 *     beat  d3 d2 d1 d0 │ - - d5 d4     an MWr of 6 DW to DW 3 of a word of 4
 *     word  d0 -  -  -  │ d4 d3 d2 d1 │ - - - d5
 *
 * 1 cycle of latency, a beat per cycle. A TLP whose data ends in one word more than it has beats takes 1 cycle more, in which
 * `in.ready` is 0: an aligned TLP never does. `out` comes from registers; `in.ready` depends on `out.ready`. Reset drops a word
 * under way.
 */
export class WordPacker extends Module<PostedWriterParams> {
  readonly in = input(stream(postedBeat(this.p.width)));
  readonly out = output(stream(memoryWrite(this.p.width, this.p.address_width)));
  private readonly rotator = new LaneRotator({ width: this.p.width });
  private readonly word_valid = reg(bool, { init: 0 });
  private readonly word = reg(memoryWrite(this.p.width, this.p.address_width));
  /** The last beat is in, its rest is the next word. */
  private readonly spill = reg(bool, { init: 0 });
  /** The beat before, rotated: what did not fit into its word. */
  private readonly carry = reg(uint(this.p.width));
  private readonly next = reg(uint(this.p.address_width));
  /** Lanes from the start of the next word to the end of the TLP. */
  private readonly rest = reg(uint(11));
  private readonly last_be = reg(uint(4));

  protected override logic() {
    const lanes = this.p.width / 32;
    const bits = laneBits(this.p.width);
    const { header, data, first, last } = this.in.payload;
    const { spill } = this;
    const shift = header.address.part(2, bits);
    connect(this.rotator, { word: data, by: shift });

    const opening = first.and(spill.not());
    const end = mux(opening, shift.zext(11).add(lengthDw(header)), this.rest);
    const address = mux(opening, header.address.part(2 + bits, this.p.address_width), this.next);
    const last_be = mux(spill, this.last_be, header.last_be);
    const enables = (lane: number): UInt<4> => {
      const begins = opening.and(shift.eq(lane));
      const before = opening.and(beyond(shift, lane));
      const inner = mux(end.eq(lane + 1), last_be, 0xf);
      const covered = before.not().and(end.gt(lane));
      return mux(begins, header.first_be, inner).and(repeat(covered, 4).as(4));
    };
    const carried = lanesOf(this.carry);
    const word = lanesOf(this.rotator.rotated).map((dw, lane) => mux(spill.or(beyond(shift, lane)), carried[lane] ?? dw, dw));
    const mask = cat(...word.map((_, lane) => enables(lane)).toReversed());

    const advance = this.word_valid.not().or(this.out.ready);
    this.in.ready.set(advance.and(spill.not()));
    this.out.valid.set(this.word_valid);
    this.out.put(this.word);
    when(advance, () => {
      this.word_valid.set(this.in.valid.or(spill));
      when(this.in.valid.or(spill), () => {
        this.word.set({ address, data: wordOf(word), mask });
        this.next.set(address.add(1));
        this.rest.set(end.sub(lanes));
        this.carry.set(this.rotator.rotated);
        this.last_be.set(header.last_be);
        this.spill.set(allOf([spill.not(), last, end.gt(lanes)]));
      });
    });
  }
}

/**
 * Turns memory writes into register writes, one DW per cycle, each with its byte enables (rule C8); a DW without enabled bytes is
 * left out. 1 cycle of latency; a beat is accepted together with its last DW. `out` comes from registers; `in.ready` depends on
 * `out.ready`. Reset drops a DW under way.
 */
export class DwordSplitter extends Module<{ readonly width: number }> {
  readonly in = input(stream(postedBeat(this.p.width)));
  readonly out = output(stream(RegisterWrite));
  private readonly word_valid = reg(bool, { init: 0 });
  private readonly word = reg(RegisterWrite);
  /** DW of the TLP that are done. */
  private readonly done = reg(uint(10), { init: 0 });

  protected override logic() {
    const bits = laneBits(this.p.width);
    const { header, data } = this.in.payload;
    const lane = this.done.trunc(bits);
    const final = this.done.addx(1).eq(lengthDw(header));
    const mask = mux(this.done.eq(0), header.first_be, mux(final, header.last_be, 0xf));
    const address = header.address.part(2, 12).add(this.done.zext(12));

    const advance = this.word_valid.not().or(this.out.ready);
    this.in.ready.set(advance.and(final.or(lane.all())));
    this.out.valid.set(this.word_valid);
    this.out.put(this.word);
    when(advance, () => {
      this.word_valid.set(this.in.valid.and(mask.any()));
      when(this.in.valid, () => {
        this.word.set({ address: address.cat(u(2, 0)), data: select(lane, lanesOf(data)), mask });
        this.done.set(mux(final, u(10, 0), this.done.add(1)));
      });
    });
  }
}

/**
 * Performs the memory writes that an endpoint received: BAR2 to the BAR memory (`WordPacker`), BAR0 to the registers
 * (`DwordSplitter`). 1 cycle of latency. `posted` is taken at a beat per cycle with these exceptions, none of which depends on
 * what the endpoint sends: an unaligned write into BAR2 that covers a word more than it has beats takes 1 cycle more, and a beat
 * for BAR0 takes a cycle per DW. `memory_write` and `register_write` come from registers and should be ready at once: a read of
 * the same place, which follows 3 cycles later, would otherwise overtake them. Reset drops what is under way.
 */
export class PostedWriter extends Module<PostedWriterParams> {
  readonly posted = input(stream(postedBeat(this.p.width)));
  readonly memory_write = output(stream(memoryWrite(this.p.width, this.p.address_width)));
  readonly register_write = output(stream(RegisterWrite));
  private readonly packer = new WordPacker(this.p);
  private readonly splitter = new DwordSplitter({ width: this.p.width });

  protected override logic() {
    const { posted, packer, splitter } = this;
    const registers = posted.payload.claim.eq(Claim.bar0);
    packer.in.valid.set(posted.valid.and(registers.not()));
    packer.in.put(posted.payload);
    splitter.in.valid.set(posted.valid.and(registers));
    splitter.in.put(posted.payload);
    posted.ready.set(mux(registers, splitter.in.ready, packer.in.ready));
    this.memory_write.from(packer.out);
    this.register_write.from(splitter.out);
  }
}
