import type { DeviceHardware, Place } from '../endpoint/hardware.ts';

/** What a network card's firmware needs of its endpoint, beside the wire. The shared registers are the mailbox. */
export interface RdmaHardware extends DeviceHardware {
  /** Reads in chunks, which `target` takes as they come. @throws DmaError if the fabric refuses it; some chunks may have come by then. */
  take(place: Place, bytes: number, target: (at: number, data: Uint8Array) => void): Promise<void>;
  /** Writes in chunks, which `source` gives. @throws DmaError if it may not be sent. */
  give(place: Place, bytes: number, source: (at: number, bytes: number) => Uint8Array): Promise<void>;
  /** The address that the host gave the start of the BAR memory. */
  memoryAddress(): Promise<bigint>;
}
