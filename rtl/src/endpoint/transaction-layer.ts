import {
  bool,
  cat,
  connect,
  HdlError,
  input,
  Module,
  output,
  PacketArbiter,
  RoundRobinArbiter,
  stream,
  uint,
  vec,
  wire,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { barsOf, ConfigSpaces } from '../config/config-spaces.ts';
import { ErrorKind, ErrorReport } from '../config/error-report.ts';
import { functionControls } from '../config/function-controls.ts';
import type { FunctionParams } from '../config/function-params.ts';
import { FcUpdate, type LinkCredits } from '../link/fc-update.ts';
import { LinkEnd } from '../link/link-end.ts';
import { tlpBeat } from '../tlp/tlp.ts';
import { DescriptorRing } from './dma/descriptor-fetch.ts';
import { DmaEngine } from './dma/dma-engine.ts';
import type { FunctionMap } from './receive/address-decoder.ts';
import { BarMemory } from './receive/bar-memory.ts';
import { RegisterWrite } from './receive/interfaces.ts';
import { ReceiveSide } from './receive/receive-side.ts';

export interface TransactionLayerParams {
  /** Bits of a beat and of a memory word: 64, 128, 256 or 512. */
  readonly width: number;
  /** 1 to 8 functions: the configuration space of each, and what lies behind its BARs, in the order of `config.bars`. */
  readonly functions: readonly { readonly config: FunctionParams; readonly map: FunctionMap }[];
  /** Bytes of the BAR memory that all functions share, a power of two. */
  readonly memory_bytes: number;
  /** What the receive side advertises; an endpoint has infinite credits for completions (C70b). */
  readonly credits: LinkCredits;
  /** Tags of all requesters, a power of two of 32 to 1,024, and bytes of the reorder buffer of reads. */
  readonly tags: number;
  readonly buffer_bytes: number;
  readonly max_read_request: number;
  /** Clock cycles per microsecond, for the completion timeout. */
  readonly cycles_per_microsecond: number;
}

/**
 * An endpoint's transaction layer: everything between the link and the device's registers.
 *
 *     rx ─► LinkEnd ─┬─ posted, non_posted ─► ReceiveSide ─┬─► BarMemory ◄─► DmaEngine ─┐
 *                    └─ completion ──────────────┘   │     └─► registers               │
 *     tx ◄── LinkEnd ◄─┬─ completion ◄───────────────┘                                  │
 *                      ├─ posted ◄── messages (ConfigSpaces), registers' own, ◄─────────┤
 *                      └─ non_posted ◄──────────────────────────────────────────────────┘
 *
 * Functions without registers have only memory; the channel's `owner` is the one in whose name the DMA works. Latencies are those of the parts and of the link end
 * (2 cycles in, 2 out). `posted` is for MSI-X and the firmware: it leaves behind the DMA's writes that came before it. Reset empties everything and forgets
 * the configuration; the BAR memory keeps its bytes.
 */
export class TransactionLayer extends Module<TransactionLayerParams> {
  private readonly count = this.p.functions.length;
  private readonly configs = this.p.functions.map(({ config }) => config);
  private readonly bars = barsOf(this.configs);
  private readonly beat = tlpBeat(this.p.width);
  private readonly word = uint(this.p.width);

  readonly rx = input(stream(this.beat));
  readonly rx_fc = input(stream(FcUpdate));
  readonly tx = output(stream(this.beat));
  readonly tx_fc = output(stream(FcUpdate));
  readonly hot_reset = input(bool);
  readonly controls = output(vec(this.count, functionControls(this.bars)));

  /** The functions' registers: writes, and reads that are answered 2 cycles after `register_valid`. */
  readonly register_write = output(stream(RegisterWrite));
  readonly register_valid = output(bool);
  readonly register_function = output(uint(3));
  readonly register_address = output(uint(32));
  readonly register_data = input(uint(32));
  /** Posted TLPs of the registers' side; per function, that it has nothing under way. */
  readonly posted = input(stream(this.beat));
  readonly quiet = input(uint(this.count));

  /** The registers of the DMA channel, see `DmaChannel`. */
  readonly owner = input(uint(3));
  readonly run = input(bool);
  readonly ring = input(DescriptorRing);
  readonly completion_base = input(uint(64));
  readonly vector = input(uint(11));
  readonly tail = input(uint(16));
  readonly head = output(uint(16));
  readonly failed = output(bool);
  readonly idle = output(bool);
  readonly interrupts = output(stream(uint(11)));
  readonly media_in = input(stream(this.word));
  readonly media_out = output(stream(this.word));
  readonly local_media_in = input(stream(this.word));
  readonly local_media_out = output(stream(this.word));

  private readonly address_width = Math.log2((this.p.memory_bytes * 8) / this.p.width);
  private readonly max_payload = Math.max(...this.configs.map(({ max_payload }) => max_payload));
  private readonly link = new LinkEnd({
    width: this.p.width,
    credits: this.p.credits,
    max_payload: this.max_payload,
  });
  private readonly receive = new ReceiveSide({
    width: this.p.width,
    address_width: this.address_width,
    maps: this.p.functions.map(({ map }) => map),
    bars: this.bars,
  });
  private readonly memory = new BarMemory({ width: this.p.width, bytes: this.p.memory_bytes, writers: 2, readers: 3 });
  private readonly spaces = new ConfigSpaces({ width: this.p.width, functions: this.configs });
  private readonly dma = new DmaEngine({
    width: this.p.width,
    address_width: this.address_width,
    functions: this.count,
    bars: this.bars,
    tags: this.p.tags,
    buffer_bytes: this.p.buffer_bytes,
    max_read_request: this.p.max_read_request,
    max_payload: this.max_payload,
    cycles_per_microsecond: this.p.cycles_per_microsecond,
    regions: this.p.functions.flatMap(({ map }, f) =>
      map.flatMap((bar, b) => (bar?.to === 'memory' ? [{ function: f, bar: b, base: bar.base }] : [])),
    ),
  });
  private readonly posted_join = new PacketArbiter({ n: 3, type: this.beat });
  private readonly error_join = new RoundRobinArbiter({ n: 3, type: ErrorReport });
  private readonly overflow = wire(stream(ErrorReport));
  private readonly corrected = wire(stream(uint(4)));

  protected override logic() {
    if (!Number.isInteger(this.address_width) || this.address_width < 2)
      throw new HdlError(`a BAR memory has a power of two of at least four words, not ${this.p.memory_bytes} bytes`, {
        help: 'state a power of two; functions without memory need one all the same',
      });
    this.joinLink();
    this.joinReceive();
    this.joinConfig();
    this.joinDma();
  }

  private joinLink(): void {
    const { link, receive, dma, spaces, posted_join } = this;
    connect(posted_join, { in: [dma.posted, this.posted, spaces.messages] });
    connect(link, {
      rx: this.rx,
      rx_fc: this.rx_fc,
      posted: posted_join.out,
      non_posted: dma.non_posted,
      completion: receive.tx,
      // Completions with relaxed ordering need not wait for posted TLPs (C64): the attribute is the requester's.
      relaxed: 1,
    });
    this.tx.from(link.tx);
    this.tx_fc.from(link.tx_fc);
  }

  private joinReceive(): void {
    const { link, receive, memory, spaces } = this;
    connect(receive, {
      posted: link.received_posted,
      non_posted: link.received_non_posted,
      completion: link.received_completion,
      controls: spaces.controls,
      retry: spaces.retry,
      config_read_data: spaces.answer.data,
      register_data: this.register_data,
      link_data: memory.link_data,
      atomic_result: memory.atomic_result,
    });
    this.register_write.from(receive.register_write);
    this.register_valid.set(receive.register_valid);
    this.register_function.set(receive.register_function);
    this.register_address.set(receive.register_address);
  }

  private joinConfig(): void {
    const { link, receive, spaces, dma, error_join, overflow } = this;
    overflow.valid.set(link.overflow.valid);
    overflow.put({ functions: 0xff, kind: ErrorKind.overflow, advisory: 0, header: link.overflow.payload });
    link.overflow.ready.set(overflow.ready);
    connect(error_join, { in: [receive.error, dma.errors, overflow] });
    const works = Array.from({ length: this.count }, (_, f) => this.owner.eq(f).and(dma.idle.not()));
    connect(spaces, {
      access: {
        valid: receive.config_valid,
        write: receive.config_write,
        function: receive.config_function,
        register: receive.config_register,
        data: receive.config_data,
        mask: receive.config_mask,
        device: receive.config_id.part(3, 13),
      },
      hot_reset: this.hot_reset,
      quiet: cat(...works.map((busy, f) => this.quiet.bit(f).and(busy.not())).toReversed()),
      events: works.map(busy => ({
        received_unsupported: 0,
        received_abort: 0,
        poisoned_data: 0,
        transactions_pending: busy,
      })),
      errors: error_join.out,
      correctable: this.corrected,
    });
    // The data link layer below is not ours: nobody tells what it corrected.
    this.corrected.valid.set(0);
    this.corrected.put(0);
    spaces.controls.forEach((controls, f) => {
      at(this.controls, f).set(controls);
    });
  }

  private joinDma(): void {
    const { receive, memory, dma, spaces } = this;
    connect(memory, {
      link_write: receive.link_write,
      link_read: receive.link_read,
      atomic: receive.atomic,
      write: dma.memory_write,
      read: dma.memory_request,
    });
    connect(dma, {
      controls: spaces.controls,
      owner: this.owner,
      run: this.run,
      ring: this.ring,
      completion_base: this.completion_base,
      vector: this.vector,
      tail: this.tail,
      completion: receive.requester,
      memory_data: memory.data,
      media_in: this.media_in,
      local_media_in: this.local_media_in,
    });
    this.head.set(dma.head);
    this.failed.set(dma.failed);
    this.idle.set(dma.idle);
    this.interrupts.from(dma.interrupts);
    this.media_out.from(dma.media_out);
    this.local_media_out.from(dma.local_media_out);
  }
}
