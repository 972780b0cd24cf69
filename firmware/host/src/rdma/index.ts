/** The host's driver of RDMA network cards. */
export { describeWorkStatus, WorkStatus } from '../../../rdma/status.ts';
export { QueueError } from '../../../rdma/work.ts';
export { type CompletionKind, CompletionQueue, type WorkCompletion } from './completion-queue.ts';
export { type AsyncEvent, type CardMemory, type CompletionQueueOptions, RdmaDriver, type RdmaDriverOptions } from './driver.ts';
export { RdmaError } from './errors.ts';
export { type MemoryAccess, type MemoryOptions, MemoryRegion, ProtectionDomain } from './protection-domain.ts';
export {
  type Connection,
  QueuePair,
  type QueuePairOptions,
  type QueuePairStateName,
  type ReceiveRequest,
  type ScatterEntry,
  type SendRequest,
} from './queue-pair.ts';
