import type { Batch, Operation } from './operation.ts';
import { operationNames } from './operation.ts';
import type { Failure } from './player.ts';

export interface Shrunk {
  readonly batch: Batch;
  readonly failure: Failure;
}

const most = 2 ** 32 - 1;

/**
 * Makes a failing batch small: leaves out what comes after the failure, then operations by halves, then lets fast-check leave out more and make numbers
 * smaller. Ends after `seconds` with the smallest that was found. Any failure counts, also another one than the first.
 */
export async function shrink(
  player: { play(batch: Batch): Failure | undefined },
  first: Batch,
  seconds: number,
  tell: (size: number) => void,
): Promise<Shrunk | undefined> {
  const end = Date.now() + 1000 * seconds;
  let best: Shrunk | undefined;
  /** Whether a batch fails; if so, it is the best so far. */
  const fails = (settings: readonly number[], operations: readonly Operation[]): boolean => {
    if (Date.now() > end) return false;
    const batch = { ...first, settings, operations };
    const failure = player.play(batch);
    if (!failure) return false;
    if (!best || operations.length < best.batch.operations.length) tell(operations.length);
    best = { batch, failure };
    return true;
  };
  if (!fails(first.settings, first.operations)) return undefined;
  const smallest = () => best?.batch ?? first;
  fails(smallest().settings, smallest().operations.slice(0, (best?.failure.index ?? 0) + 1));
  for (let part = smallest().operations.length; part >= 1; part = part >> 1)
    for (let from = 0; from < smallest().operations.length; ) {
      const { settings, operations } = smallest();
      if (!fails(settings, [...operations.slice(0, from), ...operations.slice(from + part)])) from += part;
    }

  const { default: fc } = await import('fast-check');
  const number = fc.nat(most);
  const operation = fc.tuple(fc.constantFrom(...operationNames), number, number, number, number);
  const { settings, operations } = smallest();
  const example: [number[], Operation[]] = [[...settings], operations.map(o => [...o])];
  const holds = fc.property(
    fc.array(number, { maxLength: settings.length }),
    fc.array(operation, { maxLength: operations.length }),
    (settings, operations) => !fails(settings, operations),
  );
  fc.check(holds, { numRuns: 1, examples: [example] });
  return best;
}
