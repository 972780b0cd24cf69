import { connect, input, Module, output, PacketArbiter, RoundRobinArbiter, stream, uint, vec, wire } from '@hdl/ts-hdl';
import { at } from '../../at.ts';
import { ErrorReport } from '../../config/error-report.ts';
import { functionControls } from '../../config/function-controls.ts';
import { tlpBeat } from '../../tlp/tlp.ts';
import { memoryWrite } from '../interfaces.ts';
import { DescriptorRing, fetchTags } from './descriptor-fetch.ts';
import { DmaChannel } from './dma-channel.ts';
import { LocalCopy } from './local-copy.ts';
import type { LocalRegion } from './local-decoder.ts';
import { ReadDma } from './read-dma.ts';
import { WriteDma } from './write-dma.ts';

export interface DmaEngineParams {
  /** Bits of a word: 64, 128, 256 or 512. */
  readonly width: number;
  /** Bits of a BAR memory address, which counts words. */
  readonly address_width: number;
  readonly functions: number;
  /** BARs per function. */
  readonly bars: number;
  /** Tags of all requesters, the channel's 8 included. */
  readonly tags: number;
  readonly buffer_bytes: number;
  readonly max_read_request: number;
  readonly max_payload: number;
  readonly cycles_per_microsecond: number;
  readonly regions: readonly LocalRegion[];
}

/**
 * A DMA channel with its engines, between the link and the BAR memory:
 *
 *     DmaChannel ─┬─ posted ──────────────┐            memory_write[0] ◄─ ReadDma
 *                 ├─► WriteDma ─ tx ──────┴► posted    memory_write[1] ◄─ LocalCopy
 *                 ├─► ReadDma ─ tx ──────┬► non_posted memory_data[0] ─► WriteDma
 *                 ├─ non_posted ─────────┘             memory_data[1] ─► LocalCopy
 *                 └─► LocalCopy                        memory_data[2] ─► DmaChannel (a ring in the BAR memory)
 *
 * The joins of packets are combinational; what they join comes from registers. `completion` is always ready (C70f): tags below 8 are the channel's, the
 * others those of `ReadDma`. `idle`: the channel is, and so are the engines.
 */
export class DmaEngine extends Module<DmaEngineParams> {
  private readonly beat = tlpBeat(this.p.width);
  private readonly word = uint(this.p.width);
  readonly controls = input(vec(this.p.functions, functionControls(this.p.bars)));
  /** The channel's registers, see `DmaChannel`. */
  readonly owner = input(uint(3));
  readonly run = input(uint(1));
  readonly ring = input(DescriptorRing);
  readonly completion_base = input(uint(64));
  readonly vector = input(uint(11));
  readonly tail = input(uint(16));
  readonly head = output(uint(16));
  readonly failed = output(uint(1));
  readonly idle = output(uint(1));
  readonly interrupts = output(stream(uint(11)));
  readonly errors = output(stream(ErrorReport));
  readonly posted = output(stream(this.beat));
  readonly non_posted = output(stream(this.beat));
  readonly completion = input(stream(this.beat));
  readonly memory_write = output(vec(2, stream(memoryWrite(this.p.width, this.p.address_width))));
  readonly memory_request = output(vec(3, stream(uint(this.p.address_width))));
  readonly memory_data = input(vec(3, stream(this.word)));
  /** Media of the transfers over the link, and of those inside. */
  readonly media_in = input(stream(this.word));
  readonly media_out = output(stream(this.word));
  readonly local_media_in = input(stream(this.word));
  readonly local_media_out = output(stream(this.word));
  private readonly channel = new DmaChannel(this.p);
  private readonly reader = new ReadDma({ ...this.p, reserved_tags: fetchTags });
  private readonly writer = new WriteDma(this.p);
  private readonly copier = new LocalCopy(this.p);
  private readonly posted_join = new PacketArbiter({ n: 2, type: this.beat });
  private readonly non_posted_join = new PacketArbiter({ n: 2, type: this.beat });
  private readonly error_join = new RoundRobinArbiter({ n: 2, type: ErrorReport });
  private readonly for_channel = wire(stream(this.beat));
  private readonly for_reader = wire(stream(this.beat));

  protected override logic() {
    const { channel, reader, writer, copier, controls } = this;
    const mine = this.completion.payload.header.tag.lt(fetchTags);
    this.completion.ready.set(1);
    this.for_channel.valid.set(this.completion.valid.and(mine));
    this.for_channel.put(this.completion.payload);
    this.for_reader.valid.set(this.completion.valid.and(mine.not()));
    this.for_reader.put(this.completion.payload);
    connect(channel, {
      controls,
      owner: this.owner,
      run: this.run,
      ring: this.ring,
      completion_base: this.completion_base,
      vector: this.vector,
      tail: this.tail,
      read_results: reader.results,
      write_results: writer.results,
      copy_results: copier.results,
      completion: this.for_channel,
      memory_data: at(this.memory_data, 2),
    });
    connect(reader, { controls, cancel: channel.cancel, jobs: channel.read_jobs, completion: this.for_reader });
    connect(writer, {
      controls,
      cancel: channel.cancel,
      jobs: channel.write_jobs,
      media: this.media_in,
      memory_data: at(this.memory_data, 0),
    });
    connect(copier, {
      cancel: channel.cancel,
      jobs: channel.copy_jobs,
      memory_data: at(this.memory_data, 1),
      media_in: this.local_media_in,
    });
    at(this.memory_write, 0).from(reader.memory_write);
    at(this.memory_write, 1).from(copier.memory_write);
    at(this.memory_request, 0).from(writer.memory_request);
    at(this.memory_request, 1).from(copier.memory_request);
    at(this.memory_request, 2).from(channel.memory_request);
    this.media_out.from(reader.media);
    this.local_media_out.from(copier.media_out);
    connect(this.posted_join, { in: [writer.tx, channel.posted] });
    connect(this.non_posted_join, { in: [reader.tx, channel.non_posted] });
    connect(this.error_join, { in: [reader.errors, channel.errors] });
    this.posted.from(this.posted_join.out);
    this.non_posted.from(this.non_posted_join.out);
    this.errors.from(this.error_join.out);
    this.interrupts.from(channel.interrupts);
    this.head.set(channel.head);
    this.failed.set(channel.failed);
    this.idle.set(channel.idle.and(reader.idle.all()).and(writer.idle.all()).and(copier.idle));
  }
}
