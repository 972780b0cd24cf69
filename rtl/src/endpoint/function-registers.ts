import {
  allOf,
  anyOf,
  type Bool,
  Bundle,
  bool,
  cat,
  clog2,
  connect,
  input,
  Module,
  mux,
  output,
  PriorityArbiter,
  RegisterFile,
  reg,
  stream,
  type UInt,
  u,
  uint,
  unpack,
  when,
  wire,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { endpointIdentification, firmwareMailboxOffset, functionFirmwareMap } from '../config/endpoint-maps.ts';
import { firmwareRegisterBytes } from '../config/engine-map.ts';
import { functionControls } from '../config/function-controls.ts';
import { TlpHeader, tlpBeat } from '../tlp/tlp.ts';
import { resized } from './dma/read-requester.ts';
import type { EndpointFunction } from './endpoint-params.ts';
import { Mailbox } from './mailbox.ts';
import type { ByteRange } from './register-layout.ts';
import { Doorbells, doorbellBytes } from './registers/doorbells.ts';
import { DwordSender } from './registers/dword-sender.ts';
import { Msix } from './registers/msix.ts';

/** Pulses: what engines have to tell the firmware. */
export class EngineEvents extends Bundle({
  write_dma: bool,
  read_dma: bool,
  fill: bool,
  drain: bool,
  channel: bool,
  atomic: bool,
}) {}

/** Events in the order of their bits. */
const eventNames = [
  'doorbell',
  'write_dma',
  'read_dma',
  'fill',
  'drain',
  'post',
  'function_reset',
  'mailbox',
  'channel',
  'atomic',
] as const;

export interface FunctionRegistersParams {
  readonly width: number;
  /** BARs of `functionControls`. */
  readonly bars: number;
  readonly function: EndpointFunction;
}

/**
 * The registers of one function: those that the host and peers see (`RegisterLayout`), and those that the firmware sees (`functionFirmwareMap`, and the
 * mailbox at `firmwareMailboxOffset`).
 *
 *     write, read ─┬─► Mailbox ◄──────────┬─ firmware access
 *                  ├─► Doorbells ─────────┤
 *                  └─► Msix ◄── raise ────┤ RegisterFile ─► post (DwordSender) ─┐
 *                        └─────────────────────────────────────────────────────┴─► posted
 *
 * The host's side takes a write and a read per cycle. A write shows in a read of the next cycle; `read_data` is there 1 cycle after `read`.
 * An access of the firmware is made in the cycle in which `access` and `access_ready`, which depends on the access and on the host's side, are 1; `access_data`
 * is there in the next one. It waits while the link uses the mailbox, and a write to the `post` registers while a post is under way.
 *
 * A post leaves 2 cycles after it was written, and before messages that are triggered after it. One that meets bus mastering off is dropped (C81), which
 * its event tells like a success. `raise` triggers an interrupt vector too, and waits for the firmware's.
 *
 * Hidden parts of the mailbox show from the cycle after their bit was written.
 *
 * A reset of the function (C84) empties doorbells and MSI-X and clears `mailbox_written`; the firmware's enables and events and the mailbox's bytes stay.
 * `quiet`: nothing of it is under way. `rst` resets all but the mailbox's bytes. All outputs but `access_ready` and `raise.ready` come from registers.
 */
export class FunctionRegisters extends Module<FunctionRegistersParams> {
  private readonly layout = this.p.function.registers ?? {};
  private readonly requester = this.p.function.config.requester ?? true;
  private readonly space = clog2(
    Math.max(4096, ...this.p.function.map.map(bar => (bar?.to === 'registers' ? bar.base + bar.bytes : 0))),
  );
  private readonly memory_bar = this.p.function.map.findIndex(bar => bar?.to === 'memory');
  readonly controls = input(functionControls(this.p.bars));
  readonly write = input(bool);
  readonly write_address = input(uint(32));
  readonly write_data = input(uint(32));
  readonly write_mask = input(uint(4));
  readonly read = input(bool);
  readonly read_address = input(uint(32));
  readonly read_data = output(uint(32));

  readonly access = input(bool);
  readonly access_write = input(bool);
  readonly access_address = input(uint(16));
  readonly access_value = input(uint(32));
  readonly access_ready = output(bool);
  readonly access_data = output(uint(32));
  readonly engine_events = input(EngineEvents);
  readonly interrupt = output(bool);

  /** Interrupt vectors of the DMA channel. */
  readonly raise = input(stream(uint(11)));
  readonly posted = output(stream(tlpBeat(this.p.width)));
  readonly quiet = output(bool);

  private readonly map = functionFirmwareMap({
    memory_bytes: this.p.function.map[this.memory_bar]?.bytes ?? 0,
    doorbells: this.layout.doorbells !== undefined,
    interrupts: this.layout.msix !== undefined,
    requester: this.requester,
    mailbox_bytes: this.layout.mailbox?.bytes ?? 0,
  });
  private readonly registers = new RegisterFile({ map: this.map });
  private readonly mailbox = this.layout.mailbox && new Mailbox({ dwords: this.layout.mailbox.bytes / 4 });
  private readonly doorbells = this.layout.doorbells && new Doorbells(this.layout.doorbells);
  private readonly msix = this.layout.msix && new Msix({ width: this.p.width, vectors: this.layout.msix.vectors });
  private readonly post = this.requester ? new DwordSender({ width: this.p.width }) : undefined;
  private readonly messages =
    this.requester && this.layout.msix ? new PriorityArbiter({ n: 2, type: tlpBeat(this.p.width) }) : undefined;
  private readonly post_tx = wire(stream(tlpBeat(this.p.width)));
  private readonly posting = reg(bool, { init: 0 });
  private readonly triggering = reg(bool, { init: 0 });
  private readonly setting = reg(bool, { init: 0 });
  private readonly was_resetting = reg(bool, { init: 0 });
  private readonly interrupt_level = reg(bool, { init: 0 });
  /** The bits that show parts of the mailbox. */
  private readonly shown = (this.layout.mailbox?.hidden ?? []).map(() => reg(bool, { init: 0 }));
  /** Of the host's read before: where it went; of the firmware's. */
  private readonly from_mailbox = reg(bool, { init: 0 });
  private readonly from_msix = reg(bool, { init: 0 });
  private readonly value = reg(uint(32));
  private readonly access_mailbox = reg(bool, { init: 0 });
  private readonly access_register = reg(bool, { init: 0 });

  protected override logic() {
    const { controls, posting, post } = this;
    const busy = anyOf([
      posting,
      ...(post ? [post.tx.valid] : []),
      ...(this.msix ? [this.msix.busy] : []),
      ...(this.doorbells ? [this.doorbells.busy] : []),
    ]);
    this.quiet.set(busy.not());
    this.was_resetting.set(controls.resetting);
    this.serveFirmware();
    this.serveHost();
    this.sendPosts();
    this.sendMessages();
  }

  private serveFirmware(): void {
    const { access, access_write: write, access_address: address, mailbox, registers, post, posting } = this;
    const { mailbox_written } = registers.values;
    const window = this.layout.mailbox?.bytes ?? 4;
    const mailboxBits = Math.log2(window);
    const in_mailbox = mailbox ? address.part(mailboxBits, 16 - mailboxBits).eq(firmwareMailboxOffset(window) / window) : u(1, 0);
    const in_registers = address.part(10, 6).eq(0);
    const to_post = in_registers.and(address.part(4, 6).eq(0x180 / 16)).and(write);
    const posts = post ? to_post.and(posting.or(post.tx.valid)) : u(1, 0);
    const mailbox_ready = mailbox
      ? in_mailbox.not().or(mux(write, mailbox.firmware_write_ready, mailbox.firmware_read_ready))
      : u(1, 1);
    const ready = mailbox_ready.and(posts.not());
    this.access_ready.set(ready);
    this.access_mailbox.set(in_mailbox);
    this.access_register.set(in_registers);
    const register = mux(this.access_register, registers.read_data, u(32, 0));
    this.access_data.set(mailbox ? mux(this.access_mailbox, mailbox.word, register) : register);

    const { engine_events, controls, doorbells } = this;
    const memory = this.memory_bar < 0 ? u(64, 0) : at(controls.bars, this.memory_bar).base;
    const begins = controls.resetting.and(this.was_resetting.not());
    connect(registers, {
      access_valid: allOf([access, ready, in_registers]),
      access_write: write,
      access_register: address.part(2, Math.log2(firmwareRegisterBytes / 4)),
      access_data: this.access_value,
      access_mask: 0b1111,
      soft_reset: begins,
      warm_reset: 0,
      status: {
        events: {
          ...fieldsOf(engine_events),
          doorbell: doorbells?.next_valid ?? u(1, 0),
          mailbox: mailbox_written.ranges.any(),
          post: this.posted_one(),
          function_reset: begins,
        },
        doorbell_next: {
          doorbell: doorbells ? mux(doorbells.next_valid, resized(doorbells.next, 16).as(16), u(16, 0)) : u(16, 0),
          valid: doorbells?.next_valid ?? u(1, 0),
        },
        doorbell_value: { value: doorbells?.value ?? u(32, 0) },
        memory_low: { value: memory.trunc(32) },
        memory_high: { value: memory.part(32, 32) },
        function_state: {
          id: controls.id,
          bus_master: controls.bus_master,
          memory_enable: controls.memory_enable,
          resetting: controls.resetting,
        },
        doorbell_coalesced: { count: doorbells?.coalesced ?? u(16, 0) },
        mailbox_written: { ranges: this.told() },
      },
    });
    const { events, event_enable } = registers.values;
    const set = eventNames.map(name => {
      if (name === 'doorbell') return doorbells?.next_valid ?? u(1, 0);
      return name === 'mailbox' ? mailbox_written.ranges.any() : events[name];
    });
    this.interrupt_level.set(anyOf(eventNames.map((name, i) => at(set, i).and(event_enable[name]))));
    this.interrupt.set(this.interrupt_level);
    if (mailbox)
      connect(mailbox, {
        ...this.mailboxOfHost(),
        firmware_write: allOf([access, write, in_mailbox]),
        firmware_read: allOf([access, write.not(), in_mailbox]),
        firmware_index: address.part(2, mailboxBits - 2),
        firmware_data: this.access_value,
      });
    if (mailbox) this.show(allOf([access, write, in_mailbox, mailbox.firmware_write_ready]), address.part(2, mailboxBits - 2));
  }

  /** Keeps the bits that show parts of the mailbox; `firmware`: it writes to this DW of the mailbox. */
  private show(firmware: Bool, index: UInt<number>): void {
    const { offset: base = 0, hidden = [] } = this.layout.mailbox ?? {};
    hidden.forEach(({ shown_by, bit }, i) => {
      const shown = at(this.shown, i);
      const host = this.mailboxOfHost().link_write.and(this.within(this.write_address, { offset: shown_by, bytes: 4 }).hit);
      when(host, () => when(this.write_mask.bit(bit >> 3), () => shown.set(this.write_data.bit(bit)))).elsewhen(
        firmware.and(index.eq((shown_by - base) / 4)),
        () => shown.set(this.access_value.bit(bit)),
      );
    });
  }

  /** The host's side of the mailbox. */
  private mailboxOfHost() {
    const range = this.layout.mailbox ?? { offset: 0, bytes: 8 };
    const write = this.within(this.write_address, range);
    const read = this.within(this.read_address, range);
    return {
      link_write: allOf([this.write, write.hit, this.protects().not()]),
      link_write_index: write.dword,
      link_data: this.write_data,
      link_mask: this.write_mask,
      link_read: this.read.and(read.hit),
      link_read_index: read.dword,
    };
  }

  /** The host must not write there. */
  private protects(): Bool {
    const ranges = this.layout.mailbox?.read_only ?? [];
    return anyOf([u(1, 0), ...ranges.map(range => this.within(this.write_address, range).hit)]);
  }

  /** Ranges of the mailbox that the host writes to in this cycle, of those that tell. */
  private told(): UInt<32> {
    const ranges = this.layout.mailbox?.events ?? [];
    const written = allOf([this.write, this.write_mask.any(), this.protects().not()]);
    const bits = ranges.map(range => written.and(this.within(this.write_address, range).hit));
    return (bits.length === 0 ? u(32, 0) : cat(...bits.toReversed()).zext(32)).as(32);
  }

  private serveHost(): void {
    const { layout, mailbox, doorbells, msix, write_address, read_address } = this;
    const asked = (range: ByteRange) => this.read.and(this.within(read_address, range).hit);
    this.value.set(0);
    if (layout.identification !== undefined) {
      const { count, stride } = layout.doorbells ?? { count: 0, stride: 0 };
      const words = [endpointIdentification, this.p.function.map[this.memory_bar]?.bytes ?? 0, stride * 2 ** 16 + count];
      words.forEach((word, i) => {
        when(asked({ offset: (layout.identification ?? 0) + 4 * i, bytes: 4 }), () => this.value.set(word));
      });
    }
    const hidden = (layout.mailbox?.hidden ?? []).map((range, i) => asked(range).and(at(this.shown, i).not()));
    this.from_mailbox.set(layout.mailbox ? asked(layout.mailbox).and(anyOf([u(1, 0), ...hidden]).not()) : 0);
    if (doorbells && layout.doorbells) {
      const ring = this.within(write_address, { offset: layout.doorbells.offset, bytes: doorbellBytes(layout.doorbells) });
      connect(doorbells, {
        ring: this.write.and(ring.hit),
        ring_dword: resized(ring.dword, doorbells.ring_dword.width),
        ring_data: this.write_data,
        ring_mask: this.write_mask,
        take: this.registers.values.doorbell_next.accessed,
        reset: this.controls.resetting,
      });
    }
    this.from_msix.set(this.read.and(this.msixOfHost().hit));
    const from_msix = msix ? mux(this.from_msix, msix.word, this.value) : this.value;
    this.read_data.set(mailbox ? mux(this.from_mailbox, mailbox.word, from_msix) : from_msix);
  }

  /** The host's side of MSI-X. */
  private msixOfHost() {
    const { vectors = 1, table = 0, pending = 0 } = this.layout.msix ?? {};
    const bits = clog2(vectors) + 2;
    const range = { offset: table, bytes: 16 * vectors };
    const written = this.within(this.write_address, range);
    const in_table = this.within(this.read_address, range);
    const in_pending = this.within(this.read_address, { offset: pending, bytes: 8 * Math.ceil(vectors / 64) });
    return {
      hit: this.layout.msix ? in_table.hit.or(in_pending.hit) : u(1, 0),
      write: this.write.and(written.hit),
      write_index: resized(written.dword, bits),
      read_table: this.read.and(in_table.hit),
      read_pending: this.read.and(in_pending.hit),
      read_index: mux(in_table.hit, resized(in_table.dword, bits), resized(in_pending.dword, bits)),
    };
  }

  private sendPosts(): void {
    const { post, posting, controls, registers } = this;
    const { post_low, post_high, post_data } = registers.values;
    this.posting.set(0);
    if (!post) {
      this.post_tx.valid.set(0);
      this.post_tx.put(nothing(this.p.width));
      return;
    }
    this.post_tx.from(post.tx);
    posting.set(post_data.accessed.or(posting.and(post.in_ready.not()).and(controls.bus_master)));
    connect(post, {
      in_valid: posting.and(controls.bus_master),
      in_address: cat(post_high.value, post_low.value).as(64),
      in_data: post_data.value,
      id: controls.id,
    });
  }

  /** The post under way ends in this cycle. */
  private posted_one(): Bool {
    const { post, posting, controls } = this;
    return post ? this.post_tx.fire.or(posting.and(controls.bus_master.not())) : u(1, 0);
  }

  private sendMessages(): void {
    const { msix, controls, raise, messages, post } = this;
    const { msix_trigger, msix_moderation, msix_moderation_vector } = this.registers.values;
    this.triggering.set(msix_trigger.accessed);
    this.setting.set(msix_moderation.accessed);
    raise.ready.set(this.triggering.not());
    if (msix && this.layout.msix) {
      const { vectors } = this.layout.msix;
      const bits = msix.trigger_vector.width;
      const vector = mux(this.triggering, msix_trigger.vector, raise.payload);
      const { hit: _, ...host } = this.msixOfHost();
      connect(msix, {
        ...host,
        write_data: this.write_data,
        write_mask: this.write_mask,
        trigger: this.triggering.or(raise.valid).and(vector.zext(12).lt(vectors)),
        trigger_vector: vector.trunc(bits),
        set_interval: this.setting.and(msix_moderation_vector.vector.zext(12).lt(vectors)),
        interval_vector: msix_moderation_vector.vector.trunc(bits),
        interval: msix_moderation.interval,
        enable: allOf([controls.msix_enable, controls.msix_mask.not(), controls.bus_master]),
        id: controls.id,
        reset: controls.resetting,
      });
    }
    if (messages && msix && post) {
      connect(messages, { in: [this.post_tx, msix.tx] });
      this.posted.from(messages.out);
    } else this.posted.from(this.post_tx);
  }

  /** Whether an address of the function's registers lies in a range, and the DW of the range. */
  private within(address: UInt<32>, { offset, bytes }: ByteRange): { readonly hit: Bool; readonly dword: UInt<number> } {
    const here = address.trunc(this.space);
    const bits = Math.log2(bytes);
    if (Number.isInteger(bits) && offset % bytes === 0 && bits < this.space)
      return {
        hit: here.part(bits, this.space - bits).eq(offset / bytes),
        dword: bits > 2 ? here.part(2, bits - 2) : u(1, 0),
      };
    const inside = here.sub(offset);
    const size = Math.max(3, Math.ceil(bits));
    return { hit: inside.zext(this.space + 1).lt(bytes), dword: inside.part(2, size - 2) };
  }
}

/** A beat that means nothing. */
const nothing = (width: number) =>
  ({ header: unpack(TlpHeader, u(TlpHeader.width, 0)), data: u(width, 0), first: 1, last: 1 }) as const;

const fieldsOf = ({
  write_dma,
  read_dma,
  fill,
  drain,
  channel,
  atomic,
}: {
  readonly [K in 'write_dma' | 'read_dma' | 'fill' | 'drain' | 'channel' | 'atomic']: Bool;
}) => ({ write_dma, read_dma, fill, drain, channel, atomic });
