import {
  bool,
  cat,
  connect,
  HdlError,
  input,
  Module,
  mux,
  output,
  PacketArbiter,
  RoundRobinArbiter,
  reg,
  stream,
  uint,
  vec,
  when,
  wire,
} from '@hdl/ts-hdl';
import { at } from '../at.ts';
import { barsOf, ConfigSpaces } from '../config/config-spaces.ts';
import { ErrorKind, ErrorReport } from '../config/error-report.ts';
import { functionControls } from '../config/function-controls.ts';
import type { FunctionParams } from '../config/function-params.ts';
import { FcUpdate, type LinkCredits } from '../link/fc-update.ts';
import { LinkPort } from '../link/link-port.ts';
import { EcrcGenerator } from '../tlp/ecrc-generator.ts';
import { completionFields, isCompletion, tlpBeat } from '../tlp/tlp.ts';
import { AtomicJob, AtomicResult } from './dma/atomic-requester.ts';
import { AtomicTurns } from './dma/atomic-turns.ts';
import { DescriptorRing } from './dma/descriptor-fetch.ts';
import { DmaEngine } from './dma/dma-engine.ts';
import { ofFunction } from './dma/function-select.ts';
import { DmaJob, DmaResult } from './dma/job.ts';
import { LocalJob } from './dma/local-copy.ts';
import { EcrcFilter } from './ecrc-filter.ts';
import { laneBits } from './lane-rotator.ts';
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
  /** Digests are checked, and made, where the functions' AER enables it (C71c): see `EcrcFilter`. Off by default. */
  readonly ecrc?: boolean;
}

