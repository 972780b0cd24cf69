import { bool, cat, input, Module, output, reg, stream, u, uint, when } from '@hdl/ts-hdl';
import { memoryFmt, TlpType, tlpBeat } from '../../tlp/tlp.ts';

/**
 * One posted write of one DW at a time, in a function's name, without relaxed ordering: an MSI-X message (6.1.4). 1 cycle from `in` to `tx`, which comes
 * from registers; a write per cycle. `in.ready` depends on `tx.ready`. Reset drops the write.
 */
export class DwordSender extends Module<{ width: number }> {
  readonly in_valid = input(bool);
  readonly in_ready = output(bool);
  readonly in_address = input(uint(64));
  readonly in_data = input(uint(32));
  /** Of the function. */
  readonly id = input(uint(16));
  readonly tx = output(stream(tlpBeat(this.p.width)));
  private readonly valid = reg(bool, { init: 0 });
  private readonly address = reg(uint(62));
  private readonly data = reg(uint(32));
  private readonly requester = reg(uint(16));

  protected override logic() {
    const advance = this.valid.not().or(this.tx.ready);
    this.in_ready.set(advance);
    when(advance, () => {
      this.valid.set(this.in_valid);
      this.address.set(this.in_address.part(2, 62));
      this.data.set(this.in_data);
      this.requester.set(this.id);
    });
    const address = cat(this.address, u(2, 0)).as(64);
    this.tx.valid.set(this.valid);
    this.tx.put({
      header: {
        fmt: memoryFmt(address, true),
        type: TlpType.memory,
        tc: 0,
        attr: 0,
        th: 0,
        td: 0,
        ep: 0,
        at: 0,
        length: 1,
        requester_id: this.requester,
        tag: 0,
        last_be: 0,
        first_be: 0b1111,
        address,
      },
      data: this.data.zext(this.p.width),
      first: 1,
      last: 1,
    });
  }
}
