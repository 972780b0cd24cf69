import { bool, cat, input, Module, mux, output, reg, select, stream, type UInt, u, uint, vec, when } from '@hdl/ts-hdl';
import { configFields, hasData } from '../../tlp/tlp.ts';
import { resultBits } from './completion-builder.ts';
import { Action, PlacedRequest } from './interfaces.ts';

/**
 * Performs configuration requests, reads of registers and AtomicOps, one at a time, and keeps the result (DW 0 lowest) until the next one.
 *
 * The configuration spaces answer 1 cycle after the pulse `config_valid`, the registers 2 cycles after `register_valid`, always; the BAR memory when it has
 * performed the AtomicOp. `done` is 1 in the cycle before the result is complete: 1 cycle after `in` for a configuration request, 2 for a register, 1 more for a
 * second DW, 4 for an AtomicOp (6 for two words of 64 bits). Outputs come from registers, but for `done`, `atomic` and `result`, where what arrives shows at
 * once. A function may begin a reset behind the request's back, and then takes no access: `retry` says so. Reset drops the request under way.
 */
export class RegisterAccess extends Module<{ readonly functions: number }> {
  /** Functions whose configuration space takes no access in this cycle. */
  readonly unready = input(uint(this.p.functions));
  readonly in = input(stream(PlacedRequest));
  readonly config_valid = output(bool);
  readonly config_function = output(uint(3));
  readonly config_write = output(bool);
  readonly config_register = output(uint(10));
  readonly config_data = output(uint(32));
  readonly config_mask = output(uint(4));
  /** {bus, device, function} that the request was sent to; the function captures it from a write (C24). */
  readonly config_id = output(uint(16));
  readonly config_read_data = input(uint(32));
  readonly register_valid = output(bool);
  readonly register_function = output(uint(3));
  /** Byte address, bits 1:0 are 0. */
  readonly register_address = output(uint(32));
  readonly register_data = input(uint(32));
  /** The BAR memory has performed the AtomicOp. */
  readonly atomic_valid = input(bool);
  readonly atomic_result = input(uint(resultBits));
  readonly done = output(bool);
  readonly result = output(uint(resultBits));
  /** With `done`, and until the next one: the configuration space did not take the access (C86). */
  readonly retry = output(bool);
  private readonly active = reg(bool, { init: 0 });
  private readonly action = reg(uint(3));
  private readonly owner = reg(uint(3));
  private readonly write = reg(bool);
  private readonly data = reg(uint(32));
  private readonly mask = reg(uint(4));
  private readonly id = reg(uint(16));
  private readonly address = reg(uint(30));
  /** A DW is asked for in this cycle; another one follows. */
  private readonly asking = reg(bool, { init: 0 });
  private readonly more = reg(bool);
  private readonly second = reg(bool);
  /** What was asked 1 and 2 cycles ago, and whether it was the second DW, or the last. */
  private readonly asked = reg(vec(2, bool), { init: 0 });
  private readonly asked_second = reg(vec(2, bool));
  private readonly asked_last = reg(bool);
  private readonly held = reg(uint(resultBits));
  private readonly retried = reg(bool);

  protected override logic() {
    const { asking, asked, asked_second, held } = this;
    const [asked1 = asking, asked2 = asking] = asked;
    const [second1 = asking, second2 = asking] = asked_second;
    const config = this.action.eq(Action.config);
    const registers = this.action.eq(Action.registers);

    this.in.ready.set(this.active.not());
    when(this.in.fire, () => this.load());
    asked1.set(asking);
    asked2.set(asked1.and(registers));
    second1.set(this.second);
    second2.set(second1);
    this.asked_last.set(this.more.not());
    when(asking, () => {
      asking.set(this.more);
      this.more.set(0);
      this.second.set(1);
      this.address.set(this.address.add(1));
    });

    const arrives = mux(config, asked1, asked2);
    const into_second = mux(config, u(1, 0), second2);
    const value = mux(config, this.config_read_data, this.register_data);
    const dw = (i: number, here: UInt<1>): UInt<32> => mux(arrives.and(here), value, held.part(32 * i, 32));
    const shown = cat(held.part(64, 64), dw(1, into_second), dw(0, into_second.not())).as(resultBits);
    const done = mux(config, asking, mux(registers, asked1.and(this.asked_last), this.active.and(this.atomic_valid)));
    held.set(mux(this.active.and(this.atomic_valid), this.atomic_result, shown));
    when(done, () => this.active.set(0));
    this.done.set(done);
    this.result.set(shown);

    const unready = select(this.owner, this.unready.words(1));
    when(asking.and(config), () => this.retried.set(unready));
    this.retry.set(mux(asking.and(config), unready, this.retried));

    this.config_valid.set(asking.and(config));
    this.config_function.set(this.owner);
    this.config_write.set(this.write);
    this.config_register.set(this.address.trunc(10));
    this.config_data.set(this.data);
    this.config_mask.set(this.mask);
    this.config_id.set(this.id);
    this.register_valid.set(asking.and(registers));
    this.register_function.set(this.owner);
    this.register_address.set(this.address.cat(u(2, 0)));
  }

  private load(): void {
    const { header, action, data, offset, function: number } = this.in.payload;
    const config = action.eq(Action.config);
    this.active.set(1);
    this.action.set(action);
    this.owner.set(number);
    this.asking.set(action.ne(Action.atomic));
    this.write.set(hasData(header));
    this.data.set(data.trunc(32));
    this.mask.set(header.first_be);
    this.id.set(header.address.part(16, 16));
    this.address.set(mux(config, configFields(header).register.zext(30), offset.part(2, 30)));
    this.more.set(action.eq(Action.registers).and(header.length.eq(2)));
    this.second.set(0);
    this.retried.set(0);
  }
}
