import {
  allOf,
  anyOf,
  type Bool,
  Bundle,
  bool,
  cat,
  input,
  Module,
  memory,
  mux,
  output,
  reg,
  type Sig,
  type UInt,
  u,
  uint,
  type Var,
  vec,
  when,
} from '@hdl/ts-hdl';
import { enabledBytes, lengthBytes } from '../tlp/byte-count.ts';
import {
  completionFields,
  type Header,
  hasData,
  isCompletion,
  isConfig,
  isMemory,
  isPosted,
  TlpHeader,
  TlpType,
} from '../tlp/tlp.ts';

/** What a monitor sees of one direction of a link in one cycle. */
export class LinkTap extends Bundle({
  /** A beat moves: valid and ready. */
  fire: bool,
  /** It is the first of its packet. */
  first: bool,
  header: TlpHeader,
}) {}

/** Addresses from `base` to `limit` - 1 hold user data; `base` = `limit` turns the range off. */
export class DataRange extends Bundle({ base: uint(64), limit: uint(64) }) {}

/** Ranges that a monitor is told. */
export const dataRanges = 4;

/** What went over one direction of a link since it was cleared. Cycles are values of the `cycle` input. */
export class DirectionCounts extends Bundle({
  /** TLPs by class. */
  posted: uint(32),
  non_posted: uint(32),
  completions: uint(32),
  /** Beats, payload or not; a TLP without payload is one beat. */
  beats: uint(48),
  /** Enabled payload bytes of memory writes into a data range and of completions of memory reads from one; and the beats of these TLPs. */
  data_bytes: uint(48),
  data_beats: uint(48),
  /** Enabled payload bytes of all other TLPs: configuration, registers, command and completion entries, interrupts. */
  other_bytes: uint(48),
  /** When the first beat moved; valid if `beats` is not 0. */
  first_cycle: uint(48),
  /** When the first and the last data beat moved; valid if `data_beats` is not 0. */
  first_data_cycle: uint(48),
  last_data_cycle: uint(48),
}) {}

/** One beat, classified. */
class Seen extends Bundle({
  fire: bool,
  first: bool,
  posted: bool,
  completion: bool,
  data: bool,
  bytes: uint(13),
  cycle: uint(48),
}) {}

/** A direction's registers and signals. */
interface Direction {
  readonly tap: Sig<typeof LinkTap>;
  /** Whether the non-posted request that the completion at the tap answers asked for data; and where this direction's requests are noted. */
  readonly answersData: Bool;
  readonly seen: Var<Sig<typeof Seen>>;
  readonly counts: Var<Sig<typeof DirectionCounts>>;
}

/**
 * Counts what both directions of a link carry, exactly, without touching it. User data is told by address: a memory write by its own, a
 * completion by that of the read that it answers, which the monitor noted by requester bus and tag when it passed in the other direction. A range
 * covers a request if it holds its first DW. Exact while every requester has its own bus number below 2^`bus_bits` and tags below 2^`tag_bits`.
 *
 * Outputs are registers, 2 cycles behind the link; `clear` zeroes them. Requests noted before `clear` or reset stay noted.
 */
export class LinkCounters extends Module<{ bus_bits: number; tag_bits: number }> {
  readonly down_tap = input(LinkTap);
  readonly up_tap = input(LinkTap);
  readonly ranges = input(vec(dataRanges, DataRange));
  readonly cycle = input(uint(48));
  readonly clear = input(bool);
  readonly down = output(DirectionCounts);
  readonly up = output(DirectionCounts);

  /** Bit per transaction: it asks for data. Of requests that went down, and up. */
  private readonly down_requests = memory(bool, { depth: 2 ** (this.p.bus_bits + this.p.tag_bits) });
  private readonly up_requests = memory(bool, { depth: 2 ** (this.p.bus_bits + this.p.tag_bits) });
  private readonly down_seen = reg(Seen, { init: 0 });
  private readonly up_seen = reg(Seen, { init: 0 });
  private readonly down_counts = reg(DirectionCounts, { init: 0 });
  private readonly up_counts = reg(DirectionCounts, { init: 0 });

