import type { Mutant } from '../mutant.ts';
import { cocotbMutants } from './cocotb.ts';
import { commonMutants } from './common.ts';
import { configMutants } from './config.ts';
import { crossbarMutants } from './crossbar.ts';
import { deviceMutants } from './device.ts';
import { dmaMutants } from './dma.ts';
import { endpointMutants } from './endpoint.ts';
import { fabricSoakMutants } from './fabric-soak.ts';
import { faultMutants } from './faults.ts';
import { hostBridgeMutants } from './host-bridge.ts';
import { linkMutants } from './link.ts';
import { linkModelMutants } from './link-model.ts';
import { p2pdmaMutants } from './p2pdma.ts';
import { pciMutants } from './pci.ts';
import { proofMutants } from './proofs.ts';
import { queueMutants } from './queues.ts';
import { receiveMutants } from './receive.ts';
import { soakMutants } from './soak.ts';
import { switchDeviceMutants } from './switch-device.ts';
import { targetMutants } from './target.ts';

/** Every bug that `npm run mutants` plants. */
export const mutants: readonly Mutant[] = [
  ...commonMutants,
  ...configMutants,
  ...receiveMutants,
  ...dmaMutants,
  ...endpointMutants,
  ...soakMutants,
  ...queueMutants,
  ...crossbarMutants,
  ...switchDeviceMutants,
  ...linkMutants,
  ...linkModelMutants,
  ...fabricSoakMutants,
  ...faultMutants,
  ...hostBridgeMutants,
  ...proofMutants,
  ...p2pdmaMutants,
  ...pciMutants,
  ...targetMutants,
  ...deviceMutants,
  ...cocotbMutants,
];
