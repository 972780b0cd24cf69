import { encode } from '../../../layout.ts';
import { CommandOpcode, handleCommand, modifyQueuePair, QueuePairState, retryForEver } from '../../../rdma/commands.ts';
import { doorbellOf } from '../../../rdma/registers.ts';
import { WorkStatus } from '../../../rdma/status.ts';
import {
  receiveEntryBytes,
  receiveRequest,
  receiveRequestBytes,
  scatterEntry,
  scatterEntryBytes,
  sendEntryBytes,
  sendRequest,
  sendRequestBytes,
  WorkOpcode,
} from '../../../rdma/work.ts';
import { HostError } from '../host-error.ts';
import type { AddressRange } from '../pci-function.ts';
import type { CompletionQueue } from './completion-queue.ts';
import type { RdmaDriver } from './driver.ts';
import { type Posting, WorkRing } from './work-ring.ts';

/** Memory of a region that a work request uses. */
export interface ScatterEntry {
  readonly address: bigint;
  readonly bytes: number;
  readonly lkey: number;
}

export interface SendRequest {
  /** Comes back in the completion. */
  readonly id: number;
  readonly opcode: 'send' | 'write' | 'read';
  /** Gathered by SEND and WRITE, filled by READ. */
  readonly data?: readonly ScatterEntry[];
  /** Data of a SEND or WRITE, instead: it may be used again at once. */
  readonly inline?: Uint8Array;
  /** Memory of the other side, of WRITE and READ. */
  readonly remote?: { readonly address: bigint; readonly rkey: number };
  /** Of SEND and WRITE: 32 bits. A WRITE with it takes a receive of the other side. */
  readonly immediate?: number;
  /** Its completion is told even if all goes well; true by default. */
  readonly signaled?: boolean;
  readonly solicited?: boolean;
  /** Waits until READs before it have ended. */
  readonly fence?: boolean;
}

export interface ReceiveRequest {
  readonly id: number;
  readonly data: readonly ScatterEntry[];
}

export interface QueuePairOptions {
  /** Completion queues; they may be the same. */
  readonly sendQueue: CompletionQueue;
  readonly receiveQueue: CompletionQueue;
  /** Powers of two; 64 by default. */
  readonly sendEntries?: number;
  readonly receiveEntries?: number;
  /** Of one work request; 2 by default. */
  readonly scatterEntries?: number;
  /** Of one work request; 0 by default. */
  readonly inlineBytes?: number;
  /** Bus memory for both rings, in a BAR: the card's own, or of another device; host memory by default. */
  readonly rings?: AddressRange;
}

/** How a queue pair is connected. Both sides take the same `mtu`, and each other's numbers. */
export interface Connection {
  /** Number of the queue pair at the other side. */
  readonly remote: number;
  /** Bytes of the largest payload of a packet; 1024 by default. */
  readonly mtu?: 256 | 512 | 1024 | 2048 | 4096;
  /** Sequence numbers of the first packets; 0 by default. */
  readonly sendPsn?: number;
  readonly receivePsn?: number;
  /** Cycles without an answer after which packets are sent again: 1,000,000 by default, and how often in a row: 7. */
  readonly timeoutCycles?: number;
  readonly retries?: number;
  /** How often again if the other side has posted no receive: 0 to 6, or 7 for as often as it takes, which is the default. */
  readonly receiverRetries?: number;
  /** How long the other side waits if no receive is posted, as InfiniBand's code: 1 by default, a hundredth of a millisecond. */
  readonly receiverTimer?: number;
  /** READs on their way at a time, in each direction; what the card can by default. */
  readonly reads?: number;
  /** What the other side may do; all by default. Memory regions have their own permissions. */
  readonly access?: { readonly remoteRead?: boolean; readonly remoteWrite?: boolean };
}

export type QueuePairStateName = 'reset' | 'init' | 'ready to receive' | 'ready to send' | 'error';

const names: { readonly [state: number]: QueuePairStateName } = {
  [QueuePairState.reset]: 'reset',
  [QueuePairState.init]: 'init',
  [QueuePairState.readyToReceive]: 'ready to receive',
  [QueuePairState.readyToSend]: 'ready to send',
  [QueuePairState.error]: 'error',
};

