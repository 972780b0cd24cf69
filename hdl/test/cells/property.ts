import fc from 'fast-check';
import { expect } from 'vitest';
import type { Bench, Open } from './bench.ts';
import { exampleOf } from './examples.ts';
import { type Run, send, type Traffic, type Word } from './traffic.ts';

/** How long to search for a counterexample; fast-check prints the seed with the shortest one that it finds. */
export interface Effort {
  readonly numRuns: number;
  readonly seed: number;
}

/** What holds for a cell whatever its surroundings do. */
export interface Property {
  readonly example: string;
  readonly holds: string;
  readonly check: (open: Open, effort: Effort) => void;
}

/** A property of a bench under any `input`. */
export function property<I>(
  example: string,
  holds: string,
  any: fc.Arbitrary<I>,
  check: (bench: Bench, input: I) => void,
): Property {
  return {
    example,
    holds,
    check: (open, effort) => {
      const bench = open(exampleOf(example));
      fc.assert(
        fc.property(any, input => check(bench, input)),
        effort,
      );
    },
  };
}

/** A cell that gives at each output the list of words that `model` makes of those of the inputs, whoever stalls. */
export function listProperty(
  example: string,
  holds: string,
  any: fc.Arbitrary<Traffic>,
  run: Omit<Run, 'expected'>,
  model: (words: readonly (readonly Word[])[]) => Word[][],
): Property {
  return property(example, holds, any, (bench, given) => {
    const expected = model(given.words);
    expect(send(bench, given, { ...run, expected: expected.map(list => list.length) })).toEqual(expected);
  });
}
