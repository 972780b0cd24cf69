import { bool, cat, clog2, connect, decode, input, Module, mux, output, reg, stream, uint, when, wire } from '@hdl/ts-hdl';
import { FunctionState } from '../config/function-state.ts';
import { FirmwareEvent, FirmwareMap } from '../config/register-map.ts';
import { DmaCommand, DmaStatus, MoveCommand, MoveStatus, PostedDword } from './engine-command.ts';
import { DmaRegisters, MoveRegisters } from './engine-registers.ts';
import { FirmwareRequest } from './interfaces.ts';

/** Number of a register in the firmware's 64 KiB. */
const index = (offset: number): number => offset / 4;

/** Events that stay until they are cleared, from bit 1 upward; bit 0 follows the doorbells. */
const stickyEvents = Object.keys(FirmwareEvent).length - 1;

/**
 * The firmware port: all of `FirmwareMap` but the mailbox, for which it has a port. Writes take one cycle; one waits while the
 * link writes to the mailbox, or, of `post_data`, while the post before is not on its way. A read is answered 2 cycles after it
 * was taken, or as many later as the link reads the mailbox; the next one is taken when the answer is gone. `request.ready`
 * depends on the request; `response` and `interrupt` come from registers. `interrupt` is 1 while an enabled event is set, 1
 * cycle later. Reset clears events, enables and doorbells.
 */
export class FirmwareRegisters extends Module<{ doorbells: number; vectors: number; memory_bytes: number }> {
  readonly request = input(stream(FirmwareRequest));
  readonly response = output(stream(uint(32)));
  readonly interrupt = output(bool);
  readonly state = input(FunctionState);
  /** A bit per doorbell: it is rung in this cycle. */
  readonly ring = input(uint(this.p.doorbells));

  readonly mailbox_write = output(bool);
  readonly mailbox_read = output(bool);
  readonly mailbox_index = output(uint(8));
  readonly mailbox_data = output(uint(32));
  readonly mailbox_write_ready = input(bool);
  readonly mailbox_read_ready = input(bool);
  readonly mailbox_word = input(uint(32));

  readonly write_dma = output(DmaCommand);
  readonly write_dma_status = input(DmaStatus);
  readonly read_dma = output(DmaCommand);
  readonly read_dma_status = input(DmaStatus);
  readonly fill = output(MoveCommand);
  readonly fill_status = input(MoveStatus);
  readonly drain = output(MoveCommand);
  readonly drain_status = input(MoveStatus);

  readonly post = output(stream(PostedDword));
  readonly post_sent = input(bool);
  readonly trigger = output(bool);
  readonly trigger_vector = output(uint(clog2(this.p.vectors)));

  private readonly write_dma_registers = new DmaRegisters();
  private readonly read_dma_registers = new DmaRegisters();
  private readonly fill_registers = new MoveRegisters();
  private readonly drain_registers = new MoveRegisters();
  private readonly events = reg(uint(stickyEvents), { init: 0 });
  private readonly event_enable = reg(uint(stickyEvents + 1), { init: 0 });
  private readonly interrupt_level = reg(bool, { init: 0 });
  private readonly rung = reg(uint(this.p.doorbells), { init: 0 });
  private readonly post_target = reg(uint(64));
  private readonly clear_events = wire(uint(stickyEvents));
  private readonly clear_rung = wire(uint(this.p.doorbells));
  /** A read was taken in the cycle before: of the mailbox, or of what `value` holds now. */
  private readonly reading = reg(bool, { init: 0 });
  private readonly reading_mailbox = reg(bool);
  private readonly value = reg(uint(32));
  private readonly answer_valid = reg(bool, { init: 0 });
  private readonly answer = reg(uint(32));

