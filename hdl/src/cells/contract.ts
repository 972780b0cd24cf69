/** A number, or a formula of the cell's parameters: `depth + 1`. */
export type Formula = number | string;

/**
 * What a cell promises, as data: the tests measure every cell and compare, and docs/cells.md is made from it. A formula may use the cell's
 * parameters by name, `n` for the number of streams of a vector, and the operators of arithmetic.
 */
export interface Contract {
  /** What it is for, in one line. */
  readonly purpose: string;
  /** Clock edges between the taking of a word and its offer at the output, where nothing else is in the cell. */
  readonly latency: Formula;
  /** Words per cycle on the busiest stream while nobody stalls; of streams only. */
  readonly throughput?: Formula;
  /** Words that it takes while nobody takes one from it; of streams only. */
  readonly storage?: Formula;
  /** Combinational paths, one entry per output: `in.ready: out.ready`. Streams of a vector count as one. */
  readonly paths: readonly string[];
  /** What reset does. */
  readonly reset: string;
  /** Registers and memories that reset leaves alone: payload, whose validity is kept elsewhere. */
  readonly keeps: readonly string[];
  /** What the surroundings have to keep, beside the rules of a stream. */
  readonly demands?: string;
}
