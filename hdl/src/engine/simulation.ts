import type { ClockTimings } from './clock-schedule.ts';

/**
 * What every engine offers, and no more: ports as words of shared memory, memories as bytes, and `run`. Per-cycle work stays inside the
 * engine; a test bench is hardware (stream transactors) around the design under test, and JavaScript fills and drains its ring memories.
 */

/** A port of the top module. */
export interface PortView {
  readonly name: string;
  readonly direction: 'input' | 'output';
  readonly width: number;
  /**
   * The value as 32-bit words, least significant first, on the engine's own memory: read it after `settle`, `step` or `run`; for an input
   * write it before them. Bits above `width` are 0 and must stay so.
   */
  readonly words: Uint32Array;
}

/** The bytes of a memory: word i starts at byte i * stride, least significant byte first. Writing them changes the simulated memory. */
export interface MemoryView {
  readonly width: number;
  readonly depth: number;
  /** Bytes from one word to the next; padding bytes are 0 and must stay so. */
  readonly stride: number;
  readonly bytes: Uint8Array;
}

/** A named signal anywhere in the design: read it as a port. */
export interface SignalView {
  /** Path below the top module. */
  readonly name: string;
  readonly width: number;
  /** As those of a port. */
  readonly words: Uint32Array;
  /** Names of the states of an enumeration, by code. */
  readonly states: readonly string[] | undefined;
}

/**
 * One simulated design. At creation every register and memory is 0 (but for memories with contents) and inputs are 0; nothing is reset until the
 * caller drives `rst` (which is a port of the top module like any other where a register has a reset value; clocks are the engine's own). An
 * asynchronous reset that is active low is active then, as its port is 0.
 *
 * One cycle is: settle the combinational logic with the inputs as they are, then clock all registers at once. Outputs read after `step` or
 * `run` are settled after the last edge. In a design with several clocks a cycle is an instant at which at least one of them rises; all that rise
 * then clock their registers at once. An asynchronous reset acts when the logic is settled, too.
 */
export interface Simulation extends Disposable {
  readonly engine: string;
  /** Clock edges since creation. */
  readonly cycle: number;
  /** Ports by their name in the emitted Verilog, in order; `clk` is not among them. */
  readonly ports: ReadonlyMap<string, PortView>;
  /** All named signals by path, such as `source.count`; there only if the engine can and the option `signals` asks for it. */
  readonly signals?: ReadonlyMap<string, SignalView> | undefined;
  /** A memory by its path below the top module, such as `source.ring`. @throws SimulationError if there is none. */
  memory(path: string): MemoryView;
  /** Settles the combinational logic with the inputs as they are. */
  settle(): void;
  /** Runs exactly `cycles` cycles. */
  step(cycles?: number): void;
  /**
   * Settles, then runs until the top's 1-bit output `attention` is 1, or `maxCycles` have run. @returns the cycles run, 0 if `attention`
   * was already 1. Without such an output it runs `maxCycles`.
   */
  run(maxCycles: number): number;
  /**
   * The state as it is now: inputs, registers, memories and the cycle, for `restore` of a simulation of the same design. Waveforms are not in it.
   * @throws SimulationError if the engine cannot.
   */
  save(): Uint8Array;
  /**
   * Goes on from a state that `save` gave, and settles. Views of ports and memories stay the same and show it.
   * @throws SimulationError if the state is of another design or not complete; the simulation is then as it was.
   */
  restore(state: Uint8Array): void;
}

/** Options that every engine takes. */
export interface SimulationOptions {
  /** When the clocks of a design with several clocks rise, by the name of the clock's port; see `Simulation` for what a cycle is then. */
  readonly clocks?: ClockTimings;
  /**
   * Writes a waveform of every named signal to this file, closed on dispose: FST if its name ends in `.fst`, else VCD. Time 0 is the state before
   * the first edge.
   */
  readonly trace?: string;
  /** Whether all named signals can be read, not only the ports. It costs speed: they are computed whenever the logic is settled. */
  readonly signals?: boolean;
  /**
   * Notes what is exercised: bits that rise and fall, conditions, states. Slower, as with `trace`. Of the embedded and the native engine, whose
   * simulations give it by `coverage()`; what else counts is an option of other engines.
   */
  readonly coverage?: boolean;
  /** Paths of the memories that the caller will reach; all by default. An engine may be faster if it knows. */
  readonly memories?: readonly string[];
}

/** What went wrong in an engine, told to the person who runs it. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError';
}
