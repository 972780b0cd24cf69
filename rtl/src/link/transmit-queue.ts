import {
  Bundle,
  type BundleType,
  bool,
  input,
  Module,
  mux,
  output,
  reg,
  ShowAheadFifo,
  stream,
  type UIntType,
  uint,
  when,
} from '@hdl/ts-hdl';
import { dataCredits, type TlpBeatType, tlpBeat } from '../tlp/tlp.ts';
import { mustWait } from './order.ts';

/** A beat with what the arbiter wants to know of its TLP, from registers. */
function waitingBeat(width: number): WaitingBeatType {
  const known = types.get(width);
  if (known) return known;
  const type = class WaitingBeat extends Bundle({ beat: tlpBeat(width), credits: uint(9), ordered: bool }) {};
  types.set(width, type);
  return type;
}
type WaitingBeatType = BundleType<{ beat: TlpBeatType; credits: UIntType<9>; ordered: typeof bool }>;
const types = new Map<number, WaitingBeatType>();

/** What lies in the queue. */
const stampedBeat = (width: number, stamp_bits: number) =>
  class StampedBeat extends Bundle({ beat: tlpBeat(width), credits: uint(9), stamp: uint(stamp_bits) }) {};

/**
 * The TLPs of one class that wait to leave: a head register, and behind it `depth` beats in LUT RAM, which an idle queue goes past. 1 cycle of latency,
 * a beat per cycle; `valid`, payload and `ready` depend on registers only. At the head stand the TLP's data credits and, in `ordered`, whether all
 * posted TLPs that entered before it have left; it follows `posted_left` by 1 cycle. `advances` depends on `out.ready`, `following` on
 * `in` where nothing is queued. Reset empties it.
 */
export class TransmitQueue extends Module<{
  readonly width: number;
  /** Beats behind the head. */
  readonly depth: number;
  readonly stamp_bits: number;
  /** Keeps behind posted TLPs; else `ordered` is always 1. */
  readonly behind_posted: boolean;
}> {
  readonly in = input(stream(tlpBeat(this.p.width)));
  /** Posted TLPs that entered, and that left, so far. */
  readonly posted_entered = input(uint(this.p.stamp_bits));
  readonly posted_left = input(uint(this.p.stamp_bits));
  /** The TLP that stands at the input need not wait for posted ones. */
  readonly relaxed = input(bool);
  readonly out = output(stream(waitingBeat(this.p.width)));
  /** The head is taken or there is none, and the data credits of the beat that stands there in the next cycle, if one does. */
  readonly advances = output(bool);
  readonly following = output(uint(9));

  private readonly queue = new ShowAheadFifo({ type: stampedBeat(this.p.width, this.p.stamp_bits), depth: this.p.depth });
  private readonly head_valid = reg(bool, { init: 0 });
  private readonly head = reg(waitingBeat(this.p.width));
  private readonly head_stamp = reg(uint(this.p.stamp_bits));

  protected override logic() {
    const { queue, head, posted_entered, posted_left } = this;
    const advance = this.head_valid.not().or(this.out.ready);
    const queued = queue.out.valid;
    const past = advance.and(queued.not());
    // A stamp of as many as have left lets it pass at once.
    const stamp = mux(this.relaxed, posted_left, posted_entered);
    const entering = { beat: this.in.payload, credits: dataCredits(this.in.payload.header), stamp };

    this.in.ready.set(queue.in.ready);
    queue.in.valid.set(this.in.valid.and(past.not()));
    queue.in.put(entering);
    queue.out.ready.set(advance);

    const next = mux(queued, queue.out.payload, entering);
    const waits = (s: typeof this.head_stamp) => mustWait(s, posted_entered, posted_left);
    when(advance, () => {
      this.head_valid.set(queued.or(this.in.valid));
      head.beat.set(next.beat);
      head.credits.set(next.credits);
      this.head_stamp.set(next.stamp);
    });
    if (this.p.behind_posted) {
      when(advance, () => head.ordered.set(waits(next.stamp).not())).elsewhen(waits(this.head_stamp).not(), () =>
        head.ordered.set(1),
      );
    } else head.ordered.set(1);
    this.out.valid.set(this.head_valid);
    this.out.put(head);
    this.advances.set(advance);
    this.following.set(next.credits);
  }
}