/** Bytes of the entries of both rings. */
export function ringShape(options: QueuePairOptions) {
  const { sendEntries = 64, receiveEntries = 64, scatterEntries = 2, inlineBytes = 0 } = options;
  return {
    scatterEntries,
    inlineBytes,
    sends: { entries: sendEntries, entryBytes: sendEntryBytes(scatterEntries, inlineBytes) },
    receives: { entries: receiveEntries, entryBytes: receiveEntryBytes(scatterEntries) },
  };
}
export type RingShape = ReturnType<typeof ringShape>;

export interface QueuePairParams {
  readonly number: number;
  readonly shape: RingShape;
  readonly sendBase: bigint;
  readonly receiveBase: bigint;
  readonly inHost: boolean;
  /** Memory that goes with it. */
  readonly memory: AddressRange | undefined;
}

/** A queue pair of a reliable connection. */
export class QueuePair {
  readonly number: number;
  /** Memory of the rings, if the driver took it. */
  readonly memory: AddressRange | undefined;
  private readonly driver: RdmaDriver;
  private readonly shape: RingShape;
  private readonly rings: { readonly sends: WorkRing; readonly receives: WorkRing };
  private now: number = QueuePairState.reset;

  constructor(driver: RdmaDriver, { number, shape, sendBase, receiveBase, inHost, memory }: QueuePairParams) {
    this.driver = driver;
    this.number = number;
    this.shape = shape;
    this.memory = memory;
    const { completionQueues } = driver.limits;
    const place = number & 0xff;
    const ring = (base: bigint, { entries, entryBytes }: RingShape['sends'], doorbell: number) =>
      new WorkRing(driver.platform, { base, entries, entryBytes, inHost, doorbell });
    this.rings = {
      sends: ring(sendBase, shape.sends, doorbellOf.sends(place, completionQueues)),
      receives: ring(receiveBase, shape.receives, doorbellOf.receives(place, completionQueues)),
    };
  }

  /** As the driver knows it: `query` asks the card. */
  get state(): QueuePairStateName {
    return names[this.now] ?? 'error';
  }

  /** Makes it ready to receive and to send. @throws RdmaError, HostError. */
  async connect(connection: Connection): Promise<void> {
    const { remote, mtu = 1024, sendPsn = 0, receivePsn = 0, timeoutCycles = 1_000_000, retries = 7 } = connection;
    const { receiverRetries = retryForEver, receiverTimer = 1, reads = this.driver.limits.reads, access = {} } = connection;
    const { init, readyToReceive, readyToSend } = QueuePairState;
    const { remoteRead = true, remoteWrite = true } = access;
    await this.modify({ state: init, remoteRead: Number(remoteRead), remoteWrite: Number(remoteWrite) });
    const receive = { remote, mtu: Math.log2(mtu), receivePsn, remoteReads: reads, receiverTimer };
    await this.modify({ state: readyToReceive, ...receive });
    await this.modify({ state: readyToSend, sendPsn, timeout: timeoutCycles, retries, receiverRetries, reads });
  }

  /** Asks the card for the state. */
  async query(): Promise<QueuePairStateName> {
    this.now = await this.driver.command(`query of queue pair ${this.number}`, CommandOpcode.queryQueuePair, handleCommand, {
      handle: this.number,
    });
    return this.state;
  }

  /** Posts send requests together. Resolves when the doorbell is on its way. @throws HostError if there is no room, or for a request that cannot be. */
  async postSend(...requests: readonly SendRequest[]): Promise<void> {
    await this.rings.sends.post(
      `send request to queue pair ${this.number}`,
      requests.map(request => this.sending(request)),
    );
  }

  /** Posts receive requests together, as `postSend`. They are allowed from the start on, and are used in their order. */
  async postReceive(...requests: readonly ReceiveRequest[]): Promise<void> {
    await this.rings.receives.post(
      `receive request to queue pair ${this.number}`,
      requests.map(request => this.receiving(request)),
    );
  }

