import type { DmaClient, Piece } from '../p2pdma/index.ts';

/** Memory of the remote host, which RDMA reaches by a key. */
export interface RemoteBuffer {
  readonly address: bigint;
  readonly key: number;
  readonly bytes: number;
}

/** A command capsule that came. */
export interface ReceivedCapsule {
  /** All of it: the command, and the data that it carries. */
  readonly bytes: Uint8Array;
  /** Where the data behind the command lies, for devices; none if the capsule has none. */
  readonly data?: Piece;
  /** The next capsule may take its place. */
  release(): Promise<void>;
}

/** Data that goes out before a response. */
export interface OutgoingData {
  readonly from: Piece;
  readonly to: RemoteBuffer;
}

/** A queue pair of a network card with a remote host, as a storage target uses it. Local buffers are the processor's addresses: RAM, or memory of a peer. */
export interface TargetConnection {
  /** The network card, as one that reaches peers' memory. */
  readonly network: DmaClient;
  /** The next capsule; nothing when the remote host has gone. */
  receive(): Promise<ReceivedCapsule | undefined>;
  /** Gets data from the remote host: RDMA READ. @throws HostError if the network or the fabric fails. */
  fetch(from: RemoteBuffer, to: Piece): Promise<void>;
  /** Sends a response, and data before it: RDMA WRITE, SEND. Resolves when the buffers are free again. @throws HostError as `fetch`. */
  respond(capsule: Uint8Array, data?: OutgoingData): Promise<void>;
  /** Prepares memory that requests will use, so that they need not. */
  prepare(memory: Piece): Promise<void>;
  close(): Promise<void>;
}
