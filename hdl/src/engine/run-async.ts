import type { Simulation } from './simulation.ts';

export interface RunAsyncOptions {
  /** Stops the run at the end of a slice, with the signal's reason as the error. The simulation stays usable. */
  readonly signal?: AbortSignal;
  /** Told after each slice of the cycles that have run and how many there will be at most. */
  readonly onProgress?: (cycles: number, maxCycles: number) => void;
  /** Cycles of a slice. By default as many as take about 20 ms, measured as the run goes. */
  readonly slice?: number;
}

/** A slice takes about so many milliseconds: what a screen or a server may be kept waiting. */
const SLICE_TIME = 20;
const FIRST_SLICE = 256;
const LARGEST_SLICE = 2 ** 30;

/**
 * Does what `simulation.run(maxCycles)` does, in slices between which everything else that waits for the event loop gets its turn.
 * @returns the cycles run.
 * @throws RangeError for a slice of no cycles; the reason of `signal` if it is aborted; SimulationError as `run` does.
 */
export async function runAsync(
  simulation: Pick<Simulation, 'run'>,
  maxCycles: number,
  { signal, onProgress, slice }: RunAsyncOptions = {},
): Promise<number> {
  if (slice !== undefined && !(Number.isSafeInteger(slice) && slice > 0))
    throw new RangeError(`A slice is a whole number of cycles from 1 up, not ${slice}.`);
  let size = slice ?? FIRST_SLICE;
  let cycles = 0;
  for (;;) {
    signal?.throwIfAborted();
    // The last slice may have no cycles: whatever number run() refuses is refused here, too.
    const asked = maxCycles - cycles < size ? maxCycles - cycles : size;
    const start = performance.now();
    const ran = simulation.run(asked);
    const time = performance.now() - start;
    cycles += ran;
    onProgress?.(cycles, maxCycles);
    if (ran < asked || cycles === maxCycles) return cycles;
    if (slice === undefined) size = nextSize(size, time);
    await turn();
  }
}

/** As many cycles as would have taken the time of a slice; at most eight times as many as before, because activity changes. */
function nextSize(size: number, time: number): number {
  const wanted = time > 0 ? (size * SLICE_TIME) / time : Number.POSITIVE_INFINITY;
  return Math.max(1, Math.min(Math.floor(wanted), 8 * size, LARGEST_SLICE));
}

/** Resolves when the event loop has been round, in a browser without the delay that nested timers have. */
function turn(): Promise<void> {
  return new Promise(resolve => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
