import { dataCredits, FcKind, FcUpdate, isCompletion, isPosted, tlpBeat } from '@hdl/pcie-rtl';
import { allOf, anyOf, bool, connect, input, Module, output, reg, stream, type UInt, uint, vec, when } from '@hdl/ts-hdl';
import { at } from './agent.ts';

const classes = 3;

/**
 * Watches one direction of a link with the credits against it (C70a to C70d): keeps its own account of them, by what the receiver grants and what the sender uses.
 * `full` and `broken` come from registers. `restart`: the link is down.
 */
export class CreditWatch extends Module<{ readonly width: number }> {
  readonly beat = input(tlpBeat(this.p.width));
  readonly beat_moves = input(bool);
  readonly fc = input(FcUpdate);
  readonly fc_moves = input(bool);
  readonly restart = input(bool);
  /** All credits of all classes are with the sender. */
  readonly full = output(bool);
  /** A TLP went without credits for it, or in the middle of another. */
  readonly broken = output(bool);
  private readonly known = reg(uint(classes), { init: 0 });
  private readonly first_headers = reg(vec(classes, uint(8)));
  private readonly first_data = reg(vec(classes, uint(12)));
  private readonly headers = reg(vec(classes, uint(8)));
  private readonly data = reg(vec(classes, uint(12)));
  private readonly midway = reg(bool, { init: 0 });
  private readonly is_full = reg(bool, { init: 0 });
  private readonly is_broken = reg(bool, { init: 0 });
  /** What is granted in all, modulo the width of the counters. */
  private readonly headers_used = reg(vec(classes, uint(8)));
  private readonly data_used = reg(vec(classes, uint(12)));

  protected override logic() {
    const { beat, beat_moves, fc, fc_moves, restart, midway } = this;
    const posted = isPosted(beat.header);
    const completion = isCompletion(beat.header);
    const own = [posted, posted.or(completion).not(), completion];
    const credits = dataCredits(beat.header).zext(12);
    const begins = beat_moves.and(beat.first);
    const broken = [allOf([beat_moves, beat.first.eq(midway)])];
    const full = own.map((mine, i) => {
      const [first_headers, first_data] = [at(this.first_headers, i), at(this.first_data, i)];
      const [headers, data] = [at(this.headers, i), at(this.data, i)];
      const [headers_used, data_used] = [at(this.headers_used, i), at(this.data_used, i)];
      const told = allOf([fc_moves, fc.traffic.eq(i)]);
      const known = this.known.bit(i);
      when(allOf([told, fc.kind.ne(FcKind.update), known.not()]), () => {
        known.set(1);
        first_headers.set(fc.headers);
        first_data.set(fc.data);
        headers.set(fc.headers);
        data.set(fc.data);
        headers_used.set(0);
        data_used.set(0);
      }).elsewhen(allOf([told, fc.kind.eq(FcKind.update)]), () => {
        headers.set(fc.headers);
        data.set(fc.data);
      });
      when(allOf([begins, mine, known]), () => {
        headers_used.set(headers_used.add(1));
        data_used.set(data_used.add(credits));
      });
      const headers_left = headers.sub(headers_used);
      const data_left = data.sub(data_used);
      const lacks = <W extends number>(first: UInt<W>, left: UInt<W>, needed: UInt<W>) =>
        allOf([first.any(), left.lt(needed).or(left.bit(left.width - 1))]);
      const without = anyOf([
        known.not(),
        lacks(first_headers, headers_left, headers_left.xor(headers_left).add(1)),
        lacks(first_data, data_left, credits),
      ]);
      broken.push(allOf([begins, mine, without]));
      const back = (first: UInt<number>, left: UInt<number>) => first.any().not().or(first.eq(left));
      return allOf([known, back(first_headers, headers_left), back(first_data, data_left)]);
    });
    when(beat_moves, () => midway.set(beat.last.not()));
    this.is_full.set(allOf(full).and(midway.not()));
    this.is_broken.set(anyOf(broken));
    when(restart, () => {
      for (const flag of [midway, this.is_full, this.is_broken]) flag.set(0);
      this.known.set(0);
    });
    this.full.set(this.is_full);
    this.broken.set(this.is_broken);
  }
}

/** A link without length between two ends, watched in both directions. */
export class WatchedLink extends Module<{ readonly width: number }> {
  private readonly beat = tlpBeat(this.p.width);
  readonly a_tx = input(stream(this.beat));
  readonly a_tx_fc = input(stream(FcUpdate));
  readonly a_rx = output(stream(this.beat));
  readonly a_rx_fc = output(stream(FcUpdate));
  readonly b_tx = input(stream(this.beat));
  readonly b_tx_fc = input(stream(FcUpdate));
  readonly b_rx = output(stream(this.beat));
  readonly b_rx_fc = output(stream(FcUpdate));
  readonly hot_reset = input(bool);
  /** Of no effect: the link cannot be pulled out. */
  readonly down = input(bool);
  readonly retrain = input(bool);
  readonly a_up = output(bool);
  readonly b_up = output(bool);
  readonly full = output(bool);
  readonly broken = output(bool);
  private readonly downwards = new CreditWatch({ width: this.p.width });
  private readonly upwards = new CreditWatch({ width: this.p.width });

  protected override logic() {
    const { downwards, upwards, hot_reset } = this;
    this.b_rx.from(this.a_tx);
    this.a_rx.from(this.b_tx);
    this.b_rx_fc.from(this.a_tx_fc);
    this.a_rx_fc.from(this.b_tx_fc);
    const ways = [
      [downwards, this.a_tx, this.b_tx_fc],
      [upwards, this.b_tx, this.a_tx_fc],
    ] as const;
    for (const [watch, tlps, limits] of ways)
      connect(watch, {
        beat: tlps.payload,
        beat_moves: tlps.fire,
        fc: limits.payload,
        fc_moves: limits.fire,
        restart: hot_reset,
      });
    this.a_up.set(hot_reset.not());
    this.b_up.set(hot_reset.not());
    this.full.set(downwards.full.and(upwards.full));
    this.broken.set(downwards.broken.or(upwards.broken));
  }
}
