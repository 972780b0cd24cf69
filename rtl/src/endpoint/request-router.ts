import {
  allOf,
  type Bool,
  Bundle,
  type BundleType,
  bool,
  Fifo,
  HdlError,
  input,
  Module,
  mux,
  output,
  reg,
  stream,
  type UInt,
  type UIntType,
  u,
  uint,
  when,
  wire,
} from '@hdl/ts-hdl';
import { FunctionState } from '../config/function-state.ts';
import {
  configFields,
  type Header,
  isCompletion,
  isMemory,
  isPosted,
  lengthDw,
  TlpHeader,
  TlpType,
  tlpBeat,
} from '../tlp/tlp.ts';
import { Claim, Request } from './interfaces.ts';

/** A beat of a memory write that hit a BAR, and which one: `claim` is `Claim.bar0` or `Claim.bar2` in every beat of the TLP. */
export function postedBeat(width: number): PostedBeatType {
  const known = beats.get(width);
  if (known) return known;
  const type = class PostedBeat extends Bundle({
    header: TlpHeader,
    data: uint(width),
    first: bool,
    last: bool,
    claim: uint(2),
  }) {};
  beats.set(width, type);
  return type;
}
export type PostedBeatType = BundleType<{
  header: typeof TlpHeader;
  data: UIntType<number>;
  first: typeof bool;
  last: typeof bool;
  claim: UIntType<2>;
}>;
const beats = new Map<number, PostedBeatType>();

/** 1 if the whole memory request lies inside the `bytes` bytes (a power of two) at `base`, which is a multiple of `bytes`. */
function inside(header: Header, base: UInt<64>, bytes: number): Bool {
  const bits = Math.log2(bytes);
  if (!Number.isInteger(bits) || bits < 12) throw new HdlError(`a BAR has a power of two of at least 4096 bytes, not ${bytes}`);
  const end = header.address
    .part(2, bits - 2)
    .zext(bits)
    .add(lengthDw(header).zext(bits));
  return header.address
    .part(bits, 64 - bits)
    .eq(base.part(bits, 64 - bits))
    .and(end.le(bytes / 4));
}

/**
 * Sorts what an endpoint receives by its header (2.3.1):
 *
 * | TLP | goes to |
 * |---|---|
 * | MWr wholly inside BAR0 or BAR2, memory space enabled (C83) | `posted`, beat by beat |
 * | other MWr, messages | nowhere; counted in `dropped`, which wraps (C51) |
 * | completions | `completion` |
 * | CfgRd0, CfgWr0 to function 0 | `request`, claim `config` |
 * | MRd wholly inside BAR0 or BAR2, memory space enabled (C83) | `request`, claim `bar0` or `bar2` |
 * | every other request | `request`, claim `none`: Unsupported Request (C51) |
 *
 * The claim of a TLP is decided by `state` at its first beat. 1 cycle to `posted` and `completion`, 2 to `request`, which queues
 * `request_depth` requests; a beat per cycle, also with TLPs of one beat. `rx.ready` depends on the TLP's class and on the ready
 * of `posted` and `completion`, so that neither waits for the other; `rx` stalls for non-posted requests only if the queue is
 * full. All outputs come from registers.
 *
 * A request enters the queue not before every earlier posted beat left `posted`: it leaves 2 cycles later at the earliest, which
 * is how reads do not pass writes (2.4.1). Reset empties everything.
 */
export class RequestRouter extends Module<{
  /** Bits of a beat: 64, 128, 256 or 512. */
  readonly width: number;
  /** Requests that the queue holds, a power of two. */
  readonly request_depth: number;
  /** Bytes of BAR0, a power of two of at least 4,096. */
  readonly bar0_bytes: number;
  /** Bytes of BAR2, likewise, or 0 for none. */
  readonly bar2_bytes: number;
}> {
  readonly rx = input(stream(tlpBeat(this.p.width)));
  readonly state = input(FunctionState);
  readonly posted = output(stream(postedBeat(this.p.width)));
  readonly request = output(stream(Request));
  readonly completion = output(stream(tlpBeat(this.p.width)));
  /** Posted TLPs that nobody claimed. */
  readonly dropped = output(uint(16));
  private readonly requests = new Fifo({ type: Request, depth: this.p.request_depth });
  private readonly claim = wire(uint(2));
  /** The claim of the TLP under way. */
  private readonly held_claim = reg(uint(2));
  private readonly posted_held = reg(bool, { init: 0 });
  private readonly posted_beat = reg(postedBeat(this.p.width));
  private readonly completion_held = reg(bool, { init: 0 });
  private readonly completion_beat = reg(tlpBeat(this.p.width));
  private readonly drops = reg(uint(16), { init: 0 });

  protected override logic() {
    const { valid, fire, payload: beat } = this.rx;
    const { header, data, first, last } = beat;
    const posted = isPosted(header);
    const completion = isCompletion(header);
    const request = posted.or(completion).not();
    const posted_free = this.posted_held.not().or(this.posted.ready);
    const completion_free = this.completion_held.not().or(this.completion.ready);
    const request_free = this.requests.in.ready.and(posted_free);
    const wanted = isMemory(header).and(this.claim.ne(Claim.none));

    this.rx.ready.set(mux(posted, posted_free, mux(completion, completion_free, request_free)));
    this.claim.set(mux(first, this.claimOf(header), this.held_claim));
    when(fire, () => this.held_claim.set(this.claim));

    when(posted_free, () => {
      this.posted_held.set(allOf([valid, posted, wanted]));
      when(valid.and(posted), () => this.posted_beat.set({ header, data, first, last, claim: this.claim }));
    });
    this.posted.valid.set(this.posted_held);
    this.posted.put(this.posted_beat);
    when(allOf([fire, posted, wanted.not(), last]), () => this.drops.set(this.drops.add(1)));
    this.dropped.set(this.drops);

    when(completion_free, () => {
      this.completion_held.set(valid.and(completion));
      when(valid.and(completion), () => this.completion_beat.set(beat));
    });
    this.completion.valid.set(this.completion_held);
    this.completion.put(this.completion_beat);

    // An AtomicOp can have more than one beat: the first is enough to answer it.
    this.requests.in.valid.set(allOf([valid, request, first, posted_free]));
    this.requests.in.put({ header, claim: this.claim, data: data.trunc(32) });
    this.request.from(this.requests.out);
  }

  private claimOf(header: Header): UInt<2> {
    const { bar0_bytes, bar2_bytes } = this.p;
    const { state } = this;
    const bar2 = bar2_bytes === 0 ? u(2, Claim.none) : mux(inside(header, state.bar2, bar2_bytes), u(2, Claim.bar2), Claim.none);
    const memory = mux(inside(header, state.bar0, bar0_bytes), u(2, Claim.bar0), bar2);
    const for_config = header.type.eq(TlpType.config0).and(configFields(header).function.eq(0));
    return mux(isMemory(header).and(state.memory_enable), memory, mux(for_config, u(2, Claim.config), Claim.none));
  }
}