/**
 * An endpoint's transaction layer: everything between the link and the device's registers.
 *
 *     rx ─► LinkPort ┬─ posted, non_posted ─► ReceiveSide ─┬─► BarMemory ◄─► DmaEngine ─┐
 *                    └─ completion ──────────────┘   │     └─► registers               │
 *     tx ◄── LinkPort ◄┬─ completion ◄───────────────┘                                  │
 *                      ├─ posted ◄── messages (ConfigSpaces), registers' own, ◄─────────┤
 *                      └─ non_posted ◄──────────────────────────────────────────────────┘
 *
 * Functions without registers have only memory; the channel's `owner` is the one in whose name the DMA works. Latencies are those of the parts and of the link end
 * (1 cycle in where nothing waits, 2 out). `posted` is for MSI-X and the firmware: it leaves behind the DMA's writes that came before it. Reset empties everything and forgets
 * the configuration; the BAR memory keeps its bytes.
 *
 * A hot reset ends the jobs of all functions and resets their configuration spaces, which stay in reset, and answer with Request Retry Status, until nothing is
 * under way any more. The link goes down with it: what waits to leave is lost, and the exchange of credits begins anew (`LinkPort`). Reads that wait for
 * completions are given up, and their tags are free: nothing that was sent before comes over the link afterwards.
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

  /** Jobs of the firmware, see `DmaEngine`. */
  readonly write_job = input(stream(DmaJob));
  readonly write_flush = input(bool);
  readonly write_result = output(stream(DmaResult));
  readonly read_job = input(stream(DmaJob));
  readonly read_result = output(stream(DmaResult));
  readonly fill_job = input(stream(LocalJob));
  readonly fill_result = output(stream(DmaResult));
  readonly drain_job = input(stream(LocalJob));
  readonly drain_result = output(stream(DmaResult));
  readonly atomic_job = input(stream(AtomicJob));
  readonly atomic_result = output(stream(AtomicResult));

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
  readonly media_drop = input(bool);
  readonly media_out = output(stream(this.word));

  private readonly address_width = Math.log2((this.p.memory_bytes * 8) / this.p.width);
  private readonly max_payload = Math.max(...this.configs.map(({ max_payload }) => max_payload));
  private readonly link = new LinkPort({
    width: this.p.width,
    credits: this.p.credits,
    max_payload: this.max_payload,
  });
  private readonly receive = new ReceiveSide({
    width: this.p.width,
    address_width: this.address_width,
    maps: this.p.functions.map(({ map }) => map),
    bars: this.bars,
    atomics: this.configs.map(({ atomic_completer = false }) => atomic_completer),
  });
  private readonly memory = new BarMemory({ width: this.p.width, bytes: this.p.memory_bytes, writers: 3, readers: 3 });
  private readonly atomics = new AtomicTurns({ address_width: this.address_width + laneBits(this.p.width) });
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
  private readonly error_join = new RoundRobinArbiter({ n: this.p.ecrc ? 4 : 3, type: ErrorReport });
  private readonly generator = this.p.ecrc ? new EcrcGenerator({ width: this.p.width }) : undefined;
  private readonly filter = this.p.ecrc
    ? new EcrcFilter({ width: this.p.width, functions: this.count, max_payload: this.max_payload })
    : undefined;
  private readonly overflow = wire(stream(ErrorReport));
  private readonly corrected = wire(stream(uint(4)));
  /** A hot reset was, and not everything has ended yet. */
  private readonly settling = reg(bool, { init: 0 });
  /** Since then no completion of a request before it can come. */
  private readonly flushed = reg(bool, { init: 0 });

  protected override logic() {
    if (!Number.isInteger(this.address_width) || this.address_width < 2)
      throw new HdlError(`a BAR memory has a power of two of at least four words, not ${this.p.memory_bytes} bytes`, {
        help: 'state a power of two; functions without memory need one all the same',
      });
    if (this.p.credits.non_posted.data < 2 && this.p.functions.some(({ config }) => config.atomic_completer))
      throw new HdlError('an endpoint that completes AtomicOps has 1 data credit for non-posted TLPs', {
        help: 'give at least 2: a CAS of 128-bit operands carries 32 bytes (C70b)',
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
      link_up: this.hot_reset.not(),
      rx: this.rx,
      rx_fc: this.rx_fc,
      posted: posted_join.out,
      non_posted: dma.non_posted,
      completion: receive.tx,
      // Completions with relaxed ordering need not wait for posted TLPs (C64): the attribute is the requester's.
      relaxed: 1,
    });
    this.tx_fc.from(link.tx_fc);
    const { generator } = this;
    if (!generator) {
      this.tx.from(link.tx);
      return;
    }
    // Behind the credits, which a digest takes none of. The function is in the requester's ID, of a completion in the completer's.
    const { header } = link.tx.payload;
    const sender = mux(isCompletion(header), completionFields(header).completer_id, header.requester_id).trunc(3);
    connect(generator, { in: link.tx, enable: ofFunction(spaces.controls, sender, of => of.ecrc_generate) });
    this.tx.from(generator.out);
  }

  /** What was received, without what has a wrong digest. */
  private received() {
    const { link, filter, spaces } = this;
    if (!filter)
      return { posted: link.received_posted, non_posted: link.received_non_posted, completion: link.received_completion };
    connect(filter, {
      enable: cat(...spaces.controls.map(of => of.ecrc_check).toReversed()),
      posted: link.received_posted,
      non_posted: link.received_non_posted,
      completion: link.received_completion,
    });
    return { posted: filter.out_posted, non_posted: filter.out_non_posted, completion: filter.out_completion };
  }

  private joinReceive(): void {
    const { receive, memory, spaces } = this;
    connect(receive, {
      ...this.received(),
      controls: spaces.controls,
      retry: spaces.retry,
      config_read_data: spaces.answer.data,
      register_data: this.register_data,
      link_data: memory.link_data,
      atomic_result: at(this.atomics.answer, 0),
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
    connect(error_join, { in: [receive.error, dma.errors, overflow, ...(this.filter ? [this.filter.error] : [])] });
    const quiet = this.quiet.and(dma.quiet);
    // What was received before the link went down has gone where it belongs; nothing that was sent then comes afterwards.
    const emptied = this.filter ? link.down.and(this.filter.no_completion) : link.down;
    this.flushed.set(this.settling.and(this.flushed.or(emptied)));
    when(quiet.all().and(dma.settled), () => this.settling.set(0));
    when(this.hot_reset, () => this.settling.set(1));
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
      hot_reset: this.hot_reset.or(this.settling),
      quiet,
      events: spaces.controls.map((_, f) => ({
        received_unsupported: dma.received_unsupported.bit(f),
        received_abort: dma.received_abort.bit(f),
        poisoned_data: dma.received_poisoned.bit(f),
        transactions_pending: dma.pending.bit(f),
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
    connect(this.atomics, { request: [receive.atomic, dma.memory_atomic], result: memory.atomic_result });
    connect(memory, {
      link_write: receive.link_write,
      link_read: receive.link_read,
      atomic: this.atomics.out,
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
      completion_bad: receive.requester_bad,
      memory_data: memory.data,
      memory_atomic_result: at(this.atomics.answer, 1),
      write_job: this.write_job,
      write_flush: this.write_flush,
      flushed: this.flushed,
      read_job: this.read_job,
      fill_job: this.fill_job,
      drain_job: this.drain_job,
      atomic_job: this.atomic_job,
      media_in: this.media_in,
      media_drop: this.media_drop,
    });
    this.write_result.from(dma.write_result);
    this.read_result.from(dma.read_result);
    this.fill_result.from(dma.fill_result);
    this.drain_result.from(dma.drain_result);
    this.atomic_result.from(dma.atomic_result);
    this.head.set(dma.head);
    this.failed.set(dma.failed);
    this.idle.set(dma.idle);
    this.interrupts.from(dma.interrupts);
    this.media_out.from(dma.media_out);
  }
}
