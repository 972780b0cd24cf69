import { encodePacket, type Packet } from '../packet.ts';
import { WorkStatus } from '../status.ts';
import { RemoteError } from './remote-error.ts';
import type { RemoteNic } from './remote-nic.ts';
import { RemoteRequester } from './remote-requester.ts';
import { RemoteResponder } from './remote-responder.ts';

export interface RemoteConnection {
  /** Number of the queue pair at the other side. */
  readonly remote: number;
  /** Bytes of the largest payload of a packet, the same at both sides: 1024 by default. */
  readonly mtu?: 256 | 512 | 1024 | 2048 | 4096;
  /** Sequence numbers of the first packets; 0 by default. */
  readonly sendPsn?: number;
  readonly receivePsn?: number;
  /** Cycles without an answer after which packets are sent again, and how often in a row: 1,000,000 and 7 by default. */
  readonly timeoutCycles?: number;
  readonly retries?: number;
  /** READs on their way at a time; 16 by default. */
  readonly reads?: number;
}

/** Memory of the other side. */
export interface RemoteMemory {
  readonly address: bigint;
  readonly rkey: number;
}

export interface MessageOptions {
  readonly immediate?: number;
  readonly solicited?: boolean;
}

/** A message that has come. Of a WRITE with immediate data, `data` is empty, and `bytes` says how much was written. */
export interface ReceivedMessage {
  readonly data: Uint8Array;
  readonly bytes: number;
  readonly immediate?: number;
}

/** A queue pair of the remote end. Operations are carried out in the order of the calls. */
export class RemoteQueuePair {
  readonly nic: RemoteNic;
  readonly number: number;
  requester: RemoteRequester | undefined;
  responder: RemoteResponder | undefined;
  private remote = 0;
  private readonly receives: number[] = [];
  private readonly messages: ReceivedMessage[] = [];
  private readonly readers: { readonly resolve: (message: ReceivedMessage) => void; readonly reject: (error: Error) => void }[] =
    [];
  private broken: RemoteError | undefined;

  constructor(nic: RemoteNic, number: number) {
    this.nic = nic;
    this.number = number;
  }

  /** An error ended the connection. */
  get failed(): boolean {
    return this.broken !== undefined;
  }

  connect(connection: RemoteConnection): void {
    const { remote, mtu = 1024, sendPsn = 0, receivePsn = 0, timeoutCycles = 1_000_000, retries = 7, reads = 16 } = connection;
    this.remote = remote;
    this.broken = undefined;
    this.requester = new RemoteRequester(this, { mtu, psn: sendPsn, timeout: timeoutCycles, retries, reads });
    this.responder = new RemoteResponder(this, { mtu, psn: receivePsn });
  }

  /** Makes room for messages of up to so many bytes. */
  postReceive(bytes: number, count = 1): void {
    for (let i = 0; i < count; i++) this.receives.push(bytes);
  }

  /** Room for the next message; none if nothing is posted. */
  takeReceive(): number | undefined {
    return this.receives.shift();
  }

  /** The next message, in the order of sending. @throws RemoteError if the connection ended with an error. */
  receive(): Promise<ReceivedMessage> {
    const message = this.messages.shift();
    if (message) return Promise.resolve(message);
    if (this.broken) return Promise.reject(this.broken);
    return new Promise((resolve, reject) => this.readers.push({ resolve, reject }));
  }

  /** Resolves when the other side has acknowledged it. @throws RemoteError if it does not, or the connection ended before. */
  send(data: Uint8Array, options: MessageOptions = {}): Promise<void> {
    return this.required().send(data, options);
  }

  /** @throws RemoteError. */
  write(data: Uint8Array, to: RemoteMemory, options: MessageOptions = {}): Promise<void> {
    return this.required().write(data, to, options);
  }

  /** @throws RemoteError. */
  read(from: RemoteMemory, bytes: number): Promise<Uint8Array> {
    return this.required().read(from, bytes);
  }

  /** Ends the connection with an error: all operations fail. */
  fail(status: number = WorkStatus.flushed): void {
    if (this.broken) return;
    this.broken = new RemoteError(`queue pair ${this.number} of the remote end`, status);
    this.requester?.stop();
    this.responder?.stop();
    for (const { reject } of this.readers.splice(0)) reject(this.broken);
  }

  /** A message has come. */
  deliver(message: ReceivedMessage): void {
    const reader = this.readers.shift();
    if (reader) reader.resolve(message);
    else this.messages.push(message);
  }

  /** Puts a packet on the wire. */
  transmit(packet: Omit<Packet, 'queuePair'>): Promise<void> {
    return this.nic.wire.send(encodePacket({ ...packet, queuePair: this.remote }));
  }

  private required(): RemoteRequester {
    if (!this.requester)
      throw new RemoteError(
        `queue pair ${this.number} of the remote end is not connected: its operation`,
        WorkStatus.localOperation,
      );
    return this.requester;
  }
}
