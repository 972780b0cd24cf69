import type { Capabilities } from '../../../nvme/registers.ts';
import { allUses } from './address-space.ts';
import type { NvmeHardware } from './hardware.ts';

/** A part of the drive that has block addresses of its own. */
export interface NamespaceOptions {
  /** Bytes, whole blocks. */
  readonly bytes: number;
  /** Bytes of a block: a power of two from 512. 512 by default. */
  readonly blockBytes?: number;
}

/** What kind of controller it is. */
export interface NvmeOptions {
  /** 1 … n in this order, one behind the other on the media. By default one, for all of the media. */
  readonly namespaces?: readonly NamespaceOptions[];
  /** Up to 20 characters, and different for each controller of a computer: the name of its hardware by default. */
  readonly serial?: string;
  /** Up to 40 characters. */
  readonly model?: string;
  /** PCI vendor. */
  readonly vendor?: number;
  /** Entries of the largest I/O queue: 2 to 65,536. 1,024 by default. */
  readonly maxEntries?: number;
  /** I/O queues of each kind; by default as many as there are doorbells for. */
  readonly queues?: number;
  /** The largest transfer is 4096 bytes << this: 5 by default, 0 for no limit. */
  readonly maxTransfer?: number;
  /** Commands of all queues that it works on at a time: 64 by default. */
  readonly commands?: number;
  /** What the memory buffer may be used for, as bits of CMBSZ; all by default. */
  readonly bufferUses?: number;
  /** Composite temperature in kelvin: 310 by default. */
  readonly temperature?: number;
}

/** A namespace. */
export interface Namespace {
  readonly id: number;
  /** First byte on the media. */
  readonly offset: number;
  readonly blocks: number;
  readonly blockBytes: number;
}

/** Kelvin from which on the controller says that it is too hot, and that it is critically so. */
export const temperatureLimits = { warning: 343, critical: 353 } as const;

/** Revision of the firmware. */
export const firmwareRevision = '1.0';

/** Asynchronous Event Requests that it holds, and entries of the error log. */
export const eventRequests = 4;
export const errorEntries = 64;
/** Abort commands at a time, as it tells the host; each ends before the next is fetched. */
export const abortLimit = 4;

/** Everything about the controller that does not change. */
export interface Profile {
  readonly capabilities: Capabilities;
  readonly namespaces: readonly Namespace[];
  readonly serial: string;
  readonly model: string;
  readonly vendor: number;
  readonly queues: number;
  readonly maxTransfer: number;
  readonly commands: number;
  readonly bufferUses: number;
  readonly temperature: number;
}

/** @throws RangeError for what no controller can be. */
export function profileOf(hardware: NvmeHardware, options: NvmeOptions): Profile {
  const { maxEntries = 1024 } = options;
  const most = Math.floor(hardware.doorbells / 2) - 1;
  const queues = options.queues ?? most;
  if (most < 1 || queues < 1 || queues > most)
    throw new RangeError(`${hardware.name} has ${hardware.doorbells} doorbells: ${most} I/O queues of each kind, not ${queues}`);
  if (!Number.isInteger(maxEntries) || maxEntries < 2 || maxEntries > 65_536)
    throw new RangeError(`queues of ${hardware.name} have 2 to 65536 entries, not ${maxEntries}`);
  return {
    capabilities: {
      maxEntries,
      contiguousQueues: true,
      arbitration: 0,
      timeout: 20,
      doorbellStride: Math.log2(hardware.doorbellStride / 4),
      commandSets: 1,
      minPage: 0,
      maxPage: 4,
      memoryBuffer: hardware.memoryBuffer !== undefined,
    },
    namespaces: namespacesOf(
      hardware,
      options.namespaces ?? [{ bytes: hardware.media.capacity - (hardware.media.capacity % 512) }],
    ),
    serial: options.serial ?? hardware.name.slice(0, 20),
    model: options.model ?? 'P2P PCIe NVMe controller',
    vendor: options.vendor ?? 0x1d1d,
    queues,
    maxTransfer: options.maxTransfer ?? 5,
    commands: options.commands ?? 64,
    bufferUses: options.bufferUses ?? allUses,
    temperature: options.temperature ?? 310,
  };
}

function namespacesOf(hardware: NvmeHardware, options: readonly NamespaceOptions[]): Namespace[] {
  let offset = 0;
  return options.map(({ bytes, blockBytes = 512 }, i) => {
    const id = i + 1;
    if (blockBytes < 512 || !Number.isInteger(Math.log2(blockBytes)) || bytes <= 0 || bytes % blockBytes !== 0)
      throw new RangeError(`namespace ${id} of ${hardware.name} cannot have ${bytes} bytes in blocks of ${blockBytes}`);
    const namespace = { id, offset, blocks: bytes / blockBytes, blockBytes };
    offset += bytes;
    if (offset > hardware.media.capacity)
      throw new RangeError(`namespace ${id} of ${hardware.name} ends behind the ${hardware.media.capacity} bytes of its media`);
    return namespace;
  });
}
