import type { Proof } from '../proof.ts';
import { arbiterProofs } from './arbiters.ts';
import { creditProofs } from './credits.ts';
import { queueProofs } from './queues.ts';
import { routingProofs } from './routing.ts';
import { splittingProofs } from './splitting.ts';
import { tagProofs } from './tags.ts';

/** Everything that `npm run prove` proves. */
export const allProofs: readonly Proof[] = [
  ...queueProofs,
  ...arbiterProofs,
  ...creditProofs,
  ...routingProofs,
  ...splittingProofs,
  ...tagProofs,
];
