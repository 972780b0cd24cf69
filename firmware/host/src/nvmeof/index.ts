/** Storage over a network: a target that owns no device, and the remote host that uses it. */
export type { OutgoingData, ReceivedCapsule, RemoteBuffer, TargetConnection } from './connection.ts';
export { FabricTarget, type NamespacePlace, type TargetDrive } from './fabric-target.ts';
export {
  type InitiatorBuffer,
  type InitiatorConnection,
  type InitiatorNetwork,
  type InitiatorOptions,
  NvmeOfInitiator,
  type RemoteNamespace,
} from './initiator.ts';
export type { TargetMachine } from './machine.ts';
export type { TargetDevice, TargetNamespace } from './namespace.ts';
export { RdmaInitiatorNetwork } from './rdma-initiator.ts';
export { RdmaPort } from './rdma-port.ts';
export { NvmeOfTarget, type TargetOptions } from './target.ts';
