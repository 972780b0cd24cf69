import { encode } from '../../../layout.ts';
import {
  CommandOpcode,
  createQueuePair,
  handleCommand,
  rangeEntry,
  rangeEntryBytes,
  registerMemory,
} from '../../../rdma/commands.ts';
import { HostError } from '../host-error.ts';
import type { AddressRange } from '../pci-function.ts';
import type { RdmaDriver } from './driver.ts';
import { QueuePair, type QueuePairOptions, ringShape, type ScatterEntry } from './queue-pair.ts';

/** Alignment of rings. */
const ringAlignment = 64;

/** What may be done with a region beside reading it for own requests; nothing by default. */
export interface MemoryAccess {
  /** Receives and READs may write it. */
  readonly localWrite?: boolean;
  /** READs of the other side. */
  readonly remoteRead?: boolean;
  /** WRITEs of the other side; needs `localWrite`. */
  readonly remoteWrite?: boolean;
}

export interface MemoryOptions {
  /** Bus addresses: host memory, a BAR of another device or of the card itself. One behind the other they are one region. */
  readonly ranges: readonly AddressRange[];
  readonly access?: MemoryAccess;
  /** The address of its first byte in work requests and at the other side; that of the first range by default. */
  readonly address?: bigint;
  /**
   * Memory of another device. The card reads back what it wrote there before it tells anybody: a write to a peer and a completion entry to host memory go
   * different ways, and may overtake each other (C63). Not for doorbells.
   */
  readonly peer?: boolean;
}

/** Memory that work requests may name. */
export class MemoryRegion {
  /** For requests of this side. */
  readonly lkey: number;
  /** For the other side. */
  readonly rkey: number;
  readonly address: bigint;
  readonly bytes: number;
  private readonly driver: RdmaDriver;

  constructor(driver: RdmaDriver, key: number, address: bigint, bytes: number) {
    this.driver = driver;
    this.lkey = key;
    this.rkey = key;
    this.address = address;
    this.bytes = bytes;
  }

  /** Part of it, for a work request; all by default. */
  entry(offset = 0, bytes: number = this.bytes - offset): ScatterEntry {
    return { address: this.address + BigInt(offset), bytes, lkey: this.lkey };
  }

  /** Takes its keys back. Resolves when the card uses it no more. */
  async deregister(): Promise<void> {
    await this.driver.command('deregistration of memory', CommandOpcode.deregisterMemory, handleCommand, { handle: this.lkey });
  }
}

/** Who may use what: queue pairs reach only the memory regions of their own domain. */
export class ProtectionDomain {
  readonly number: number;
  private readonly driver: RdmaDriver;

  constructor(driver: RdmaDriver, number: number) {
    this.driver = driver;
    this.number = number;
  }

  /** @throws RdmaError, HostError. */
  async registerMemory(options: MemoryOptions): Promise<MemoryRegion> {
    const { driver } = this;
    const { ranges, access = {}, peer = false } = options;
    const [first] = ranges;
    if (!first) throw new HostError('a memory region needs a range of bus addresses at least');
    const address = options.address ?? first.base;
    const bytes = ranges.reduce((sum, range) => sum + range.bytes, 0n);
    const { localWrite = false, remoteRead = false, remoteWrite = false } = access;
    const { memory } = driver.platform;
    const list = Buffer.concat(
      ranges.map(range => encode(rangeEntry, rangeEntryBytes, { address: range.base, bytes: range.bytes })),
    );
    const table = memory.allocate(list.length, ringAlignment);
    try {
      memory.write(table.base, list);
      const key = await driver.command('registration of memory', CommandOpcode.registerMemory, registerMemory, {
        domain: this.number,
        localWrite: Number(localWrite),
        remoteRead: Number(remoteRead),
        remoteWrite: Number(remoteWrite),
        peer: Number(peer),
        address,
        bytes,
        table: table.base,
        ranges: ranges.length,
      });
      return new MemoryRegion(driver, key, address, Number(bytes));
    } finally {
      memory.release(table);
    }
  }

  /** @throws RdmaError, HostError. */
  async createQueuePair(options: QueuePairOptions): Promise<QueuePair> {
    const { driver } = this;
    const { memory } = driver.platform;
    const shape = ringShape(options);
    const sendBytes = shape.sends.entries * shape.sends.entryBytes;
    const bytes = sendBytes + shape.receives.entries * shape.receives.entryBytes;
    if (options.rings && options.rings.bytes < BigInt(bytes))
      throw new HostError(`the rings of a queue pair need ${bytes} bytes; it was given ${options.rings.bytes}`);
    const own = options.rings ? undefined : memory.allocate(bytes, ringAlignment);
    const { base } = options.rings ?? own ?? { base: 0n };
    const receiveBase = base + BigInt(sendBytes);
    try {
      const number = await driver.command('creation of a queue pair', CommandOpcode.createQueuePair, createQueuePair, {
        domain: this.number,
        sendCompletions: options.sendQueue.number,
        receiveCompletions: options.receiveQueue.number,
        sendRing: base,
        receiveRing: receiveBase,
        sendEntries: shape.sends.entries,
        receiveEntries: shape.receives.entries,
        sendEntryBytes: shape.sends.entryBytes,
        receiveEntryBytes: shape.receives.entryBytes,
      });
      const params = { number, shape, sendBase: base, receiveBase, inHost: own !== undefined, memory: own };
      return driver.addQueuePair(new QueuePair(driver, params));
    } catch (error) {
      if (own) memory.release(own);
      throw error;
    }
  }

  /** @throws RdmaError busy as long as it has queue pairs or memory regions. */
  async free(): Promise<void> {
    await this.driver.command('freeing of a protection domain', CommandOpcode.freeDomain, handleCommand, { handle: this.number });
  }
}
