import type { Mutant } from '../mutant.ts';
import { endpointMutants } from './endpoint.ts';
import { switchMutants } from './switch.ts';

/** Every bug that `npm run mutants` plants. */
export const mutants: readonly Mutant[] = [...endpointMutants, ...switchMutants];
