import { assert, bool, clog2, HdlError, input, Module, mux, output, reg, u, uint, when } from '@hdl/ts-hdl';
import type { ClassCredits } from './fc-update.ts';

/**
 * The receiver's credits of one class (2.6.1.2): what the sender may still use, what became free since it was told, and whether it has to be told now. An
 * update is due
 * - at once if the sender may be waiting: it has no header left, or less data than a TLP of `payload` data credits;
 * - once half of the headers or of the data is free;
 * - at a `refresh`, whether anything became free or not (C70b; an update can be lost on a link).
 *
 * An update is due 2 cycles after the TLP that it tells of was taken; it carries what became free up to the cycle in which it goes out. Reset gives the sender all credits, as the InitFC packets say.
 */
export class CreditAllocator extends Module<ClassCredits & { readonly payload: number }> {
  /** A TLP begins to arrive, and its data credits. */
  readonly arrives = input(bool);
  readonly arrives_data = input(uint(9));
  /** A TLP has left the buffer, and its data credits. */
  readonly leaves = input(bool);
  readonly leaves_data = input(uint(9));
  readonly refresh = input(bool);
  /** Gives the sender all credits again, as a reset does: the link is down. */
  readonly restart = input(bool);
  /** The update that stands at the outputs goes out. */
  readonly take = input(bool);
  readonly due = output(bool);
  /** CREDITS_ALLOCATED modulo 2^8 and 2^12. */
  readonly headers = output(uint(8));
  readonly data = output(uint(12));
  /** The arriving TLP is beyond what the sender was given (C70e): it takes no credits, and must not enter the buffer. */
  readonly overflow = output(bool);

  private readonly header_bits = clog2(this.p.headers + 1);
  private readonly data_bits = Math.max(clog2(this.p.data + 1), 9);
  /** What the sender may still use. */
  private readonly headers_left = reg(uint(this.header_bits), { init: this.p.headers });
  private readonly data_left = reg(uint(this.data_bits), { init: this.p.data });
  /** What became free since the last update. */
  private readonly headers_freed = reg(uint(this.header_bits), { init: 0 });
  private readonly data_freed = reg(uint(this.data_bits), { init: 0 });
  /** What the sender was told last. */
  private readonly headers_told = reg(uint(8), { init: this.p.headers });
  private readonly data_told = reg(uint(12), { init: this.p.data });
  private readonly refreshes = reg(bool, { init: 0 });
  private readonly update_due = reg(bool, { init: 0 });

  protected override logic() {
    const { headers, data, payload } = this.p;
    if (headers < 1 || headers > 127) throw new HdlError(`a class has 1 to 127 header credits, not ${headers}`);
    if (data < 1 || data > 2047) throw new HdlError(`a class has 1 to 2,047 data credits, not ${data}`);
    const { take, headers_left, data_left, headers_freed, data_freed, headers_told, data_told } = this;
    const arrives_data = this.arrives_data.zext(this.data_bits);
    const too_much = headers_left.any().not().or(data_left.lt(arrives_data));
    const enters = this.arrives.and(too_much.not());
    this.overflow.set(this.arrives.and(too_much));

    const headers_granted = mux(take, headers_freed, 0);
    const data_granted = mux(take, data_freed, 0);
    const freed_data = mux(this.leaves, this.leaves_data.zext(this.data_bits), 0);
    headers_left.set(headers_left.add(headers_granted).sub(enters.zext(this.header_bits)));
    data_left.set(data_left.add(data_granted).sub(mux(enters, arrives_data, 0)));
    headers_freed.set(headers_freed.sub(headers_granted).add(this.leaves.zext(this.header_bits)));
    data_freed.set(data_freed.sub(data_granted).add(freed_data));

    const some = headers_freed.any().or(data_freed.any());
    const waits = headers_left
      .any()
      .not()
      .or(data_left.lt(Math.min(payload, data)));
    const half = headers_freed.ge(Math.ceil(headers / 2)).or(data_freed.ge(Math.ceil(data / 2)));
    // In the cycle of an update the registers do not show yet what it has told.
    this.update_due.set(mux(take, u(1, 0), this.refreshes.or(some.and(waits.or(half)))));
    this.due.set(this.update_due);
    when(this.refresh, () => this.refreshes.set(1)).elsewhen(take, () => this.refreshes.set(0));

    this.headers.set(headers_told.add(headers_freed.zext(8)));
    this.data.set(data_told.add(data_freed.zext(12)));
    when(take, () => {
      headers_told.set(this.headers);
      data_told.set(this.data);
    });
    when(this.restart, () => {
      headers_left.set(headers);
      data_left.set(data);
      headers_freed.set(0);
      data_freed.set(0);
      headers_told.set(headers);
      data_told.set(data);
      this.refreshes.set(0);
      this.update_due.set(0);
    });
    const known = headers_left.zext(9).add(headers_freed.zext(9)).le(headers);
    const known_data = data_left.zext(13).add(data_freed.zext(13)).le(data);
    assert(known.and(known_data), 'more credits come back than there are');
  }
}
