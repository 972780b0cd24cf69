import { type Batch, frequencies, type Operation, type OperationName, operationNames } from './operation.ts';
import { Random } from './random.ts';

/** Numbers in the settings of a batch. */
export const settingsCount = 24;

const table: readonly OperationName[] = operationNames.flatMap(name => Array.from({ length: frequencies[name] }, () => name));

/** The batch of a seed. */
export function randomBatch(seed: number, width: number, operations: number): Batch {
  const random = new Random(seed);
  const number = () => random.next();
  return {
    width,
    settings: Array.from({ length: settingsCount }, number),
    operations: Array.from({ length: operations }, (): Operation => {
      const name = table[random.below(table.length)] ?? 'write';
      return [name, number(), number(), number(), number()];
    }),
  };
}
