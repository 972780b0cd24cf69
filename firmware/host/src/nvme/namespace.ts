import { encode, store } from '../../../layout.ts';
import {
  blockCommand,
  commandBytes,
  commonCommand,
  datasetManagement,
  datasetRange,
  NvmOpcode,
  rangeBytes,
} from '../../../nvme/commands.ts';
import { HostError } from '../host-error.ts';
import type { AddressRange } from '../pci-function.ts';
import { type DataPointer, type PointerChoice, pointTo, slice } from './data-pointer.ts';
import { type NvmePlatform, pageBytes } from './platform.ts';

/** How the driver carries out I/O commands. */
export interface BlockExecutor {
  readonly platform: NvmePlatform;
  /** Largest transfer of one command, in bytes. */
  readonly maxTransfer: number;
  readonly sglSupported: boolean;
  readonly pointers: PointerChoice;
  /** Sends a command to an I/O queue: that number among them, or any. @throws NvmeError, HostError. */
  execute(what: string, command: Uint8Array, queue: number | undefined): Promise<void>;
}

export interface BlockOptions {
  /** Which of the I/O queues, from 0: that of the CPU, say. Any, in turns, by default. */
  readonly queue?: number;
  /** The data is on the media, not in a cache, when the command has ended. */
  readonly forceUnitAccess?: boolean;
}

/** Blocks of a namespace: from `start` on. */
export interface BlockRange {
  readonly start: number;
  readonly count: number;
}

/** Ranges of one Dataset Management command. */
const mostRanges = 256;
/** Blocks of one command. */
const mostBlocks = 0x1_0000;

/**
 * A namespace of a controller as a block device. Data lies in ranges of bus addresses: host memory, or the memory of any device that the controller can reach,
 * its own too. Larger transfers than the controller can do become several commands. All methods throw NvmeError if the controller refuses, HostError if
 * it does not answer.
 */
export class NvmeNamespace {
  readonly id: number;
  /** Blocks, and the bytes of each. */
  readonly blocks: number;
  readonly blockBytes: number;
  private readonly executor: BlockExecutor;

  constructor(executor: BlockExecutor, of: { readonly id: number; readonly blocks: number; readonly blockBytes: number }) {
    this.executor = executor;
    this.id = of.id;
    this.blocks = of.blocks;
    this.blockBytes = of.blockBytes;
  }

  /** Reads whole blocks from `start` on, as many as the data ranges hold. */
  read(start: number, data: readonly AddressRange[], options: BlockOptions = {}): Promise<void> {
    return this.transfer('Read', NvmOpcode.read, start, data, options);
  }

  write(start: number, data: readonly AddressRange[], options: BlockOptions = {}): Promise<void> {
    return this.transfer('Write', NvmOpcode.write, start, data, options);
  }

  /** @throws NvmeError Compare Failure if the blocks hold other data. */
  compare(start: number, data: readonly AddressRange[], options: BlockOptions = {}): Promise<void> {
    return this.transfer('Compare', NvmOpcode.compare, start, data, options);
  }

  async writeZeroes({ start, count }: BlockRange, options: BlockOptions = {}): Promise<void> {
    for (let at = 0; at < count; at += mostBlocks) {
      const blocks = Math.min(mostBlocks, count - at);
      await this.send('Write Zeroes', NvmOpcode.writeZeroes, start + at, blocks, undefined, options);
    }
  }

  /** Gives blocks back to the drive; they read zeros then. */
  async trim(ranges: readonly BlockRange[], options: BlockOptions = {}): Promise<void> {
    const { platform } = this.executor;
    for (let at = 0; at < ranges.length; at += mostRanges) {
      const some = ranges.slice(at, at + mostRanges);
      const list = Buffer.concat(
        some.map(({ start, count }) => encode(datasetRange, rangeBytes, { start: BigInt(start), blocks: count })),
      );
      const area = platform.memory.allocate(list.length, pageBytes);
      try {
        platform.memory.write(area.base, list);
        const common = { opcode: NvmOpcode.datasetManagement, namespace: this.id, prp1: area.base };
        const command = encode(commonCommand, commandBytes, common);
        store(datasetManagement, command, { ranges: some.length - 1, deallocate: 1 });
        await this.executor.execute(`Dataset Management of namespace ${this.id}`, command, options.queue);
      } finally {
        platform.memory.release(area);
      }
    }
  }

  /** Makes all that was written last over a loss of power. */
  async flush(options: BlockOptions = {}): Promise<void> {
    const command = encode(commonCommand, commandBytes, { opcode: NvmOpcode.flush, namespace: this.id });
    await this.executor.execute(`Flush of namespace ${this.id}`, command, options.queue);
  }

  /** Splits a transfer into commands, which are on their way together. */
  private async transfer(
    what: string,
    opcode: number,
    start: number,
    data: readonly AddressRange[],
    options: BlockOptions,
  ): Promise<void> {
    const bytes = Number(data.reduce((sum, range) => sum + range.bytes, 0n));
    if (bytes === 0 || bytes % this.blockBytes !== 0)
      throw new HostError(`${what} of ${bytes} bytes: namespace ${this.id} has blocks of ${this.blockBytes} bytes`);
    const { platform, pointers, sglSupported, maxTransfer } = this.executor;
    const most = Math.min(maxTransfer, mostBlocks * this.blockBytes);
    const parts = Array.from({ length: Math.ceil(bytes / most) }, async (_, i) => {
      const size = Math.min(most, bytes - i * most);
      const pointer = pointTo(platform.memory, slice(data, i * most, size), pointers, sglSupported);
      try {
        const first = start + (i * most) / this.blockBytes;
        await this.send(what, opcode, first, size / this.blockBytes, pointer, options);
      } finally {
        pointer.release();
      }
    });
    // All end before an error is told: until then the controller uses the data.
    const results = await Promise.allSettled(parts);
    const failed = results.find(result => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  private send(
    what: string,
    opcode: number,
    start: number,
    count: number,
    pointer: DataPointer | undefined,
    { queue, forceUnitAccess }: BlockOptions,
  ): Promise<void> {
    const { pointerKind = 0, prp1 = 0n, prp2 = 0n } = pointer ?? {};
    const command = encode(commonCommand, commandBytes, { opcode, namespace: this.id, pointerKind, prp1, prp2 });
    store(blockCommand, command, { start: BigInt(start), blocks: count - 1, forceUnitAccess: Number(forceUnitAccess ?? false) });
    return this.executor.execute(`${what} of ${count} blocks at ${start} of namespace ${this.id}`, command, queue);
  }
}