  /** Requests that have not ended, as far as completions told. */
  outstanding(which: 'sends' | 'receives'): number {
    return this.rings[which].outstanding;
  }

  /** Takes it to the error state: all that is outstanding is flushed. */
  fail(): Promise<void> {
    return this.modify({ state: QueuePairState.error });
  }

  /** Takes it back to the start; what is outstanding is forgotten without a completion. */
  async reset(): Promise<void> {
    await this.modify({ state: QueuePairState.reset });
    this.rings.sends.reset();
    this.rings.receives.reset();
  }

  destroy(): Promise<void> {
    return this.driver.destroyQueuePair(this);
  }

  /** A completion queue tells that a request has ended. @returns its identifier. */
  ended(which: 'sends' | 'receives', index: number, status: number): number | undefined {
    if (status !== WorkStatus.success) this.now = QueuePairState.error;
    return this.rings[which].ended(index);
  }

  /** An event tells that it went to the error state. */
  broke(): void {
    this.now = QueuePairState.error;
  }

  private async modify(
    values: Partial<Record<keyof typeof modifyQueuePair, number>> & { readonly state: number },
  ): Promise<void> {
    const what = `queue pair ${this.number} to the state '${names[values.state]}'`;
    await this.driver.command(what, CommandOpcode.modifyQueuePair, modifyQueuePair, { ...values, handle: this.number });
    this.now = values.state;
  }

  private sending(request: SendRequest): Posting {
    const { id, opcode, data = [], inline, remote, immediate, signaled = true, solicited = false, fence = false } = request;
    const { send, sendImmediate, write, writeImmediate, read } = WorkOpcode;
    const wrong = (what: string): never => {
      throw new HostError(`send request ${id} of queue pair ${this.number}: ${what}`);
    };
    if (opcode === 'read' && (inline || immediate !== undefined)) wrong('a READ has no inline and no immediate data');
    if (opcode !== 'send' && !remote) wrong('WRITE and READ name memory of the other side');
    if (inline && data.length > 0) wrong('it has data or inline data, not both');
    if (inline && inline.length > this.shape.sends.entryBytes - sendRequestBytes)
      wrong(`${inline.length} inline bytes; its ring has room for ${this.shape.sends.entryBytes - sendRequestBytes}`);
    const has = immediate !== undefined;
    const code = opcode === 'read' ? read : opcode === 'write' ? (has ? writeImmediate : write) : has ? sendImmediate : send;
    const body = inline ?? this.scattered(id, data, sendRequestBytes, this.shape.sends.entryBytes);
    return {
      id,
      encode: index => {
        const entry = encode(sendRequest, sendRequestBytes + body.length, {
          opcode: code,
          signaled: Number(signaled),
          solicited: Number(solicited),
          fence: Number(fence),
          inline: Number(inline !== undefined),
          entries: data.length,
          index,
          inlineBytes: inline?.length ?? 0,
          immediate: (immediate ?? 0) >>> 0,
          key: remote?.rkey ?? 0,
          address: remote?.address ?? 0n,
        });
        entry.set(body, sendRequestBytes);
        return entry;
      },
    };
  }

  private receiving({ id, data }: ReceiveRequest): Posting {
    const body = this.scattered(id, data, receiveRequestBytes, this.shape.receives.entryBytes);
    return {
      id,
      encode: index => {
        const entry = encode(receiveRequest, receiveRequestBytes + body.length, { entries: data.length, index });
        entry.set(body, receiveRequestBytes);
        return entry;
      },
    };
  }

  private scattered(id: number, data: readonly ScatterEntry[], head: number, room: number): Uint8Array {
    const most = Math.floor((room - head) / scatterEntryBytes);
    if (data.length > most)
      throw new HostError(
        `request ${id} of queue pair ${this.number} has ${data.length} scatter-gather entries, of ${most} at most`,
      );
    return Buffer.concat(
      data.map(({ address, bytes, lkey }) => encode(scatterEntry, scatterEntryBytes, { address, bytes, key: lkey })),
    );
  }
}
