import {
  anyOf,
  bool,
  cat,
  connect,
  input,
  Module,
  mux,
  output,
  PacketArbiter,
  RegisterSlice,
  reg,
  stream,
  type UInt,
  u,
  uint,
  vec,
  wire,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { barsOf } from '../config/config-spaces.ts';
import { firmwareRegisterBytes } from '../config/engine-map.ts';
import { FcUpdate } from '../link/fc-update.ts';
import { tlpBeat } from '../tlp/tlp.ts';
import { checkedFunctions, type EndpointParams } from './endpoint-params.ts';
import { FirmwareEngines } from './firmware-engines.ts';
import { FirmwarePort, FirmwareRequest } from './firmware-port.ts';
import { FunctionRegisters } from './function-registers.ts';
import { TransactionLayer } from './transaction-layer.ts';

/**
 * A peer-to-peer capable PCI Express endpoint behind a link with credits: 1 to 8 functions, each with a configuration space, registers with mailbox,
 * doorbells and MSI-X, and a part of one BAR memory; DMA; and for the device's own processor a register port and media streams.
 *
 *     rx, rx_fc ─►┌──────────────────┐ register writes, reads  ┌───────────────────┐ access ┌──────────────┐
 *     tx, tx_fc ◄─│ TransactionLayer │◄───────────────────────►│ FunctionRegisters │◄──────►│ FirmwarePort │◄─► firmware
 *       media ◄──►│                  │◄── jobs ── FirmwareEngines ◄───────────────────────►└──────────────┘
 *                 └──────────────────┘◄── posts, MSI-X ── (one per function)
 *
 * A beat per cycle in and out, no idle cycle between TLPs; `rx` is always taken as far as its credits go, whatever `tx` does. The firmware port: see
 * `FirmwarePort` and `firmwareMap`. Whole words of the medium; the last word of a transfer is filled up. All ports are registered.
 *
 * Reset stops everything, empties all queues and forgets the configuration; the bytes of BAR memory and mailboxes stay. A hot reset, and a function level reset:
 * see `TransactionLayer` and `FunctionRegisters`.
 */
export class Endpoint extends Module<EndpointParams> {
  private readonly functions = checkedFunctions(this.p);
  private readonly configs = this.functions.map(({ config }) => config);
  private readonly beat = tlpBeat(this.p.width);
  private readonly word = uint(this.p.width);
  readonly rx = input(stream(this.beat));
  readonly rx_fc = input(stream(FcUpdate));
  readonly tx = output(stream(this.beat));
  readonly tx_fc = output(stream(FcUpdate));
  /** The link below is being reset. */
  readonly hot_reset = input(bool);
  /** The port of the device's own processor. */
  readonly firmware_request = input(stream(FirmwareRequest));
  readonly firmware_response = output(stream(uint(32)));
  readonly firmware_interrupt = output(bool);
  readonly media_in = input(stream(this.word));
  readonly media_out = output(stream(this.word));

  private readonly layer = new TransactionLayer({ ...this.p, functions: this.functions });
  private readonly registers = this.functions.map(
    described => new FunctionRegisters({ width: this.p.width, bars: barsOf(this.configs), function: described }),
  );
  private readonly engines = new FirmwareEngines({ functions: this.functions.length, bars: barsOf(this.configs) });
  private readonly port = new FirmwarePort({ functions: this.functions.length });
  private readonly posted_join = new PacketArbiter({ n: this.functions.length, type: this.beat });
  private readonly media_in_slice = new RegisterSlice({ type: this.word });
  private readonly media_out_slice = new RegisterSlice({ type: this.word });
  /** The function that was read, and what it gave. */
  private readonly read_function = reg(uint(3));
  private readonly read_data = reg(uint(32));
  private readonly raised = wire(vec(this.functions.length, stream(uint(11))));

  protected override logic() {
    const { layer, engines, media_in_slice, media_out_slice, posted_join } = this;
    connect(media_in_slice, { in: this.media_in });
    connect(media_out_slice, { in: layer.media_out });
    this.media_out.from(media_out_slice.out);
    connect(posted_join, { in: this.registers.map(({ posted }) => posted) });
    connect(layer, {
      rx: this.rx,
      rx_fc: this.rx_fc,
      hot_reset: this.hot_reset,
      register_data: this.read_data,
      posted: posted_join.out,
      quiet: cat(...this.registers.map(({ quiet }) => quiet).toReversed()),
      owner: engines.owner,
      run: engines.run,
      ring: engines.ring,
      completion_base: engines.completion_base,
      vector: engines.vector,
      tail: engines.tail,
      write_job: engines.write_job,
      write_flush: engines.write_flush,
      read_job: engines.read_job,
      fill_job: engines.fill_job,
      drain_job: engines.drain_job,
      atomic_job: engines.atomic_job,
      media_in: media_in_slice.out,
      media_drop: engines.media_drop,
    });
    this.tx.from(layer.tx);
    this.tx_fc.from(layer.tx_fc);
    this.serveHost();
    this.serveFirmware();
  }
  private serveHost(): void {
    const { layer } = this;
    const { function: to, address, data, mask } = layer.register_write.payload;
    layer.register_write.ready.set(1);
    this.registers.forEach((registers, f) => {
      const port = at(this.accesses, f);
      connect(registers, {
        controls: at(layer.controls, f),
        write: layer.register_write.valid.and(to.eq(f)),
        write_address: address,
        write_data: data,
        write_mask: mask,
        read: layer.register_valid.and(layer.register_function.eq(f)),
        read_address: layer.register_address,
        ...port,
        raise: at(this.raised, f),
      });
    });
    this.read_function.set(layer.register_function);
    const words = this.registers.map(({ read_data }, f) => mux(this.read_function.eq(f), read_data, u(32, 0)));
    this.read_data.set(words.reduce<UInt<32>>((a, b) => a.or(b), u(32, 0)));
  }

  private serveFirmware(): void {
    const { layer, engines, port } = this;
    const address = port.access_address;
    connect(port, {
      request: this.firmware_request,
      ready: cat(...this.registers.map(({ access_ready }) => access_ready).toReversed()),
      data: this.registers.map(({ access_data }, f) => (f === 0 ? access_data.or(engines.access_data) : access_data)),
    });
    this.firmware_response.from(port.response);
    this.firmware_interrupt.set(anyOf(this.registers.map(({ interrupt }) => interrupt)));
    connect(engines, {
      controls: layer.controls,
      access: port.access.bit(0).and(at(this.registers, 0).access_ready).and(address.part(10, 6).eq(0)),
      access_write: port.access_write,
      access_register: address.part(2, Math.log2(firmwareRegisterBytes / 4)),
      access_value: port.access_value,
      write_result: layer.write_result,
      read_result: layer.read_result,
      fill_result: layer.fill_result,
      drain_result: layer.drain_result,
      atomic_result: layer.atomic_result,
      head: layer.head,
      failed: layer.failed,
      idle: layer.idle,
    });
    // The channel's interrupts are those of its function.
    const { valid, ready, payload } = layer.interrupts;
    this.raised.forEach((raise, f) => {
      raise.valid.set(valid.and(engines.owner.eq(f)));
      raise.put(payload);
    });
    ready.set(
      anyOf(this.raised.map((raise, f) => engines.owner.eq(f).and(raise.ready))).or(
        engines.owner.zext(4).ge(this.functions.length),
      ),
    );
  }

  /** What the firmware port says to each function. */
  private get accesses() {
    const { port, engines } = this;
    return this.registers.map((_, f) => ({
      access: port.access.bit(f),
      access_write: port.access_write,
      access_address: port.access_address,
      access_value: port.access_value,
      engine_events: f === 0 ? engines.events : { write_dma: 0, read_dma: 0, fill: 0, drain: 0, channel: 0, atomic: 0 },
    }));
  }
}
