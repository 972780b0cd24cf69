import { allOf, anyOf, assert, assume, type Bool, bool, mux, reg, select, type UInt, u, uint, when } from '@hdl/ts-hdl';
import { CompletionSequencer } from '../../../../rtl/src/endpoint/receive/completion-sequencer.ts';
import { Action } from '../../../../rtl/src/endpoint/receive/interfaces.ts';
import { type Header, Status, TlpType } from '../../../../rtl/src/tlp/tlp.ts';
import type { Proof, ProofParams } from '../proof.ts';

/** A page: no request crosses it (C5), so within it addresses need no more bits. */
const pageBits = 12;
const width = 64;
/** log2 of the DW in a beat. */
const lanes = 1;
/** Payload limits by their code, in DW less 1. */
const limits = [0, 1, 2, 3, 4, 5].map(code => (32 << code) - 1);

/** The number of the lowest 1, or of the highest. */
const lowest = (enables: UInt<4>): UInt<13> =>
  [2, 1, 0].reduce<UInt<13>>((found, bit) => mux(enables.bit(bit), u(13, bit), found), u(13, 3));
const highest = (enables: UInt<4>): UInt<13> =>
  [1, 2, 3].reduce<UInt<13>>((found, bit) => mux(enables.bit(bit), u(13, bit), found), u(13, 0));

/** Where in its page the first byte lies that a read asks for, and the one behind the last one (2.3.1.1). */
function span(h: Header): { readonly from: UInt<13>; readonly to: UInt<13> } {
  const begin = h.address.trunc(pageBits).zext(13);
  const dws = mux(h.length.any(), h.length.zext(11), u(11, 1024));
  const one = dws.eq(1);
  const nothing = one.and(h.first_be.any().not());
  const from = begin.add(mux(nothing, u(13, 0), lowest(h.first_be)));
  const last_dw = begin.add(dws.sub(1).zext(13).shl(2));
  return { from, to: mux(nothing, from, last_dw.add(highest(mux(one, h.first_be, h.last_be)))).add(1) };
}

/**
 * Any reads of memory, one behind the other, with any payload limit, against the boundary rules of completions: every completion goes on where the one before
 * ended; all but the last end at a multiple of the payload limit, which is one of the read completion boundary; Byte Count and Lower Address are those of what
 * is left; the DW of all are just those of the request.
 */
class SplittingProof extends CompletionSequencer {
  private readonly witness: boolean;
  /** A request is being answered. */
  private readonly under_way = reg(bool, { init: 0 });
  /** The bytes that are to be sent, of those not yet in a header: from the one up to the other, within the page. */
  private readonly from = reg(uint(13));
  private readonly to = reg(uint(13));
  /** DW of the completion that are still to be sent, and of the next ones. */
  private readonly beats_left = reg(uint(11));
  private readonly ends_it = reg(bool);
  private readonly limit_bits = reg(uint(10));
  private readonly wanted_tag = reg(uint(10));

  constructor({ witness }: ProofParams) {
    super({ width, address_width: pageBits - 2 - lanes, functions: 1 });
    this.witness = witness;
  }

  protected override logic() {
    super.logic();
    const { request, plan, under_way, from, to, beats_left, ends_it, limit_bits, wanted_tag } = this;
    const { header, action, answer, offset, mps } = request.payload;
    const asked = span(header);
    const dws = mux(header.length.any(), header.length.zext(11), u(11, 1024));
    assume(request.valid.not().or(action.eq(Action.memory)), 'a read of the memory');
    assume(header.type.eq(TlpType.memory), 'a read of the memory');
    assume(answer.eq(dws.sub(1).trunc(10)), 'the answer has the DW that are asked for');
    assume(
      offset.trunc(pageBits).eq(header.address.trunc(pageBits)).and(header.address.trunc(2).any().not()),
      'the place is that of the address',
    );
    assume(header.address.trunc(pageBits).shr(2).zext(13).add(dws.zext(13)).le(1024), 'no page is crossed (C5)');
    assume(mps.le(5), 'the payload limit is one that there is');
    assume(dws.eq(1).or(header.first_be.any().and(header.last_be.any())), 'the first and the last DW are asked for (C8)');

    const beat = plan.payload;
    const begin = from.shr(2);
    const length = mux(beat.length.any(), beat.length.zext(13), u(13, 1024));
    const end = begin.add(length);
    const left = to.sub(from);
    const limit = limit_bits.zext(13);
    const after_limit = (dw: UInt<13>): Bool => dw.and(limit).any().not();
    const is_final = end.shl(2).ge(to);

    when(plan.fire, () => {
      assert(under_way, 'a completion is sent that nobody asked for');
      assert(beat.first.eq(beats_left.any().not()), 'a completion begins behind the end of the one before');
      assert(beat.memory.and(beat.tag.eq(wanted_tag)), 'a completion has the tag of its request, and data');
      assert(
        beat.last.eq(mux(beat.first, length.trunc(11), beats_left).le(1 << lanes)),
        'a completion has as many beats as its length says',
      );
      when(beat.first, () => {
        assert(allOf([beat.data, beat.status.eq(Status.success)]), 'a completion of a read has data');
        assert(beat.byte_count.eq(left.trunc(12)), 'Byte Count is what is left (C55)');
        assert(beat.lower_address.eq(from.trunc(7)), 'Lower Address is that of the first byte (C55)');
        assert(is_final.or(after_limit(end)), 'a completion that is not the last one ends at a multiple of the limit (C54, C57)');
        assert(end.sub(1).or(limit).eq(begin.or(limit)), 'no completion crosses a multiple of the limit');
        assert(is_final.not().or(end.shl(2).sub(to).lt(4)), 'the last completion ends where the request does');
      });
    });
    when(plan.fire, () => {
      const here = mux(beat.first, length.trunc(11), beats_left);
      beats_left.set(mux(beat.last, u(11, 0), here.sub(1 << lanes)));
      when(beat.first, () => {
        from.set(end.shl(2));
        ends_it.set(is_final);
      });
      when(beat.last.and(mux(beat.first, is_final, ends_it)), () => under_way.set(0));
    });
    when(request.fire, () => {
      under_way.set(1);
      from.set(asked.from);
      to.set(asked.to);
      beats_left.set(0);
      limit_bits.set(
        select(
          mps,
          limits.map(limit => u(10, limit)),
        ),
      );
      wanted_tag.set(header.tag);
    });
    this.invariants(left);
    if (this.witness)
      assert(plan.fire.and(beat.first.not()).and(ends_it.not()).not(), 'no request has more completions than one');
  }

