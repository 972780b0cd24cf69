import { allOf, assert, type Bool, bool, input, Module, mux, output, reg, type UInt, uint, when } from '@hdl/ts-hdl';

/**
 * The sender's credits of one class (2.6.1): whether the TLP at the head may leave. Limits arrive modulo 2^8 and 2^12, as CREDIT_LIMIT; what is left
 * of them is kept ready, and a TLP is weighed in the cycle before it stands at the head, so that `enough` is a register. A limit counts 3 cycles after it
 * came. An initial 0 stands for infinite, separately for headers and data, and later limits are then ignored (C70c). Reset: nothing may leave.
 * Where `needed` comes `late` in a cycle, it is compared with what is left above the next TLP, which costs two subtractions more.
 */
export class CreditGate extends Module<{ readonly late: boolean }> {
  /** The limits are the first ones; may come several times with the same limits. */
  readonly initialise = input(bool);
  /** The limits take the place of the last ones. */
  readonly update = input(bool);
  readonly headers = input(uint(8));
  readonly data = input(uint(12));
  /** Data credits of the TLP at the head. */
  readonly needed = input(uint(9));
  /** The next beat comes to the head, and the data credits of its TLP. */
  readonly advances = input(bool);
  readonly following = input(uint(9));
  /** The TLP at the head leaves; only while `enough`. */
  readonly take = input(bool);
  /** Forgets the partner, as a reset does: its link is down. */
  readonly restart = input(bool);
  /** There are credits for the TLP at the head; means nothing after its first beat. */
  readonly enough = output(bool);
  /** There are credits for two TLPs of `following` data credits. */
  readonly ample = output(bool);
  /** What both will be in the next cycle, for who makes registers of them; in the cycle of the first limits it still says no. */
  readonly enough_next = output(bool);
  readonly ample_next = output(bool);

  private readonly initialised = reg(bool, { init: 0 });
  private readonly header_limit = reg(uint(8), { init: 0 });
  private readonly data_limit = reg(uint(12), { init: 0 });
  private readonly header_grant = reg(uint(8), { init: 0 });
  private readonly data_grant = reg(uint(12), { init: 0 });
  private readonly headers_left = reg(uint(8), { init: 0 });
  private readonly data_left = reg(uint(12), { init: 0 });
  private readonly headers_infinite = reg(bool, { init: 0 });
  private readonly data_infinite = reg(bool, { init: 0 });
  private readonly headers_enough = reg(bool, { init: 0 });
  private readonly data_enough = reg(bool, { init: 0 });
  private readonly headers_ample = reg(bool, { init: 0 });
  private readonly data_ample = reg(bool, { init: 0 });
  /** CREDITS_CONSUMED: for the properties alone, synthesis drops it. */
  private readonly headers_consumed = reg(uint(8), { init: 0 });
  private readonly data_consumed = reg(uint(12), { init: 0 });

  protected override logic() {
    const { take, needed, header_limit, data_limit } = this;
    const needed12 = needed.zext(12);
    const first = this.initialise.and(this.initialised.not());

    this.header_grant.set(0);
    this.data_grant.set(0);
    when(first.or(this.update), () => {
      header_limit.set(this.headers);
      data_limit.set(this.data);
      this.header_grant.set(this.headers.sub(header_limit));
      this.data_grant.set(this.data.sub(data_limit));
    });
    when(first, () => {
      this.initialised.set(1);
      this.headers_infinite.set(this.headers.any().not());
      this.data_infinite.set(this.data.any().not());
    });

    const { headers_left, data_left, header_grant, data_grant, advances } = this;
    const data_after = data_left.sub(needed12);
    headers_left.set(mux(take, headers_left.sub(1).add(header_grant), headers_left.add(header_grant)));
    data_left.set(mux(take, data_after.add(data_grant), data_left.add(data_grant)));

    // What is granted in this cycle is left out: it counts in the next one.
    const following = this.following.zext(12);
    const headers_some = mux(take, headers_left.gt(1), headers_left.any());
    const data_for_next = this.leaves(following, data_after);
    const headers_enough = this.headers_infinite.or(headers_some);
    const data_enough = this.data_infinite.or(mux(advances, data_for_next, data_left.ge(needed12)));
    this.headers_enough.set(headers_enough);
    this.data_enough.set(data_enough);
    this.enough_next.set(allOf([this.initialised, headers_enough, data_enough]));
    this.enough.set(this.initialised.and(this.headers_enough).and(this.data_enough));
    const two = following.shl(1);
    const headers_ample = this.headers_infinite.or(mux(take, headers_left.gt(2), headers_left.gt(1)));
    const data_ample = this.data_infinite.or(this.leaves(two, data_after));
    this.headers_ample.set(headers_ample);
    this.data_ample.set(data_ample);
    this.ample_next.set(allOf([this.initialised, headers_ample, data_ample]));
    this.ample.set(this.initialised.and(this.headers_ample).and(this.data_ample));
    this.check();
    when(this.restart, () => {
      const infinite = [this.headers_infinite, this.data_infinite];
      const found = [this.headers_enough, this.data_enough, this.headers_ample, this.data_ample];
      for (const flag of [this.initialised, ...infinite, ...found]) flag.set(0);
      for (const headers of [header_limit, this.header_grant, headers_left, this.headers_consumed]) headers.set(0);
      for (const data of [data_limit, this.data_grant, data_left, this.data_consumed]) data.set(0);
    });
  }

  /** C70d, in the words of 2.6.1: consumption with the TLP stays within half the range below the limit. */
  private check(): void {
    const headers = this.headers_consumed.add(1);
    const data = this.data_consumed.add(this.needed.zext(12));
    const within = <W extends number>(limit: UInt<W>, consumed: UInt<W>) => limit.sub(consumed).le(2 ** (limit.width - 1));
    when(this.take, () => {
      this.headers_consumed.set(headers);
      this.data_consumed.set(data);
      assert(this.initialised, 'a TLP leaves before the credits are known');
      assert(this.headers_infinite.or(within(this.header_limit, headers)), 'a TLP leaves without a header credit');
      assert(this.data_infinite.or(within(this.data_limit, data)), 'a TLP leaves without the data credits');
    });
    const headers_out = this.header_limit.sub(this.headers_consumed);
    const data_out = this.data_limit.sub(this.data_consumed);
    const kept = this.headers_left.add(this.header_grant).eq(headers_out).and(this.data_left.add(this.data_grant).eq(data_out));
    assert(kept, 'what is left of the credits is not what is granted less what is consumed');
    assert(this.headers_infinite.or(headers_out.lt(128)), 'the partner grants more than 127 headers at once');
    assert(this.data_infinite.or(data_out.lt(2048)), 'the partner grants more than 2,047 data credits at once');
  }

  /** Whether so many data credits are left, or are `after` what is taken. There are credits for that where `take` is 1, so both ways say the same. */
  private leaves(wanted: UInt<12>, after: UInt<12>): Bool {
    const { take, data_left, needed } = this;
    return this.p.late
      ? covers(data_left, wanted).and(take.not().or(covers(data_left.sub(wanted), needed.zext(12))))
      : mux(take, after.ge(wanted), data_left.ge(wanted));
  }
}

/** Whether they are at least so many. As "not less": for "at least" synthesis adds a comparison for equality. */
const covers = (left: UInt<12>, wanted: UInt<12>): Bool => left.lt(wanted).not();
