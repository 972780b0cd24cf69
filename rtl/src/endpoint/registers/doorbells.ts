import { allOf, bool, clog2, Fifo, HdlError, input, Module, memory, mux, output, reg, u, uint, when } from '@hdl/ts-hdl';

export interface DoorbellsParams {
  /** 1 to 4,096. */
  readonly count: number;
  /** Bytes from one doorbell to the next: a power of two from 4. */
  readonly stride: number;
}

/** Bytes that the doorbells take, a power of two. */
export const doorbellBytes = ({ count, stride }: DoorbellsParams): number => stride * 2 ** Math.ceil(Math.log2(count));

/**
 * Doorbells: registers that the host and peers write, told to the firmware as events in the order in which they were rung first.
 *
 *     ring ─► pending? ─► queue ─► next      take
 *        └──► values ───────────► value ◄─────┘
 *
 * Doorbell i is the DW at i × stride; other DW are ignored, and so are writes without an enabled byte. A write is taken in every cycle; bytes that are not
 * enabled keep what was written to them before (0 at first). A doorbell that is written again before the firmware took its event makes no second one: the
 * firmware finds the last value, and `coalesced` counts up, to its greatest value at most. So events never overflow: there is at most one for each doorbell.
 *
 * `next_valid` and `next` show the oldest event 2 cycles after the write, and after `take` the one that follows at once, if it is there for 2 cycles. `value` is the
 * event's value from 1 cycle after `take` until the next one. A write in the cycle of `take` is a new event. Outputs come from registers.
 *
 * `rst` and `reset` drop all events and values: `busy` is 1 for a cycle per doorbell, and what is written meanwhile is lost.
 */
export class Doorbells extends Module<DoorbellsParams> {
  private readonly count = countOf(this.p);
  private readonly bits = clog2(this.count);
  readonly ring = input(bool);
  /** Number of the DW among the doorbells. */
  readonly ring_dword = input(uint(this.bits + Math.log2(this.p.stride / 4)));
  readonly ring_data = input(uint(32));
  readonly ring_mask = input(uint(4));
  readonly take = input(bool);
  readonly next_valid = output(bool);
  readonly next = output(uint(this.bits));
  readonly value = output(uint(32));
  readonly coalesced = output(uint(16));
  readonly reset = input(bool);
  readonly busy = output(bool);

  private readonly values = memory(uint(32), { depth: 2 ** this.bits, lane: 8 });
  /** A doorbell has an event where these differ: each has one writer. */
  private readonly rung = memory(bool, { depth: 2 ** this.bits, style: 'distributed' });
  private readonly taken = memory(bool, { depth: 2 ** this.bits, style: 'distributed' });
  private readonly queue = new Fifo({
    type: uint(this.bits),
    depth: 2 ** this.bits,
    style: this.count > 64 ? 'block' : 'distributed',
  });
  private readonly clearing = reg(bool, { init: 1 });
  private readonly cleared = reg(uint(this.bits), { init: 0 });
  private readonly was_reset = reg(bool, { init: 0 });
  private readonly again = reg(uint(16), { init: 0 });

  protected override logic() {
    const { queue, clearing, cleared } = this;
    const spacing = Math.log2(this.p.stride / 4);
    const number = this.ring_dword.part(spacing, this.bits);
    const aligned = spacing > 0 ? [this.ring_dword.part(0, spacing).any().not()] : [];
    const exists = this.count === 2 ** this.bits ? [] : [number.lt(this.count)];
    const rings = allOf([this.ring, this.ring_mask.any(), clearing.not(), ...aligned, ...exists]);
    const takes = allOf([this.take, queue.out.valid, clearing.not()]);
    const oldest = queue.out.payload;

    const same = takes.and(oldest.eq(number));
    const pending = this.rung.peek(number).ne(this.taken.peek(number)).and(same.not());
    queue.in.valid.set(rings.and(pending.not()));
    queue.in.put(number);
    // If its event is taken in this cycle, `taken` is about to become what `rung` is.
    const raised = mux(same, this.rung.peek(number), this.taken.peek(number)).not();
    when(clearing.or(rings), () => this.rung.write(mux(clearing, cleared, number), raised.and(clearing.not())));
    when(clearing.or(takes), () => this.taken.write(mux(clearing, cleared, oldest), this.rung.peek(oldest).and(clearing.not())));
    when(clearing.or(rings), () => {
      this.values.write(
        mux(clearing, cleared, number),
        mux(clearing, u(32, 0), this.ring_data),
        mux(clearing, u(4, 0b1111), this.ring_mask),
      );
    });
    queue.out.ready.set(takes.or(clearing));
    this.value.set(this.values.read(oldest, takes));
    when(rings.and(pending), () => this.again.set(this.again.addSat(1)));

    this.next_valid.set(queue.out.valid.and(clearing.not()));
    this.next.set(oldest);
    this.coalesced.set(this.again);
    this.was_reset.set(this.reset);
    when(clearing, () => {
      cleared.set(cleared.add(1));
      clearing.set(cleared.all().not());
    });
    when(this.reset.and(this.was_reset.not()), () => {
      clearing.set(1);
      cleared.set(0);
      this.again.set(0);
    });
    this.busy.set(clearing);
  }
}

function countOf({ count, stride }: DoorbellsParams): number {
  if (!Number.isInteger(count) || count < 1 || count > 4096)
    throw new HdlError(`there are ${count} doorbells`, { help: 'use 1 to 4096' });
  if (stride < 4 || !Number.isInteger(Math.log2(stride)))
    throw new HdlError(`doorbells stand ${stride} bytes apart`, { help: 'use a power of two of at least 4' });
  return count;
}
