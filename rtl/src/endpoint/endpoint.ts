import { bool, clog2, connect, HdlError, input, Module, output, PacketArbiter, RegisterSlice, stream, uint } from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { EndpointConfigSpace } from '../config/endpoint-config-space.ts';
import { Bar0, doorbells, msixVectors } from '../config/register-map.ts';
import { tlpBeat } from '../tlp/tlp.ts';
import { BarMemory } from './bar-memory.ts';
import { Completer } from './completer.ts';
import { FirmwareRequest } from './interfaces.ts';
import { Drain, Fill } from './local-move.ts';
import { MediaRouter } from './media-router.ts';
import { PostSender } from './post-sender.ts';
import { PostedWriter } from './posted-writer.ts';
import { ReadDma } from './read-dma.ts';
import { RegisterBlock } from './register-block.ts';
import { RequestRouter } from './request-router.ts';
import { WriteDma } from './write-dma.ts';

export interface EndpointParams {
  /** Bits of a beat: 64, 128, 256 or 512. */
  readonly width: number;
  readonly vendor_id: number;
  readonly device_id: number;
  /** Base class, sub-class and interface: 24 bits. */
  readonly class_code: number;
  /** Bytes of memory behind BAR2, a power of two of at least 4,096. */
  readonly memory_bytes: number;
  /** Read requests of the DMA that may be outstanding, a power of two. */
  readonly tags: number;
  /** Non-posted requests that the receive side holds, a power of two. */
  readonly request_depth: number;
  /** Largest payload in bytes: 128, 256 or 512. */
  readonly max_payload: number;
}

/** Who writes and reads the BAR memory; the link comes first. */
const Writer = { link: 0, read_dma: 1, fill: 2 } as const;
const Reader = { link: 0, write_dma: 1, drain: 2 } as const;

/**
 * A peer-to-peer capable PCI Express endpoint at the transaction layer: type 0 configuration space, registers and doorbells behind BAR0, memory
 * behind BAR2 (64-bit, prefetchable), DMA in both directions, MSI-X, and a register port and media streams for the firmware.
 *
 * A beat per cycle in and out, without idle cycles between packets. `rx` is taken at a beat per cycle whatever `tx` does (an unaligned posted write
 * into BAR2 costs 1 cycle more), so a fabric of these endpoints does not deadlock. All ports are registered. Reset stops the engines, empties
 * all queues and clears the configuration; the BAR memory keeps its bytes.
 */
export class Endpoint extends Module<EndpointParams> {
  readonly rx = input(stream(tlpBeat(this.p.width)));
  readonly tx = output(stream(tlpBeat(this.p.width)));
  /** The port of the device's own processor, see `FirmwareMap`. */
  readonly firmware_request = input(stream(FirmwareRequest));
  readonly firmware_response = output(stream(uint(32)));
  readonly firmware_interrupt = output(bool);
  /** Whole words of the device's medium; the last word of a transfer is filled up. */
  readonly media_in = input(stream(uint(this.p.width)));
  readonly media_out = output(stream(uint(this.p.width)));

  /** Bits of a BAR memory address, which counts words. */
  private readonly address_width = clog2(this.p.memory_bytes / (this.p.width / 8)) as number;
  private readonly rx_slice = new RegisterSlice({ type: tlpBeat(this.p.width) });
  private readonly router = new RequestRouter({
    width: this.p.width,
    request_depth: this.p.request_depth,
    bar0_bytes: Bar0.size,
    bar2_bytes: this.p.memory_bytes,
  });
  private readonly config_space = new EndpointConfigSpace(this.p);
  private readonly posted_writer = new PostedWriter({ width: this.p.width, address_width: this.address_width });
  private readonly completer = new Completer({ width: this.p.width, address_width: this.address_width });
  private readonly memory = new BarMemory({ width: this.p.width, bytes: this.p.memory_bytes, writers: 3, readers: 3 });
  private readonly registers = new RegisterBlock({ memory_bytes: this.p.memory_bytes, doorbells, vectors: msixVectors });
  private readonly write_dma = new WriteDma({
    width: this.p.width,
    address_width: this.address_width,
    max_payload: this.p.max_payload,
  });
  private readonly read_dma = new ReadDma({ width: this.p.width, address_width: this.address_width, tags: this.p.tags });
  private readonly fill = new Fill({ width: this.p.width, address_width: this.address_width });
  private readonly drain = new Drain({ width: this.p.width, address_width: this.address_width });
  private readonly post_sender = new PostSender({ width: this.p.width });
  private readonly media = new MediaRouter({ width: this.p.width });
  private readonly media_in_slice = new RegisterSlice({ type: uint(this.p.width) });
  private readonly media_out_slice = new RegisterSlice({ type: uint(this.p.width) });
  private readonly arbiter = new PacketArbiter({ n: 4, type: tlpBeat(this.p.width) });
  private readonly tx_slice = new RegisterSlice({ type: tlpBeat(this.p.width) });

