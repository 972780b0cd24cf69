import { anyOf, assert, assume, bool, mux, reg, type UInt, uint, when } from '@hdl/ts-hdl';
import { CreditAllocator } from '../../../../rtl/src/link/credit-allocator.ts';
import { CreditGate } from '../../../../rtl/src/link/credit-gate.ts';
import type { Proof, ProofParams } from '../proof.ts';

/**
 * The sender's gate against a partner that keeps its promise (2.6.1): limits only grow, and never by more than half the range above what was consumed. The
 * claims that no TLP leaves without its credits, in the words of the specification, stand in `CreditGate` itself.
 */
class GateProof extends CreditGate {
  private readonly witness: boolean;
  private readonly taken = reg(uint(4), { init: 0 });
  private readonly expected = reg(uint(9), { init: 0 });
  private readonly known = reg(bool, { init: 0 });
  /** What stood at the head is gone, and nothing came there since. */
  private readonly gone = reg(bool, { init: 0 });

  constructor({ witness }: ProofParams, late: boolean) {
    super({ late });
    this.witness = witness;
  }

  protected override logic() {
    super.logic();
    const { take, update, initialise } = this;
    assume(take.not().or(this.enough), 'a TLP leaves only where there are credits');
    assume(take.not().or(this.gone.not()), 'a TLP leaves once');
    this.gone.set(this.advances.not().and(take.or(this.gone)));
    assume(update.and(initialise).not(), 'one flow control packet at a time');
    assume(update.not().or(this.known), 'the first limits come first');
    const grows = <W extends number>(limit: UInt<W>, now: UInt<W>, consumed: UInt<W>, half: number) =>
      limit
        .sub(consumed)
        .lt(half)
        .and(limit.sub(consumed).ge(now.sub(consumed)));
    const headers_ok = this['headers_infinite'].or(
      grows(this.headers, this['header_limit'], this['headers_consumed'].add(take.zext(8)), 128),
    );
    const data_ok = this['data_infinite'].or(
      grows(this.data, this['data_limit'], this['data_consumed'].add(mux(take, this.needed.zext(12), 0)), 2048),
    );
    when(update, () => assume(headers_ok.and(data_ok), 'limits grow, and not beyond half the range'));
    when(initialise, () => {
      this.known.set(1);
      assume(this.headers.lt(128).and(this.data.lt(2048)), 'the first limits are within half the range');
      when(this.known, () =>
        assume(this.headers.eq(this['header_limit']).and(this.data.eq(this['data_limit'])), 'they are repeated unchanged'),
      );
    });
    when(this.restart, () => this.known.set(0));
    this.expected.set(mux(this.advances, this.following, this.needed));
    assume(this.needed.eq(this.expected), 'the TLP at the head is the one that came there');
    const { headers_enough, data_enough, headers_left, data_left, headers_infinite, data_infinite } = internals(this);
    assert(
      headers_enough.not().or(headers_infinite).or(headers_left.any()).or(this.gone),
      'a header credit is there where one is promised',
    );
    const data_there = data_left.ge(this.needed.zext(12));
    assert(data_enough.not().or(data_infinite).or(data_there).or(this.gone), 'data credits are there where they are promised');
    const headers_out = this['header_limit'].sub(this['headers_consumed']);
    const data_out = this['data_limit'].sub(this['data_consumed']);
    assert(headers_infinite.or(headers_left.le(headers_out)), 'no more headers are left than are granted');
    assert(data_infinite.or(data_left.le(data_out)), 'no more data is left than is granted');
    assert(this['initialised'].eq(this.known), 'the gate knows its limits from the first packet on');
    when(this.known.not(), () => {
      const limits = this['header_limit'].any().or(this['data_limit'].any());
      const consumed = this['headers_consumed'].any().or(this['data_consumed'].any());
      const granted = this['header_grant'].any().or(this['data_grant'].any());
      const infinite = headers_infinite.or(data_infinite);
      assert(anyOf([limits, consumed, granted, infinite]).not(), 'nothing is known before the first packet');
    });
    when(take, () => this.taken.set(this.taken.addSat(1)));
    if (this.witness) assert(this.taken.lt(3), 'no three TLPs leave');
  }
}

function internals(gate: CreditGate) {
  return {
    headers_enough: gate['headers_enough'],
    data_enough: gate['data_enough'],
    headers_left: gate['headers_left'],
    data_left: gate['data_left'],
    headers_infinite: gate['headers_infinite'],
    data_infinite: gate['data_infinite'],
  };
}

/** Small numbers of credits: what is claimed does not depend on them. */
const capacity = { headers: 3, data: 6 };

