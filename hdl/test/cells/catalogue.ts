import type { Contract } from '../../src/cells/contract.ts';
import { examples } from './examples.ts';

/** docs/cells.md. */
export function contractTable(): string {
  return 'x';
}
