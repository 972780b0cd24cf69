import { allOf, anyOf, type Bool, bool, input, Module, mux, output, reg, stream, type UInt, u, uint, when } from '@hdl/ts-hdl';
import { ErrorKind, ErrorReport } from '../../config/error-report.ts';
import type { PacketClass } from '../../tlp/packet.ts';
import { type Header, hasData, lengthDw, tlpBeat } from '../../tlp/tlp.ts';
import { laneBits } from '../lane-rotator.ts';
import { malformedHeader, steersRead } from './header-rules.ts';
import { checkedBeat, ErrorEvent } from './interfaces.ts';

/** Beats that follow the first one, from the header: payload and digest in DW, less 1, divided by the 2^`lane_bits` lanes. */
export function beatsToCome(h: Header, lane_bits: number): UInt<10> {
  const last = lengthDw(h).add(mux(h.td, u(11, 0), -1));
  return mux(hasData(h), last, 0).shr(lane_bits).trunc(10);
}

/** Whether no beat follows the first one: the same as `beatsToCome`, without its sum. */
export function isOneBeat(h: Header, lane_bits: number): Bool {
  const beats = h.length.shr(lane_bits);
  const part = h.length.trunc(lane_bits).any();
  const full = allOf([beats.eq(1), part.not(), h.td.not()]);
  return anyOf([hasData(h).not(), beats.any().not().and(part), full]);
}

/**
 * Lets pass what is well formed (2.3, rules C1 to C5, C8 to C11, C15, C71d, C98; see `header-rules.ts` and `message-rules.ts`). A malformed TLP is dropped
 * and reported once; the next TLP finds nothing changed.
 *
 * Cut-through: 1 cycle of latency, a beat per cycle, no idle cycle between TLPs. A fault that the first beat shows (its header; more or fewer beats in a
 * TLP that should have, or has, one) drops the TLP whole. Where the number of beats turns out wrong later (C3, C10), what went before is gone: the last beat
 * that is sent on is marked `bad`. A TLP that is too long is cut where its header ends it, so a write never reaches beyond its own range, whose bytes are
 * then undefined; a non-posted request is gathered behind and then dropped whole. Store and forward would cost every write its own length in latency to keep
 * bytes that the sender wanted overwritten.
 *
 * A digest is not looked at (C71c) but has to be there if TD says so. Byte enables of a read that carries a steering tag in their place become 1.
 * `foreign` belongs to the beat at the input: a well-formed TLP that begins with it is dropped, and reported with its last beat as unexpected completion (C58).
 *
 * `out` and `error` come from registers; `in.ready` depends on `out.ready`. Reset forgets the TLP under way: the next beat has to be a first one.
 */
export class TlpChecker extends Module<{
  /** Bits of a beat: 64, 128, 256 or 512. */
  readonly width: number;
  /** The class of all TLPs that come; types that are not defined count as non-posted. */
  readonly of: PacketClass;
}> {
  readonly in = input(stream(tlpBeat(this.p.width)));
  /** Payload limit, 128 << mps bytes: the largest of the endpoint's functions. */
  readonly mps = input(uint(3));
  readonly foreign = input(bool);
  readonly out = output(stream(checkedBeat(this.p.width)));
  readonly error = output(ErrorEvent);
  private readonly beat_valid = reg(bool, { init: 0 });
  private readonly beat = reg(checkedBeat(this.p.width));
  /** Beats to come, and whether the next one is the last. */
  private readonly left = reg(uint(10));
  private readonly one_left = reg(bool);
  /** The rest of the TLP is thrown away. */
  private readonly dropping = reg(bool);
  /** It is foreign, and was not reported yet. */
  private readonly stranger = reg(bool, { init: 0 });
  private readonly told = reg(bool, { init: 0 });
  private readonly report = reg(ErrorReport);

  protected override logic() {
    const { header, data, first, last } = this.in.payload;
    const bits = laneBits(this.p.width);
    const remaining = mux(first, beatsToCome(header, bits), this.left.sub(1));
    const ends = mux(first, isOneBeat(header, bits), this.one_left);
    const wrong_end = last.ne(ends);
    const malformed = wrong_end.or(first.and(malformedHeader(header, this.p.of, this.mps)));
    const drop = mux(first, malformed.or(this.foreign), this.dropping);
    // Of a TLP that does not belong here more can be wrong, which counts then: it is told with the last beat.
    const over = last.or(ends);
    const strange = mux(first, this.foreign.and(malformed.not()), this.stranger);
    const tells = mux(strange, over, mux(first, malformed, wrong_end.and(this.dropping.not())));

    this.in.ready.set(this.beat_valid.not().or(this.out.ready));
    when(this.in.ready, () => {
      this.beat_valid.set(this.in.valid.and(drop.not()));
      when(this.in.valid, () => {
        this.beat.set({ header, data, first, last: last.or(ends), bad: wrong_end });
        const all = steersRead(header);
        when(all, () => {
          this.beat.header.first_be.set(0xf);
          this.beat.header.last_be.set(mux(header.length.eq(1), u(4, 0), 0xf));
        });
        this.left.set(remaining);
        this.one_left.set(remaining.eq(1));
        this.dropping.set(anyOf([drop, ends]));
        this.stranger.set(strange.and(over.not()));
      });
    });
    this.out.valid.set(this.beat_valid);
    this.out.put(this.beat);

    this.told.set(this.in.fire.and(tells));
    // Means something beside `told` only: an enable would be a long path with many ends.
    this.report.set({
      functions: 0xff,
      kind: mux(malformed, u(5, ErrorKind.malformed), ErrorKind.unexpectedCompletion),
      // A malformed TLP is none of the cases of advisory errors, an unexpected completion always is (6.2.3.2.4).
      advisory: malformed.not(),
      header,
    });
    this.error.set({ valid: this.told, report: this.report });
  }
}
