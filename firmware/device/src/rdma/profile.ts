import { type DeviceInformation, deviceSignature, protocolVersion, queuesFor } from '../../../rdma/registers.ts';
import { largestEntryBytes, receiveRequestBytes, scatterEntryBytes, sendRequestBytes } from '../../../rdma/work.ts';
import type { RdmaHardware } from './hardware.ts';

/** What kind of card it is. */
export interface RdmaOptions {
  /** Queue pairs, and completion queues; by default as many as there are doorbells for. */
  readonly queues?: number;
  /** Entries of the largest ring, a power of two up to 32,768: 4,096 by default. */
  readonly entries?: number;
  /** 1,024 by default. */
  readonly memoryRegions?: number;
  /** Bytes of the longest message, up to 2^30, which is the default. */
  readonly maxMessage?: number;
  /** READs on their way at a time, of one queue pair, in each direction: 16 by default. */
  readonly reads?: number;
  /** Bytes that are moved at a time; others have their turn between. A multiple of 4096, 128 KiB by default. */
  readonly jobBytes?: number;
}

/** Everything about the card that does not change. */
export interface Profile {
  readonly information: DeviceInformation;
  readonly jobBytes: number;
}

const protectionDomains = 256;
/** Ranges of a region: their table is read in one go. */
const ranges = 4096;

/** @throws RangeError for what no card can be. */
export function profileOf(hardware: RdmaHardware, options: RdmaOptions): Profile {
  const { name, doorbells, memoryBuffer } = hardware;
  const { entries = 4096, memoryRegions = 1024, maxMessage = 2 ** 30, reads = 16, jobBytes = 131_072 } = options;
  const most = Math.min(256, queuesFor(doorbells));
  const queues = options.queues ?? most;
  const within = (what: string, value: number, low: number, high: number): void => {
    if (!Number.isInteger(value) || value < low || value > high)
      throw new RangeError(`${name} can have ${low} to ${high} ${what}, not ${value}`);
  };
  within(`queues of each kind with its ${doorbells} doorbells`, queues, 1, most);
  within('entries in a ring', entries, 16, 32_768);
  if (!Number.isInteger(Math.log2(entries)))
    throw new RangeError(`rings of ${name} have powers of two of entries, not ${entries}`);
  within('memory regions', memoryRegions, 1, 2 ** 16);
  within('bytes in a message', maxMessage, 4096, 2 ** 30);
  within('READs at a time', reads, 1, 255);
  within('bytes at a time', jobBytes, 4096, 2 ** 24);
  if (jobBytes % 4096 !== 0) throw new RangeError(`${name} moves multiples of 4096 bytes at a time, not ${jobBytes}`);
  return {
    jobBytes,
    information: {
      signature: deviceSignature,
      version: protocolVersion,
      queuePairs: queues,
      completionQueues: queues,
      entries,
      memoryRegions,
      maxMessage,
      ranges,
      scatterEntries: Math.floor((largestEntryBytes - Math.max(sendRequestBytes, receiveRequestBytes)) / scatterEntryBytes),
      reads,
      inlineBytes: largestEntryBytes - sendRequestBytes,
      protectionDomains,
      bufferBar: memoryBuffer?.bar ?? 0,
      bufferOffset: memoryBuffer?.offset ?? 0,
      bufferBytes: memoryBuffer?.bytes ?? 0,
    },
  };
}