  /** What the block's registers mean. */
  private invariants(left_bytes: UInt<13>): void {
    const { under_way, from, to, beats_left, ends_it, limit_bits, wanted_tag } = this;
    const answer = this['answer'];
    const [loaded, begins, of_last, left, rest] = [this['loaded'], this['begins'], this['of_last'], this['left'], this['rest']];
    const [completion_left, offset, bytes_more, address] = [
      this['completion_left'],
      this['offset'],
      this['bytes_more'],
      this['address'],
    ];
    assert(loaded.eq(under_way), 'a request is under way');
    when(under_way, () => {
      const limit = limit_bits.zext(13);
      assert(
        allOf([answer.memory, answer.slow.not(), answer.data, answer.tag.eq(wanted_tag), answer.status.eq(Status.success)]),
        'it is a read of memory',
      );
      assert(answer.limit.eq(limit_bits), 'the limit is that of the request');
      assert(anyOf(limits.map(value => limit_bits.eq(value))), 'the limit is one that there is');
      assert(begins.eq(beats_left.any().not()), 'a completion begins');
      assert(this['next_address'].eq(address.add(1 << lanes)), 'the DW behind the beat is known');
      assert(this['boundary'].eq(address.or(limit_bits).add(1)), 'the next multiple of the limit is known');
      assert(to.le(1 << pageBits), 'the request lies in its page');
      const more = mux(bytes_more.bit(3), u(13, 0x1ff0), u(13, 0)).or(bytes_more.zext(13));
      const end = completion_left.zext(13).add(1);
      const next = from.shr(2);
      when(begins, () => {
        assert(from.lt(to), 'something is left');
        assert(left.zext(13).shl(2).add(more).eq(left_bytes), 'the bytes left are known');
        assert(offset.eq(from.trunc(2)), 'the first byte is known');
        assert(address.eq(next.trunc(pageBits - 2)), 'the first DW is known');
        const all = to.add(3).shr(2).sub(next);
        assert(left.zext(13).add(1).eq(all), 'the DW left are known');
        const room = limit.sub(next.and(limit)).add(1);
        assert(of_last.eq(all.le(room)), 'the last completion is known');
        assert(end.eq(mux(of_last, all, room)), 'the DW of the completion are known');
        assert(of_last.or(rest.zext(13).add(1).eq(all.sub(room))), 'what is behind the completion is known');
      }).otherwise(() => {
        assert(of_last.eq(ends_it), 'the last completion is known');
        assert(end.eq(beats_left.zext(13)), 'the DW of the completion that are left are known');
        assert(of_last.or(rest.zext(13).add(1).eq(to.add(3).shr(2).sub(next))), 'what is behind the completion is known');
        assert(
          of_last.or(allOf([from.lt(to), next.and(limit).any().not(), from.trunc(2).any().not()])),
          'the next completion begins at a multiple of the limit',
        );
        assert(of_last.or(address.zext(13).add(end).eq(next)), 'the DW of the beat is known');
      });
      assert(this['last'].eq(end.le(1 << lanes)), 'the last beat is known');
      const after = answer.after.zext(13);
      assert(of_last.and(begins.not()).or(to.add(after).trunc(2).any().not()), 'the bytes behind the last one are known');
    });
  }
}

export const splittingProofs: readonly Proof[] = [
  {
    name: 'completion-splitting',
    block: 'CompletionSequencer',
    claim:
      'The completions of any read are one behind the other, end at multiples of the payload limit, cross none, and end where the request does; Byte Count and Lower Address are those of what is left (64 bits)',
    rules: ['C54', 'C55', 'C57'],
    build: p => new SplittingProof(p),
    steps: 4,
  },
];
