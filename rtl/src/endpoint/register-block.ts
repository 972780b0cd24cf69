import {
  bool,
  connect,
  HdlError,
  input,
  Module,
  output,
  RegisterSlice,
  reg,
  stream,
  type UInt,
  u,
  uint,
  when,
  wire,
} from '@hdl/ts-hdl';
import { FunctionState } from '../config/function-state.ts';
import { Bar0, identification } from '../config/register-map.ts';
import { DmaCommand, DmaStatus, MoveCommand, MoveStatus, PostedDword } from './engine-command.ts';
import { FirmwareRegisters } from './firmware-registers.ts';
import { FirmwareRequest, RegisterWrite } from './interfaces.ts';
import { Mailbox } from './mailbox.ts';
import { Msix } from './msix.ts';

/** What `RegisterBlock` is made of. */
export interface RegisterBlockParams {
  /** Bytes of BAR memory, as the registers show it; less than 2^32. */
  readonly memory_bytes: number;
  /** 1 to 32. */
  readonly doorbells: number;
  /** MSI-X vectors, 1 to 32. */
  readonly vectors: number;
}

/**
 * BAR0 (`Bar0` of the register map) and the firmware port (`FirmwareMap`).
 *
 *     register_write, register_valid ─► decode ─┬─► Mailbox ◄─┐
 *                                               ├─► Msix ◄────┤ FirmwareRegisters ◄─► firmware port
 *                                               └─► doorbells ┘         ▲▼ engines, post
 *
 * `register_write` is always ready, one per cycle; it is visible to a read of the next cycle. `register_data` is valid exactly
 * 2 cycles after the pulse `register_valid`; one read per cycle. The firmware port: see `FirmwareRegisters`; its requests pass
 * a register slice, 1 cycle more. `post` depends on registers and on the slice; all other outputs come from registers.
 */
export class RegisterBlock extends Module<RegisterBlockParams> {
  readonly state = input(FunctionState);
  readonly register_write = input(stream(RegisterWrite));
  readonly register_valid = input(bool);
  readonly register_address = input(uint(14));
  readonly register_data = output(uint(32));

  readonly firmware_request = input(stream(FirmwareRequest));
  readonly firmware_response = output(stream(uint(32)));
  readonly firmware_interrupt = output(bool);

  readonly write_dma = output(DmaCommand);
  readonly write_dma_status = input(DmaStatus);
  readonly read_dma = output(DmaCommand);
  readonly read_dma_status = input(DmaStatus);
  readonly fill = output(MoveCommand);
  readonly fill_status = input(MoveStatus);
  readonly drain = output(MoveCommand);
  readonly drain_status = input(MoveStatus);

  /** Posted writes of the firmware, and the pulse that one is on its way. */
  readonly post = output(stream(PostedDword));
  readonly post_sent = input(bool);
  /** MSI-X messages. */
  readonly message = output(stream(PostedDword));

  private readonly request_slice = new RegisterSlice({ type: FirmwareRequest });
  private readonly mailbox = new Mailbox();
  private readonly msix = new Msix({ vectors: this.p.vectors });
  private readonly firmware_registers = new FirmwareRegisters(this.p);
  private readonly ring = wire(uint(this.p.doorbells));
  /** The read of the cycle before: where it went, and its value if it was none of the memories. */
  private readonly from_mailbox = reg(bool);
  private readonly from_table = reg(bool);
  private readonly value = reg(uint(32));
  private readonly data = reg(uint(32));

  protected override logic() {
    const { doorbells, memory_bytes } = this.p;
    if (doorbells < 1 || doorbells > 32) throw new HdlError(`an endpoint has 1 to 32 doorbells, not ${doorbells}`);
    if (!Number.isInteger(memory_bytes) || memory_bytes < 0 || memory_bytes >= 2 ** 32)
      throw new HdlError(`the BAR memory has less than 2^32 bytes, not ${memory_bytes}`);
    const { state } = this;
    const { address, data, mask } = this.register_write.payload;
    const written = this.register_write.valid;
    const write = regions(address, this.p);
    const read = regions(this.register_address, this.p);

    this.register_write.ready.set(1);
    this.ring.set(0);
    when(written.and(write.doorbell).and(mask.any()), () => this.ring.set(u(doorbells, 1).shl(address.part(2, 10))));

    connect(this.request_slice, { in: this.firmware_request });
    connect(this.mailbox, {
      link_write: written.and(write.mailbox),
      link_write_index: address.part(2, 8),
      link_data: data,
      link_mask: mask,
      link_read: this.register_valid.and(read.mailbox),
      link_read_index: this.register_address.part(2, 8),
      firmware_write: this.firmware_registers.mailbox_write,
      firmware_read: this.firmware_registers.mailbox_read,
      firmware_index: this.firmware_registers.mailbox_index,
      firmware_data: this.firmware_registers.mailbox_data,
    });
    connect(this.msix, {
      write: written.and(write.table),
      write_index: address.part(2, this.msix.write_index.width),
      write_data: data,
      write_mask: mask,
      read: this.register_valid.and(read.table),
      read_index: this.register_address.part(2, this.msix.read_index.width),
      trigger: this.firmware_registers.trigger,
      trigger_vector: this.firmware_registers.trigger_vector,
      enable: state.msix_enable.and(state.msix_mask.not()).and(state.bus_master),
    });
    connect(this.firmware_registers, {
      request: this.request_slice.out,
      state,
      ring: this.ring,
      mailbox_write_ready: this.mailbox.firmware_write_ready,
      mailbox_read_ready: this.mailbox.firmware_read_ready,
      mailbox_word: this.mailbox.word,
      write_dma_status: this.write_dma_status,
      read_dma_status: this.read_dma_status,
      fill_status: this.fill_status,
      drain_status: this.drain_status,
      post_sent: this.post_sent,
    });
    this.firmware_response.from(this.firmware_registers.response);
    this.firmware_interrupt.set(this.firmware_registers.interrupt);
    this.write_dma.set(this.firmware_registers.write_dma);
    this.read_dma.set(this.firmware_registers.read_dma);
    this.fill.set(this.firmware_registers.fill);
    this.drain.set(this.firmware_registers.drain);
    this.post.from(this.firmware_registers.post);
    this.message.from(this.msix.message);

    when(this.register_valid, () => {
      this.from_mailbox.set(read.mailbox);
      this.from_table.set(read.table);
      this.value.set(0);
      when(this.at(Bar0.id), () => this.value.set(identification));
      when(this.at(Bar0.memory_bytes), () => this.value.set(memory_bytes));
      when(this.at(Bar0.doorbell_count), () => this.value.set(doorbells));
      when(this.at(Bar0.msix_pending), () => this.value.set(this.msix.pending.zext(32)));
    });
    this.data.set(this.value);
    when(this.from_mailbox, () => this.data.set(this.mailbox.word));
    when(this.from_table, () => this.data.set(this.msix.table_word));
    this.register_data.set(this.data);
  }

  /** The register at a byte offset is read. */
  private at(offset: number) {
    return this.register_address.part(2, 12).eq(offset / 4);
  }
}

/** Which of the regions of BAR0 an address lies in. */
function regions(address: UInt<14>, p: RegisterBlockParams) {
  const page = address.part(12, 2);
  const register = address.part(2, 10);
  return {
    mailbox: address.part(10, 4).eq(Bar0.mailbox >> 10),
    doorbell: page.eq(Bar0.doorbell >> 12).and(register.lt(p.doorbells)),
    table: page.eq(Bar0.msix_table >> 12).and(register.lt(4 * p.vectors)),
  };
}
