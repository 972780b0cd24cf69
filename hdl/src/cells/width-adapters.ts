import { input, Module, output, reg } from '../lang/module.ts';
import { mux, u } from '../lang/ops.ts';
import { bool, stream, uint } from '../lang/shapes.ts';
import { when } from '../lang/statements.ts';
import { clog2, times } from '../lang/widths.ts';
import type { Contract } from './contract.ts';
import { packetWord } from './packet.ts';
import { atLeast, lanesOf } from './parameters.ts';
import { successor } from './wrap.ts';

/**
 * Puts `ratio` words of `width` bits side by side, the first at the bottom. The wide word can leave in the cycle after its last part came; a part
 * per cycle. Reset empties it.
 */
export class Upsizer<W extends number, R extends number> extends Module<{ width: W; ratio: R }> {
  static readonly contract: Contract = {
    purpose: 'Makes one wide word of several',
    latency: 1,
    throughput: 1,
    storage: 'ratio',
    paths: ['in.ready: out.ready'],
    reset: 'empties it',
    keeps: ['word'],
  };
  private readonly ratio = atLeast(this, 2, 'the ratio', this.p.ratio);
  readonly in = input(stream(uint(this.p.width)));
  readonly out = output(stream(uint(times(this.p.width, this.p.ratio))));
  private readonly word_valid = reg(bool, { init: 0 });
  private readonly word = reg(uint(times(this.p.width, this.p.ratio)));
  /** The part that comes next. */
  private readonly part = reg(uint(clog2(this.ratio)), { init: 0 });

  protected override logic() {
    const { ratio } = this;
    const { width } = this.p;
    this.in.ready.set(this.word_valid.not().or(this.out.ready));
    this.out.valid.set(this.word_valid);
    this.out.put(this.word);
    when(this.in.ready, () => this.word_valid.set(this.in.valid.and(this.part.eq(ratio - 1))));
    when(this.in.fire, () => {
      this.word.word(this.part, width).set(this.in.payload);
      this.part.set(successor(this.part, ratio));
    });
  }
}

/**
 * Takes a word of `ratio * width` bits apart into words of `width` bits, the bottom first, which follow without a gap. The first one can leave in
 * the cycle after the word came. Reset empties it.
 */
export class Downsizer<W extends number, R extends number> extends Module<{ width: W; ratio: R }> {
  static readonly contract: Contract = {
    purpose: 'Makes several words of a wide one',
    latency: 1,
    throughput: 1,
    storage: 1,
    paths: ['in.ready: out.ready'],
    reset: 'empties it',
    keeps: ['rest'],
  };
  private readonly ratio = atLeast(this, 2, 'the ratio', this.p.ratio);
  readonly in = input(stream(uint(times(this.p.width, this.p.ratio))));
  readonly out = output(stream(uint(this.p.width)));
  private readonly busy = reg(bool, { init: 0 });
  /** The parts that have not left; the next one at the bottom. */
  private readonly rest = reg(uint(times(this.p.width, this.p.ratio)));
  /** Parts that follow the next one. */
  private readonly left = reg(uint(clog2(this.ratio)), { init: 0 });

  protected override logic() {
    const { ratio } = this;
    const { width } = this.p;
    const done = this.out.ready.and(this.left.any().not());
    this.in.ready.set(this.busy.not().or(done));
    this.out.valid.set(this.busy);
    this.out.put(this.rest.part(0, width));
    when(this.in.fire, () => {
      this.busy.set(1);
      this.rest.set(this.in.payload);
      this.left.set(ratio - 1);
    }).elsewhen(this.busy.and(this.out.ready), () => {
      this.busy.set(this.left.any());
      this.rest.set(this.rest.shr(width));
      this.left.set(this.left.sub(1));
    });
  }
}

/**
 * As `Upsizer`, for packets: a packet's first word is at the bottom, and its last wide word leaves as soon as it is there, whole or not; `keep` says
 * which lanes count. A part per cycle. Reset empties it.
 */