/**
 * The receiver's allocator between a partner that keeps to the limits (or does not) and a buffer. What the partner was told less what it used is what the
 * allocator holds left; what is inside, told and free is all there is, so the buffer cannot be overrun, and no credit is lost.
 */
class AllocatorProof extends CreditAllocator {
  private readonly witness: boolean;
  /** What the partner was told and what it used, and what is in the buffer. */
  private readonly told_headers = reg(uint(8), { init: capacity.headers });
  private readonly told_data = reg(uint(12), { init: capacity.data });
  private readonly used_headers = reg(uint(8), { init: 0 });
  private readonly used_data = reg(uint(12), { init: 0 });
  private readonly inside_headers = reg(uint(4), { init: 0 });
  private readonly inside_data = reg(uint(9), { init: 0 });

  constructor({ witness }: ProofParams) {
    super({ ...capacity, payload: 2 });
    this.witness = witness;
  }

  protected override logic() {
    super.logic();
    const { arrives, arrives_data, leaves, leaves_data, take, overflow } = this;
    const { told_headers, told_data, used_headers, used_data, inside_headers, inside_data } = this;
    assume(leaves.not().or(inside_headers.any().and(leaves_data.le(inside_data))), 'what leaves is inside');
    assume(leaves.not().or(inside_headers.gt(1)).or(leaves_data.eq(inside_data)), 'the last one leaves with all data');
    assume(arrives_data.le(256), 'a TLP has at most 4 KiB');
    const enters = arrives.and(overflow.not());
    when(take, () => {
      told_headers.set(this.headers);
      told_data.set(this.data);
    });
    when(enters, () => {
      used_headers.set(used_headers.add(1));
      used_data.set(used_data.add(arrives_data.zext(12)));
    });
    inside_headers.set(inside_headers.add(enters.zext(4)).sub(leaves.zext(4)));
    inside_data.set(inside_data.add(mux(enters, arrives_data, 0)).sub(mux(leaves, leaves_data, 0)));
    when(this.restart, () => {
      told_headers.set(capacity.headers);
      told_data.set(capacity.data);
      used_headers.set(0);
      used_data.set(0);
      inside_headers.set(0);
      inside_data.set(0);
    });

    const left_headers = told_headers.sub(used_headers);
    const left_data = told_data.sub(used_data);
    const within = left_headers.ge(1).and(left_data.ge(arrives_data.zext(12)));
    assert(arrives.not().or(overflow.eq(within.not())), 'a TLP is refused exactly where it is beyond the credits');
    assert(inside_headers.le(capacity.headers).and(inside_data.le(capacity.data)), 'the buffer is overrun');
    assert(this['headers_left'].zext(8).eq(left_headers), 'header credits left are those told and not used');
    assert(this['data_left'].zext(12).eq(left_data), 'data credits left are those told and not used');
    assert(this['headers_told'].eq(told_headers).and(this['data_told'].eq(told_data)), 'what the partner was told is known');
    const all_headers = this['headers_left'].zext(8).add(this['headers_freed'].zext(8)).add(inside_headers.zext(8));
    const all_data = this['data_left'].zext(12).add(this['data_freed'].zext(12)).add(inside_data.zext(12));
    assert(all_headers.eq(capacity.headers).and(all_data.eq(capacity.data)), 'a credit is lost, or made from nothing');
    assert(
      this['headers_left'].le(capacity.headers).and(this['headers_freed'].le(capacity.headers)),
      'no more headers than there are',
    );
    assert(this['data_left'].le(capacity.data).and(this['data_freed'].le(capacity.data)), 'no more data than there is');
    if (this.witness) assert(overflow.and(inside_headers.eq(2)).not(), 'a TLP is never too much for what is left');
  }
}

export const creditProofs: readonly Proof[] = [
  {
    name: 'credit-gate',
    block: 'CreditGate',
    claim:
      'No TLP leaves without its header and data credits, modulo 2^8 and 2^12; what is left is what was granted less what was consumed',
    rules: ['C60', 'C70c', 'C70d'],
    build: p => new GateProof(p, false),
    steps: 4,
  },
  {
    name: 'credit-gate-late',
    block: 'CreditGate',
    claim: 'The same where what the TLP needs comes late',
    rules: ['C60', 'C70c', 'C70d'],
    build: p => new GateProof(p, true),
    steps: 4,
  },
  {
    name: 'credit-allocator',
    block: 'CreditAllocator',
    claim:
      'Against any sender: a TLP is refused exactly where it is beyond the credits, the buffer is never overrun, no credit is lost or made (3 headers, 6 data)',
    rules: ['C70b', 'C70e'],
    build: p => new AllocatorProof(p),
    steps: 4,
  },
];