  protected override logic() {
    const { down_tap, up_tap } = this;
    const fromUp = this.up_requests.peek(this.key(down_tap.header));
    const fromDown = this.down_requests.peek(this.key(up_tap.header));
    this.classify({ tap: down_tap, answersData: fromUp, seen: this.down_seen, counts: this.down_counts });
    this.classify({ tap: up_tap, answersData: fromDown, seen: this.up_seen, counts: this.up_counts });
    for (const [tap, requests] of [[down_tap, this.down_requests] as const, [up_tap, this.up_requests] as const]) {
      const { header, fire, first } = tap;
      when(allOf([fire, first, isPosted(header).not(), isCompletion(header).not()]), () => {
        // A read of nothing, which only flushes, brings no data.
        const flushes = allOf([header.length.eq(1), header.first_be.any().not()]);
        requests.write(this.key(header), allOf([isMemory(header), flushes.not(), this.inRange(header.address)]));
      });
    }
    this.down.set(this.down_counts);
    this.up.set(this.up_counts);
  }

  private key(h: Header): UInt<number> {
    return cat(h.requester_id.part(8, this.p.bus_bits), h.tag.part(0, this.p.tag_bits));
  }

  private inRange(address: UInt<64>): Bool {
    return anyOf(this.ranges.map(({ base, limit }) => address.ge(base).and(address.lt(limit))));
  }

  private classify({ tap, answersData, seen, counts }: Direction): void {
    const { header, fire, first } = tap;
    seen.fire.set(fire);
    when(fire, () => {
      const memory = isMemory(header);
      const answer = isCompletion(header);
      const carries = hasData(header);
      const isData = mux(answer, answersData, memory.and(this.inRange(header.address))).and(carries);
      seen.set({
        fire,
        first,
        posted: isPosted(header),
        completion: answer,
        data: isData,
        bytes: mux(carries, payloadBytes(header), 0),
        cycle: this.cycle,
      });
    });

    when(seen.fire, () => {
      counts.beats.set(counts.beats.add(1));
      when(counts.beats.any().not(), () => counts.first_cycle.set(seen.cycle));
      when(seen.first, () => {
        when(seen.completion, () => counts.completions.set(counts.completions.add(1)))
          .elsewhen(seen.posted, () => counts.posted.set(counts.posted.add(1)))
          .otherwise(() => counts.non_posted.set(counts.non_posted.add(1)));
        when(seen.data, () => counts.data_bytes.set(counts.data_bytes.add(seen.bytes.zext(48)))).otherwise(() =>
          counts.other_bytes.set(counts.other_bytes.add(seen.bytes.zext(48))),
        );
      });
      when(seen.data, () => {
        counts.data_beats.set(counts.data_beats.add(1));
        when(counts.data_beats.any().not(), () => counts.first_data_cycle.set(seen.cycle));
        counts.last_data_cycle.set(seen.cycle);
      });
    });
    when(this.clear, () => counts.set(zeroCounts));
  }
}

const zeroCounts = {
  posted: 0,
  non_posted: 0,
  completions: 0,
  beats: 0,
  data_bytes: 0,
  data_beats: 0,
  other_bytes: 0,
  first_cycle: 0,
  first_data_cycle: 0,
  last_data_cycle: 0,
};

/** Enabled payload bytes of a TLP with data: by byte enables for memory, I/O and configuration writes, by byte count for completions (2.2.9). */
function payloadBytes(h: Header): UInt<13> {
  const { byte_count, lower_address } = completionFields(h);
  const remaining = cat(byte_count.any().not(), byte_count).as(13);
  const room = lengthBytes(h).sub(lower_address.part(0, 2).zext(13));
  const answered = mux(remaining.lt(room), remaining, room);
  const byEnables = anyOf([isMemory(h), isConfig(h), h.type.eq(u(5, TlpType.io))]);
  return mux(isCompletion(h), answered, mux(byEnables, enabledBytes(h), lengthBytes(h)));
}
