import { bool, cat, decode, input, Module, output, reg, uint, when } from '@hdl/ts-hdl';
import { Engine } from '../config/register-map.ts';
import { DmaCommand, DmaStatus, MoveCommand, MoveStatus } from './engine-command.ts';

/** Number of a register of `Engine`. */
const index = (offset: number): number => offset / 4;

/**
 * The registers of a DMA engine (`Engine` of the register map). A write takes effect in the next cycle, and a write of
 * `control` with bit 0 gives a start pulse there; `value` is the register at `index`, combinationally. A run shows as busy from
 * its start pulse until after its done pulse, so that an engine seen idle has set its event. Reset stops a start; the other
 * registers are unknown then.
 */
export class DmaRegisters extends Module {
  readonly write = input(bool);
  readonly index = input(uint(3));
  readonly data = input(uint(32));
  readonly value = output(uint(32));
  readonly command = output(DmaCommand);
  readonly status = input(DmaStatus);
  private readonly address_low = reg(uint(32));
  private readonly address_high = reg(uint(32));
  private readonly offset = reg(uint(32));
  private readonly length = reg(uint(32));
  private readonly memory = reg(bool);
  private readonly start = reg(bool, { init: 0 });

  protected override logic() {
    const { data, status } = this;
    this.start.set(0);
    when(this.write, () => {
      decode(this.index, [
        [index(Engine.address_low), () => this.address_low.set(data)],
        [index(Engine.address_high), () => this.address_high.set(data)],
        [index(Engine.offset), () => this.offset.set(data)],
        [index(Engine.length), () => this.length.set(data)],
        [
          index(Engine.control),
          () => {
            this.start.set(data.bit(0));
            this.memory.set(data.bit(1));
          },
        ],
      ]);
    });
    const busy = status.busy.or(status.done).or(this.start);
    this.value.set(0);
    decode(this.index, [
      [index(Engine.address_low), () => this.value.set(this.address_low)],
      [index(Engine.address_high), () => this.value.set(this.address_high)],
      [index(Engine.offset), () => this.value.set(this.offset)],
      [index(Engine.length), () => this.value.set(this.length)],
      [index(Engine.control), () => this.value.set(this.memory.zext(32).shl(1))],
      [index(Engine.status), () => this.value.set(cat(status.result, busy).zext(32))],
    ]);
    this.command.set({
      start: this.start,
      address: cat(this.address_high, this.address_low).as(64),
      offset: this.offset,
      length: this.length,
      memory: this.memory,
    });
  }
}

/** The registers of a local mover: as `DmaRegisters`, without an address and with the status always a success. */
export class MoveRegisters extends Module {
  readonly write = input(bool);
  readonly index = input(uint(3));
  readonly data = input(uint(32));
  readonly value = output(uint(32));
  readonly command = output(MoveCommand);
  readonly status = input(MoveStatus);
  private readonly offset = reg(uint(32));
  private readonly length = reg(uint(32));
  private readonly start = reg(bool, { init: 0 });

  protected override logic() {
    const { data, status } = this;
    this.start.set(0);
    when(this.write, () => {
      decode(this.index, [
        [index(Engine.offset), () => this.offset.set(data)],
        [index(Engine.length), () => this.length.set(data)],
        [index(Engine.control), () => this.start.set(data.bit(0))],
      ]);
    });
    const busy = status.busy.or(status.done).or(this.start);
    this.value.set(0);
    decode(this.index, [
      [index(Engine.offset), () => this.value.set(this.offset)],
      [index(Engine.length), () => this.value.set(this.length)],
      [index(Engine.status), () => this.value.set(busy.zext(32))],
    ]);
    this.command.set({ start: this.start, offset: this.offset, length: this.length });
  }
}
