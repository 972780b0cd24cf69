import type { DirectionSnapshot } from './links.ts';

/** Turns what link counters say into figures that people compare. */

/** What a modelled link is: its clock in Hz, and the bits of a beat. */
export interface LinkRate {
  readonly clockHz: number;
  readonly width: number;
}

/** How one direction of a link carried user data. All 0 where it carried none. */
export interface DirectionMeasure {
  /** From the first beat of user data to the last, both included. */
  readonly busyCycles: number;
  readonly busySeconds: number;
  /** User data over the busy time, 10^9 byte/s. */
  readonly gbps: number;
  /** Beats of user data per busy cycle: 1 is the limit. */
  readonly share: number;
}

/** 10^9 byte/s; 0 if no time passed. @throws RangeError for a clock that does not run. */
export function gigabytesPerSecond(bytes: number, cycles: number, clockHz: number): number {
  if (!(clockHz > 0)) throw new RangeError(`a modelled clock has more than 0 Hz, not ${clockHz}`);
  return cycles > 0 ? (bytes * clockHz) / cycles / 1e9 : 0;
}

/** What a link could carry in one direction: a full beat in every cycle, in 10^9 byte/s. */
export const linkLimit = ({ clockHz, width }: LinkRate): number => gigabytesPerSecond(width / 8, 1, clockHz);

/** Rate, duration and share of the limit of one direction. */
export function measureDirection(counts: DirectionSnapshot, clockHz: number): DirectionMeasure {
  const busyCycles = counts.data_beats > 0 ? counts.last_data_cycle - counts.first_data_cycle + 1 : 0;
  return {
    busyCycles,
    busySeconds: busyCycles / clockHz,
    gbps: gigabytesPerSecond(counts.data_bytes, busyCycles, clockHz),
    share: busyCycles > 0 ? counts.data_beats / busyCycles : 0,
  };
}

/**
 * Cycles that the first beat of user data took from one place to another (by the links' first data beats), undefined if it was not seen at both.
 */
export function dataLatency(from: DirectionSnapshot, to: DirectionSnapshot): number | undefined {
  return from.data_beats > 0 && to.data_beats > 0 ? to.first_data_cycle - from.first_data_cycle : undefined;
}
