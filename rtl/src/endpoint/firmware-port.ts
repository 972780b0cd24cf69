import {
  anyOf,
  Bundle,
  bool,
  cat,
  connect,
  input,
  Module,
  mux,
  output,
  RegisterSlice,
  reg,
  stream,
  type UInt,
  u,
  uint,
  vec,
  when,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';

/**
 * An access of the device's own processor; `address` is a byte address, bits 18:16 are the function. Reads are answered on the response stream, in order; writes
 * are not answered.
 */
export class FirmwareRequest extends Bundle({ write: bool, address: uint(19), data: uint(32) }) {}

/**
 * The firmware port: gives each access to the function that it names. A request passes a register slice, 1 cycle; then a write takes one cycle, and a read is
 * answered 2 cycles after it was made; the next read is made when the answer is gone. An access waits until its function is ready for it. Functions that do
 * not exist read 0 and ignore writes. All outputs but `access`, which depends on registers and on the slice, come from registers. Reset drops what is under way.
 */
export class FirmwarePort extends Module<{ readonly functions: number }> {
  readonly request = input(stream(FirmwareRequest));
  readonly response = output(stream(uint(32)));
  /** A bit per function: it is accessed; `ready`, in the same cycle: the access is made; `data`, one cycle later: what was read. */
  readonly access = output(uint(this.p.functions));
  readonly access_write = output(bool);
  readonly access_address = output(uint(16));
  readonly access_value = output(uint(32));
  readonly ready = input(uint(this.p.functions));
  readonly data = input(vec(this.p.functions, uint(32)));
  private readonly slice = new RegisterSlice({ type: FirmwareRequest });
  private readonly reading = reg(bool, { init: 0 });
  private readonly named = reg(uint(3));
  private readonly answer_valid = reg(bool, { init: 0 });
  private readonly answer = reg(uint(32));

  protected override logic() {
    const { slice, reading, answer_valid } = this;
    const { write, address, data } = slice.out.payload;
    const number = address.part(16, 3);
    const idle = reading.or(answer_valid).not();
    const may = write.or(idle);
    const named = Array.from({ length: this.p.functions }, (_, f) => number.eq(f));
    connect(slice, { in: this.request });
    const asked = slice.out.valid.and(may);
    const refused = anyOf(named.map((named, f) => named.and(this.ready.bit(f).not())));
    this.access.set(cat(...named.map(named => named.and(asked)).toReversed()));
    this.access_write.set(write);
    this.access_address.set(address.trunc(16));
    this.access_value.set(data);
    slice.out.ready.set(may.and(refused.not()));

    reading.set(slice.out.valid.and(write.not()).and(idle).and(refused.not()));
    this.named.set(number);
    when(reading, () => {
      answer_valid.set(1);
      const words = Array.from({ length: this.p.functions }, (_, f) => mux(this.named.eq(f), at(this.data, f), u(32, 0)));
      this.answer.set(words.reduce<UInt<32>>((a, b) => a.or(b), u(32, 0)));
    }).elsewhen(this.response.ready, () => answer_valid.set(0));
    this.response.valid.set(answer_valid);
    this.response.put(this.answer);
  }
}