export class PacketUpsizer<W extends number, K extends number, R extends number> extends Module<{
  width: W;
  lanes: K;
  ratio: R;
}> {
  static readonly contract: Contract = {
    purpose: 'Makes one wide word of several of a packet',
    latency: 1,
    throughput: 1,
    storage: 'ratio',
    paths: ['in.ready: out.ready'],
    reset: 'empties it',
    keeps: ['word_data', 'word_keep', 'word_last'],
    demands: '`keep` is all ones but in a last word, where it is ones from bit 0',
  };
  private readonly lanes = lanesOf(this, this.p.width, this.p.lanes);
  private readonly ratio = atLeast(this, 2, 'the ratio', this.p.ratio);
  readonly in = input(stream(packetWord(this.p.width, this.lanes)));
  readonly out = output(stream(packetWord(times(this.p.width, this.p.ratio), times(this.lanes, this.p.ratio))));
  private readonly word_valid = reg(bool, { init: 0 });
  private readonly word = reg(packetWord(times(this.p.width, this.p.ratio), times(this.lanes, this.p.ratio)));
  /** The part that comes next. */
  private readonly part = reg(uint(clog2(this.ratio)), { init: 0 });

  protected override logic() {
    const { ratio, lanes } = this;
    const { width } = this.p;
    const { data, keep, last } = this.in.payload;
    const complete = last.or(this.part.eq(ratio - 1));
    this.in.ready.set(this.word_valid.not().or(this.out.ready));
    this.out.valid.set(this.word_valid);
    this.out.put(this.word);
    when(this.in.ready, () => this.word_valid.set(this.in.valid.and(complete)));
    when(this.in.fire, () => {
      this.word.data.word(this.part, width).set(data);
      when(this.part.any().not(), () => this.word.keep.set(keep.zext(this.word.keep.width))).otherwise(() =>
        this.word.keep.word(this.part, lanes).set(keep),
      );
      this.word.last.set(last);
      this.part.set(mux(complete, u(this.part.width, 0), this.part.add(1)));
    });
  }
}

/**
 * As `Downsizer`, for packets: parts without a lane that counts are left out, and the last part that has one is the packet's last word. The parts
 * follow without a gap. Reset empties it.
 */
export class PacketDownsizer<W extends number, K extends number, R extends number> extends Module<{
  width: W;
  lanes: K;
  ratio: R;
}> {
  static readonly contract: Contract = {
    purpose: 'Makes several words of a wide one of a packet',
    latency: 1,
    throughput: 1,
    storage: 1,
    paths: ['in.ready: out.ready'],
    reset: 'empties it',
    keeps: ['rest_data', 'rest_keep', 'rest_last'],
    demands: '`keep` is all ones but in a last word, where it is ones from bit 0',
  };
  private readonly lanes = lanesOf(this, this.p.width, this.p.lanes);
  private readonly ratio = atLeast(this, 2, 'the ratio', this.p.ratio);
  readonly in = input(stream(packetWord(times(this.p.width, this.p.ratio), times(this.lanes, this.p.ratio))));
  readonly out = output(stream(packetWord(this.p.width, this.lanes)));
  private readonly busy = reg(bool, { init: 0 });
  /** The parts that have not left; the next one at the bottom. */
  private readonly rest = reg(packetWord(times(this.p.width, this.p.ratio), times(this.lanes, this.p.ratio)));

  protected override logic() {
    const { ratio, lanes } = this;
    const { width } = this.p;
    const { data, keep, last } = this.rest;
    const more = keep.bits(lanes * ratio - 1, lanes).any();
    this.in.ready.set(this.busy.not().or(this.out.ready.and(more.not())));
    this.out.valid.set(this.busy);
    this.out.put({ data: data.part(0, width), keep: keep.part(0, lanes), last: last.and(more.not()) });
    when(this.in.fire, () => {
      this.busy.set(1);
      this.rest.set(this.in.payload);
    }).elsewhen(this.busy.and(this.out.ready), () => {
      this.busy.set(more);
      data.set(data.shr(width));
      keep.set(keep.shr(lanes));
    });
  }
}
