import { MemoryBacking } from '../device/src/backing.ts';
import type { NvmeMedia } from '../device/src/nvme/hardware.ts';
import { NvmeController, type NvmeOptions } from '../device/src/nvme/index.ts';
import { type DoubleOptions, Memory, NvmeDouble, softwareScheduler } from './nvme-double.ts';

/**
 * A host that knows nothing of the project's encoders: it lays bytes in memory as the tables of the specification have them, and reads completions the same
 * way. Admin queues have 8 entries, at 0x1000 (submissions) and 0x2000 (completions) of its memory.
 */
export class RawHost {
  readonly memory = new Memory(0n, 4 << 20);
  readonly scheduler = softwareScheduler();
  readonly hardware: NvmeDouble;
  readonly media: NvmeMedia;
  /** Tail of each submission queue, head and phase of each completion queue, by queue identifier. */
  private readonly queues = new Map<number, RawQueue>();
  private identifier = 0x100;

  constructor(options: Partial<DoubleOptions> & { readonly firmware?: NvmeOptions; readonly capacity?: number } = {}) {
    const { firmware, capacity = 1 << 20, media = new MemoryBacking(new Uint8Array(capacity)), ...rest } = options;
    this.media = media;
    this.hardware = new NvmeDouble(this.scheduler, { reach: [this.memory], ...rest, media });
    NvmeController.start(this.hardware, firmware);
  }

  run<T>(main: () => Promise<T>): Promise<T> {
    return this.scheduler.run(main);
  }

  /** Enables the controller with memory pages of 4096 bytes. CC: IOCQES 4, IOSQES 6, EN. */
  async enable(): Promise<void> {
    this.hardware.hostWrite(0x24, (7 << 16) | 7);
    this.hardware.hostWrite(0x28, 0x1000);
    this.hardware.hostWrite(0x2c, 0);
    this.hardware.hostWrite(0x30, 0x2000);
    this.hardware.hostWrite(0x34, 0);
    this.memory.bytes.fill(0, 0x2000, 0x3000);
    this.queue(0, 0x1000, 0x2000, 8);
    this.hardware.hostWrite(0x14, 0x0046_0001);
    await this.until(() => (this.hardware.hostRead(0x1c) & 3) !== 0);
  }

  /** Says where a queue that was created lies. */
  queue(id: number, submission: number, completion: number, size: number): void {
    this.queues.set(id, { submission, completion, size, tail: 0, head: 0, phase: 1 });
  }

  async until(condition: () => boolean): Promise<void> {
    for (let i = 0; !condition(); i++) {
      if (i > 10_000) throw new Error('the test waited in vain');
      await this.scheduler.delay(1);
    }
  }

  /** Lays a command of 16 DW into a queue; CID is given here. The doorbell is not rung. @returns the identifier. */
  lay(queue: number, dwords: readonly number[], identifier: number = this.identifier++): number {
    const at = this.at(queue);
    const view = new DataView(this.memory.bytes.buffer, at.submission + 64 * at.tail, 64);
    for (let i = 0; i < 16; i++) view.setUint32(4 * i, dwords[i] ?? 0, true);
    view.setUint16(2, identifier, true);
    at.tail = (at.tail + 1) % at.size;
    return identifier;
  }

  /** Rings the tail doorbell of a queue. */
  ring(queue: number): void {
    this.hardware.hostWrite(0x1000 + 8 * queue, this.at(queue).tail);
  }

  /** The next completion of a queue; takes it. */
  async completion(queue: number): Promise<RawCompletion> {
    const at = this.at(queue);
    const view = new DataView(this.memory.bytes.buffer, at.completion + 16 * at.head, 16);
    await this.until(() => (view.getUint16(14, true) & 1) === at.phase);
    const result = {
      result: view.getUint32(0, true),
      head: view.getUint16(8, true),
      queue: view.getUint16(10, true),
      identifier: view.getUint16(12, true),
      status: (view.getUint16(14, true) >> 1) & 0x7ff,
      more: (view.getUint16(14, true) >> 14) & 1,
      doNotRetry: view.getUint16(14, true) >> 15,
    };
    at.head = (at.head + 1) % at.size;
    if (at.head === 0) at.phase ^= 1;
    this.hardware.hostWrite(0x1004 + 8 * queue, at.head);
    return result;
  }

  /** A command, and its completion. */
  async command(queue: number, dwords: readonly number[]): Promise<RawCompletion> {
    const identifier = this.lay(queue, dwords);
    this.ring(queue);
    const completion = await this.completion(queue);
    if (completion.identifier !== identifier)
      throw new Error(`the completion is for ${completion.identifier}, not ${identifier}`);
    return completion;
  }

  /** An admin command's status, in which the specification's numbers stand: status code type << 8 | status code. */
  async admin(dwords: readonly number[]): Promise<number> {
    return (await this.command(0, dwords)).status;
  }

  /** Creates queue pair 1 with 16 entries at 0x4000 and 0x5000, vector 1. Returns when it is there. */
  async createPair(): Promise<void> {
    const created = [
      // Create I/O Completion Queue: opcode 5, PRP1, size 15 | queue 1, vector 1 | IEN | PC.
      await this.admin([0x05, 0, 0, 0, 0, 0, 0x5000, 0, 0, 0, (15 << 16) | 1, (1 << 16) | 3]),
      // Create I/O Submission Queue: opcode 1, PRP1, size 15 | queue 1, completion queue 1 | PC.
      await this.admin([0x01, 0, 0, 0, 0, 0, 0x4000, 0, 0, 0, (15 << 16) | 1, (1 << 16) | 1]),
    ];
    if (created.some(status => status !== 0)) throw new Error(`queues were not created: ${created}`);
    this.queue(1, 0x4000, 0x5000, 16);
  }

  private at(queue: number): RawQueue {
    const found = this.queues.get(queue);
    if (!found) throw new Error(`the test has no queue ${queue}`);
    return found;
  }
}

interface RawQueue {
  readonly submission: number;
  readonly completion: number;
  readonly size: number;
  tail: number;
  head: number;
  phase: number;
}

export interface RawCompletion {
  readonly result: number;
  readonly head: number;
  readonly queue: number;
  readonly identifier: number;
  readonly status: number;
  readonly more: number;
  readonly doNotRetry: number;
}
