import type { Mutant } from '../mutant.ts';
import { configMutants } from './config.ts';
import { crossbarMutants } from './crossbar.ts';
import { dmaMutants } from './dma.ts';
import { endpointMutants } from './endpoint.ts';
import { linkModelMutants } from './link-model.ts';
import { proofMutants } from './proofs.ts';
import { receiveMutants } from './receive.ts';
import { switchMutants } from './switch.ts';

/** Every bug that `npm run mutants` plants. */
export const mutants: readonly Mutant[] = [
  ...endpointMutants,
  ...configMutants,
  ...receiveMutants,
  ...dmaMutants,
  ...switchMutants,
  ...crossbarMutants,
  ...linkModelMutants,
  ...proofMutants,
];