  protected override logic() {
    const { memory_bytes } = this.p;
    if (memory_bytes < 4096 || !Number.isInteger(Math.log2(memory_bytes))) {
      throw new HdlError(`an endpoint's BAR memory is a power of two of at least 4096 bytes, not ${memory_bytes}`);
    }
    this.receive();
    this.move();
    this.serveFirmware();
    this.transmit();
  }

  private receive(): void {
    const { state } = this.config_space;
    const { memory, completer, config_space } = this;
    connect(this.rx_slice, { in: this.rx });
    connect(this.router, { rx: this.rx_slice.out, state });
    connect(this.posted_writer, { posted: this.router.posted });
    at(memory.write, Writer.link).from(this.posted_writer.memory_write);
    connect(completer, {
      request: this.router.request,
      state,
      config_read_data: config_space.read_data,
      register_data: this.registers.register_data,
      memory_data: at(memory.data, Reader.link),
    });
    at(memory.read, Reader.link).from(completer.memory_request);
    connect(config_space, {
      access_valid: completer.config_valid,
      access_write: completer.config_write,
      access_register: completer.config_register,
      access_data: completer.config_data,
      access_mask: completer.config_mask,
      capture: completer.config_capture,
      capture_id: completer.config_id,
    });
  }

  /** The engines between the link, the BAR memory and the media. */
  private move(): void {
    const { state } = this.config_space;
    const { memory, registers, media } = this;
    connect(this.write_dma, {
      command: registers.write_dma,
      state,
      media: media.to_write,
      memory_data: at(memory.data, Reader.write_dma),
    });
    at(memory.read, Reader.write_dma).from(this.write_dma.memory_request);
    connect(this.read_dma, { command: registers.read_dma, state, completion: this.router.completion });
    at(memory.write, Writer.read_dma).from(this.read_dma.memory_write);
    connect(this.fill, { command: registers.fill, media: media.to_fill });
    at(memory.write, Writer.fill).from(this.fill.memory_write);
    connect(this.drain, { command: registers.drain, memory_data: at(memory.data, Reader.drain) });
    at(memory.read, Reader.drain).from(this.drain.memory_request);

    connect(this.media_in_slice, { in: this.media_in });
    connect(media, {
      media_in: this.media_in_slice.out,
      write_active: this.write_dma.media_active,
      read_active: this.read_dma.media_active,
      from_read: this.read_dma.media,
      from_drain: this.drain.media,
    });
    connect(this.media_out_slice, { in: media.media_out });
    this.media_out.from(this.media_out_slice.out);
  }

  private serveFirmware(): void {
    const { state } = this.config_space;
    connect(this.registers, {
      state,
      register_write: this.posted_writer.register_write,
      register_valid: this.completer.register_valid,
      register_address: this.completer.register_address,
      firmware_request: this.firmware_request,
      write_dma_status: this.write_dma.status,
      read_dma_status: this.read_dma.status,
      fill_status: this.fill.status,
      drain_status: this.drain.status,
      post_sent: this.post_sender.sent,
    });
    this.firmware_response.from(this.registers.firmware_response);
    this.firmware_interrupt.set(this.registers.firmware_interrupt);
    connect(this.post_sender, { state, post: this.registers.post, message: this.registers.message });
  }

  private transmit(): void {
    connect(this.arbiter, { in: [this.completer.tx, this.write_dma.tx, this.read_dma.tx, this.post_sender.tx] });
    connect(this.tx_slice, { in: this.arbiter.out });
    this.tx.from(this.tx_slice.out);
  }
}
