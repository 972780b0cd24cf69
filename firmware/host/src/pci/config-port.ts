import type { Bdf } from '../pci-function.ts';

/**
 * Configuration space of a domain, whoever carries the requests: packets to simulated hardware, or a model. What no function answers reads as all ones; an ID
 * that a function is not ready to tell reads as `notReady` (2.3.2, software visibility of the retry status).
 */
export interface ConfigPort {
  /** Reads 4 bytes at a multiple of 4. */
  read(bdf: Bdf, offset: number): Promise<number>;
  /** Writes; bit i of `mask` enables byte i. Rejects if no function takes it. */
  write(bdf: Bdf, offset: number, value: number, mask?: number): Promise<void>;
}

/** What a read of the ID gives while the function is not ready after a reset. */
export const notReady = 0xffff_0001;
/** What a read gives where nothing answers. */
export const allOnes = 0xffff_ffff;

/** Time for resets and links, in milliseconds. */
export interface Clock {
  sleep(milliseconds: number): Promise<void>;
}

/** A root complex with its own bus numbers and addresses. */
export interface Domain {
  readonly number: number;
  readonly config: ConfigPort;
  readonly clock: Clock;
  /** Its first bus. */
  readonly bus: number;
  /** A root bus with root ports and integrated endpoints on it, or the link below a root port that is no function itself. */
  readonly starts: 'root bus' | 'link';
  /** The last bus number that it has; 255 without. */
  readonly lastBus?: number;
  /** What the processor adds to a bus address; 0 without. */
  readonly cpuOffset?: bigint;
}
