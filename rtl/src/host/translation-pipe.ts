import {
  allOf,
  anyOf,
  type Bool,
  Bundle,
  bool,
  cat,
  clog2,
  input,
  Module,
  mux,
  output,
  reg,
  stream,
  u,
  uint,
  when,
  wire,
} from '@hdl/ts-hdl';
import { hasData, isAtomic, isMemory, tlpBeat } from '../tlp/tlp.ts';

/** Pages are 4 KiB: no request touches two of them (C6). */
const pageBits = 12;

/** What a function may do: nothing, reach everything by bus addresses, or what its domain maps. */
export const IommuMode = { blocked: 0, identity: 1, translated: 2 } as const;

/** What a requester ID stands for. */
export const iommuContext = (domains: number) =>
  class IommuContext extends Bundle({ mode: uint(2), domain: uint(clog2(domains)) }) {};

/** A page of a domain: where it is, and what may be done there; neither is how a page is not mapped. */
export class IommuPage extends Bundle({ write: bool, read: bool, page: uint(64 - pageBits) }) {}

/** Why a request was refused: its function is blocked, no page is mapped there, or not for such an access, or it asked for what there is not. */
export const FaultReason = { blocked: 0, not_mapped: 1, not_allowed: 2, not_offered: 3 } as const;

/** A request that was refused. */
export class IommuFault extends Bundle({ requester_id: uint(16), write: bool, reason: uint(2), address: uint(64) }) {}

export interface IommuParams {
  /** Bits of a beat. */
  readonly width: number;
  /** First bus address that is translated, a multiple of the bytes of an aperture. */
  readonly base: bigint;
  /** Pages of an aperture, and domains: powers of two of at least 2. */
  readonly pages: number;
  readonly domains: number;
}

/** The MiB of message interrupts, which are never translated. */
const interruptMiB = 0xfee;
const untranslated = 0b00;
const translated = 0b10;

/**
 * The translation of one stream of `Iommu`: three stages that move together, each a cycle. `requester_id` is looked up while a beat is in the first, `entry` while it
 * is in the second; `context` and `page` are the words a cycle later, held while `moves` is 0. All beats of a TLP have its header, so all are looked up.
 */
export class TranslationPipe extends Module<
  IommuParams & { /** Refused TLPs are dropped, not sent to where nobody claims them. */ readonly drops: boolean }
> {
  private readonly beat = tlpBeat(this.p.width);
  private readonly context_type = iommuContext(this.p.domains);
  readonly enable = input(bool);
  readonly in = input(stream(this.beat));
  readonly out = output(stream(this.beat));
  readonly moves = output(bool);
  readonly requester_id = output(uint(16));
  readonly context = input(this.context_type);
  readonly entry = output(uint(clog2(this.p.domains * this.p.pages)));
  readonly page = input(IommuPage);
  readonly fault = output(stream(IommuFault));
  /** Beats inside, 0 to 3. */
  readonly beats_inside = output(uint(2));
  /** One of them leaves in this cycle, or is dropped. */
  readonly leaves = output(bool);
  private readonly first = reg(this.beat);
  private readonly second = reg(this.beat);
  private readonly third = reg(this.beat);
  /** Bit i: stage i + 1 has a beat. */
  private readonly valid = reg(uint(3), { init: 0 });
  /** Of the beat in the third stage. */
  private readonly mode = reg(uint(2));
  private readonly reason = wire(uint(2));
  /** The TLP is one whose address the table rules. */
  private readonly concerned = wire(bool);
  private readonly refused = wire(bool);
  /** The address of the beat in the third stage was looked up. */
  private readonly looked_up = wire(bool);

  protected override logic() {
    const { first, second, third, valid, moves, in: incoming } = this;
    const aperture = pageBits + (clog2(this.p.pages) as number);
    const { header } = third;
    const last = valid.bit(2);
    const drops = this.refused.and(this.p.drops ? 1 : 0);
    moves.set(last.not().or(this.out.ready).or(drops));
    incoming.ready.set(moves);
    when(moves, () => {
      valid.set(cat(valid.bits(1, 0), incoming.valid));
      first.set(incoming.payload);
      second.set(first);
      third.set(second);
      this.mode.set(this.context.mode);
    });
    this.requester_id.set(first.header.requester_id);
    this.entry.set(cat(this.context.domain, second.header.address.part(pageBits, aperture - pageBits)));

    this.judge(aperture);
    const address = cat(this.page.page, header.address.trunc(pageBits)).as(64);
    const nobody = cat(u(64 - pageBits, 2n ** BigInt(64 - pageBits) - 1n), header.address.trunc(pageBits)).as(64);
    const goes = mux(this.refused, nobody, mux(this.looked_up, address, header.address));
    // The header has 4 DW just where the new address needs it (C7).
    const fmt = mux(this.concerned, cat(header.fmt.bits(2, 1), goes.part(32, 32).any()), header.fmt);
    const at = mux(this.concerned, u(2, untranslated), header.at);
    this.out.valid.set(last.and(drops.not()));
    this.out.put({ ...third, header: { ...header, fmt: fmt.as(3), at, address: goes } });
    this.fault.valid.set(last.and(third.first).and(this.refused).and(moves));
    this.fault.put({
      requester_id: header.requester_id,
      write: hasData(header),
      reason: this.reason,
      address: header.address,
    });
    this.leaves.set(last.and(moves));
    this.beats_inside.set(valid.bit(0).zext(2).add(valid.bit(1).zext(2)).add(last.zext(2)));
  }

  /** What becomes of the TLP in the third stage. */
  private judge(aperture: number): void {
    const { mode, page, third, looked_up, concerned } = this;
    const { header } = third;
    const of_memory = isMemory(header).or(isAtomic(header));
    const is_interrupt = hasData(header).and(isMemory(header)).and(header.address.part(20, 44).eq(interruptMiB));
    concerned.set(allOf([this.enable, of_memory, is_interrupt.not()]));
    const is = (wanted: number): Bool => mode.eq(wanted);
    const already = header.at.eq(translated);
    const inside = header.address.part(aperture, 64 - aperture).eq(this.p.base >> BigInt(aperture));
    const mapped = inside.and(page.read.or(page.write));
    const allowed = allOf([hasData(header).not().or(isAtomic(header)).not().or(page.read), hasData(header).not().or(page.write)]);
    looked_up.set(allOf([concerned, is(IommuMode.translated), already.not()]));
    const offered = already.or(header.at.eq(untranslated));
    const blocked = is(IommuMode.identity).or(is(IommuMode.translated)).not();
    this.refused.set(concerned.and(anyOf([blocked, offered.not(), looked_up.and(mapped.and(allowed).not())])));
    this.reason.set(
      mux(
        blocked,
        u(2, FaultReason.blocked),
        mux(
          offered.not(),
          u(2, FaultReason.not_offered),
          mux(mapped, u(2, FaultReason.not_allowed), u(2, FaultReason.not_mapped)),
        ),
      ),
    );
  }
}
