/** The other end of a network card's wire, in software. */
export { RemoteError } from './remote-error.ts';
export { RemoteNic, type RemoteNicOptions, type RemoteRegion } from './remote-nic.ts';
export type {
  MessageOptions,
  ReceivedMessage,
  RemoteConnection,
  RemoteMemory,
  RemoteQueuePair,
} from './remote-queue-pair.ts';
