import type { Backing } from '../backing.ts';
import type { DeviceHardware, Place, WriteOptions } from '../endpoint/hardware.ts';

/** What an NVMe controller's firmware needs of its endpoint. The shared registers are those of BAR0, doorbells begin at `doorbellBase`. */

export {
  DmaError,
  type HardwareEvent,
  type MemoryBuffer,
  type Place,
  placeAt,
  type WriteOptions,
} from '../endpoint/hardware.ts';

/** How a transfer between media and memory ended. */
export type MoveOutcome = 'success' | 'fabric error' | 'media error';

/** The drive's data. */
export interface NvmeMedia extends Backing {
  /** Makes what was written last over a loss of power; without it, writes do at once. @throws BackingError if the store fails. */
  flush?(): void;
}

export interface NvmeHardware extends DeviceHardware {
  readonly media: NvmeMedia;
  /** From the drive's data at a byte offset to memory. */
  moveFromMedia(offset: number, to: Place, bytes: number, options?: WriteOptions): Promise<MoveOutcome>;
  /** From memory into a buffer of the drive. @throws DmaError; some of it may have come by then. */
  collect(from: Place, into: Uint8Array): Promise<void>;
}