  protected override logic() {
    const { request, rung } = this;
    const { write, address } = request.payload;
    const in_mailbox = address.part(10, 6).eq(FirmwareMap.mailbox >> 10);
    const post = address.part(2, 14).eq(index(FirmwareMap.post_data));
    const write_ready = in_mailbox.not().or(this.mailbox_write_ready).and(post.not().or(this.post.ready));
    const idle = this.reading.or(this.answer_valid).not();
    const read_ready = idle.and(in_mailbox.not().or(this.mailbox_read_ready));
    const reads = request.valid.and(write.not()).and(read_ready);
    request.ready.set(mux(write, write_ready, read_ready));

    this.mailbox_write.set(request.valid.and(write).and(in_mailbox));
    this.mailbox_read.set(request.valid.and(write.not()).and(idle).and(in_mailbox));
    this.mailbox_index.set(address.part(2, 8));
    this.mailbox_data.set(request.payload.data);
    this.post.valid.set(request.valid.and(write).and(post));
    this.post.put({ address: this.post_target, data: request.payload.data });

    this.engines();
    this.clear_events.set(0);
    this.clear_rung.set(0);
    this.trigger.set(0);
    this.trigger_vector.set(request.payload.data.trunc(clog2(this.p.vectors)));
    when(request.valid.and(write), () => this.writeRegister());

    this.reading.set(reads);
    when(reads, () => {
      this.reading_mailbox.set(in_mailbox);
      this.readRegister();
    });
    when(this.reading, () => {
      this.answer_valid.set(1);
      this.answer.set(this.value);
      when(this.reading_mailbox, () => this.answer.set(this.mailbox_word));
    }).elsewhen(this.response.ready, () => this.answer_valid.set(0));
    this.response.valid.set(this.answer_valid);
    this.response.put(this.answer);

    this.rung.set(rung.and(this.clear_rung.not()).or(this.ring));
    const engines = [this.write_dma_status, this.read_dma_status, this.fill_status, this.drain_status];
    const happened = cat(this.post_sent, ...engines.map(status => status.done).toReversed());
    this.events.set(this.events.and(this.clear_events.not()).or(happened));
    this.interrupt_level.set(this.allEvents().and(this.event_enable).any());
    this.interrupt.set(this.interrupt_level);
  }

  private allEvents() {
    return cat(this.events, this.rung.any());
  }

  /** Each engine's registers with their base. */
  private banks() {
    return [
      [FirmwareMap.write_dma, this.write_dma_registers],
      [FirmwareMap.read_dma, this.read_dma_registers],
      [FirmwareMap.fill, this.fill_registers],
      [FirmwareMap.drain, this.drain_registers],
    ] as const;
  }

  private engines() {
    const { valid, payload } = this.request;
    const to = (base: number) => ({
      write: valid.and(payload.write).and(payload.address.part(5, 11).eq(base >> 5)),
      index: payload.address.part(2, 3),
      data: payload.data,
    });
    connect(this.write_dma_registers, { ...to(FirmwareMap.write_dma), status: this.write_dma_status });
    connect(this.read_dma_registers, { ...to(FirmwareMap.read_dma), status: this.read_dma_status });
    connect(this.fill_registers, { ...to(FirmwareMap.fill), status: this.fill_status });
    connect(this.drain_registers, { ...to(FirmwareMap.drain), status: this.drain_status });
    this.write_dma.set(this.write_dma_registers.command);
    this.read_dma.set(this.read_dma_registers.command);
    this.fill.set(this.fill_registers.command);
    this.drain.set(this.drain_registers.command);
  }

  private writeRegister() {
    const { address, data } = this.request.payload;
    decode(address.part(2, 14), [
      [index(FirmwareMap.events), () => this.clear_events.set(data.part(1, stickyEvents))],
      [index(FirmwareMap.event_enable), () => this.event_enable.set(data.trunc(stickyEvents + 1))],
      [index(FirmwareMap.doorbell_pending), () => this.clear_rung.set(data.trunc(this.p.doorbells))],
      [index(FirmwareMap.post_low), () => this.post_target.set(cat(this.post_target.part(32, 32), data).as(64))],
      [index(FirmwareMap.post_high), () => this.post_target.set(cat(data, this.post_target.trunc(32)).as(64))],
      [index(FirmwareMap.msix_trigger), () => this.trigger.set(data.lt(this.p.vectors))],
    ]);
  }

  /** Takes the register at the request's address into `value`. */
  private readRegister() {
    const { state, value } = this;
    const { address } = this.request.payload;
    value.set(0);
    for (const [base, bank] of this.banks()) when(address.part(5, 11).eq(base >> 5), () => value.set(bank.value));
    decode(address.part(2, 14), [
      [index(FirmwareMap.events), () => value.set(this.allEvents().zext(32))],
      [index(FirmwareMap.event_enable), () => value.set(this.event_enable.zext(32))],
      [index(FirmwareMap.doorbell_pending), () => value.set(this.rung.zext(32))],
      [index(FirmwareMap.bar2_low), () => value.set(state.bar2.trunc(32))],
      [index(FirmwareMap.bar2_high), () => value.set(state.bar2.part(32, 32))],
      [index(FirmwareMap.memory_bytes), () => value.set(this.p.memory_bytes)],
      [index(FirmwareMap.function_state), () => value.set(cat(state.memory_enable, state.bus_master, state.id).zext(32))],
      [index(FirmwareMap.post_low), () => value.set(this.post_target.trunc(32))],
      [index(FirmwareMap.post_high), () => value.set(this.post_target.part(32, 32))],
    ]);
  }
}
