import { HostError } from '../host-error.ts';
import type { DmaClient, Piece } from '../p2pdma/index.ts';
import type { AddressRange } from '../pci-function.ts';
import { describeWorkStatus, type QueuePair, type SendRequest, type WorkCompletion, WorkStatus } from '../rdma/index.ts';
import type { OutgoingData, ReceivedCapsule, RemoteBuffer, TargetConnection } from './connection.ts';
import { commandCapsuleBytes } from './protocol.ts';
import type { RdmaPort } from './rdma-port.ts';

/** What a connection is made of. */
interface ConnectionParts {
  readonly pair: QueuePair;
  /** RAM for capsules: as many slots as the queue has entries. */
  readonly slots: AddressRange;
  readonly slotBytes: number;
  readonly entries: number;
  /** Tells the remote end that this one has gone, as a connection manager does. */
  readonly ended: () => void;
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A queue pair of a network card as a storage target uses it. Receives are known by their slots, sends by numbers above them. */
export class RdmaConnection implements TargetConnection {
  readonly network: DmaClient;
  private readonly port: RdmaPort;
  private readonly of: ConnectionParts;
  private readonly sends = new Map<number, Waiting>();
  private readonly received: { readonly slot: number; readonly bytes: number }[] = [];
  private receiver: (() => void) | undefined;
  private next: number;
  private closed = false;

  constructor(port: RdmaPort, of: ConnectionParts) {
    this.port = port;
    this.network = port.network;
    this.of = of;
    this.next = of.entries;
  }

  /** Gives the card room for as many capsules as the queue has entries. */
  async start(): Promise<void> {
    for (let slot = 0; slot < this.of.entries; slot++) await this.offer(slot);
  }

  /** What the card says of a work request. */
  completed({ id, status, bytes }: WorkCompletion): void {
    const good = status === WorkStatus.success;
    if (id < this.of.entries) {
      if (good) this.received.push({ slot: id, bytes });
      else this.end();
      this.wake();
      return;
    }
    const waiting = this.sends.get(id);
    this.sends.delete(id);
    if (good) waiting?.resolve();
    else waiting?.reject(new HostError(`the network card could not do a request of the target: ${describeWorkStatus(status)}`));
  }

  async receive(): Promise<ReceivedCapsule | undefined> {
    for (;;) {
      const capsule = this.received.shift();
      if (capsule) return this.capsule(capsule.slot, capsule.bytes);
      if (this.closed) return undefined;
      await new Promise<void>(resolve => {
        this.receiver = resolve;
      });
    }
  }

  async fetch({ address, key }: RemoteBuffer, to: Piece): Promise<void> {
    await this.post([{ opcode: 'read', data: [await this.port.entry(to)], remote: { address, rkey: key } }]);
  }

  /** Requests of a queue pair are done in their order, so that the end of the SEND is that of the WRITE too. */
  async respond(capsule: Uint8Array, data?: OutgoingData): Promise<void> {
    const send = { opcode: 'send', inline: capsule } as const;
    if (!data) return this.post([send]);
    const remote = { address: data.to.address, rkey: data.to.key };
    await this.post([{ opcode: 'write', data: [await this.port.entry(data.from)], remote }, send]);
  }

  async prepare(memory: Piece): Promise<void> {
    await this.port.entry(memory);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.end();
    this.wake();
    await this.of.pair.fail();
  }

  private end(): void {
    if (!this.closed) this.of.ended();
    this.closed = true;
    for (const { reject } of this.sends.values()) reject(new HostError('the connection of the target ended'));
    this.sends.clear();
  }

  private wake(): void {
    const { receiver } = this;
    this.receiver = undefined;
    receiver?.();
  }

  private capsule(slot: number, bytes: number): ReceivedCapsule {
    const base = this.slot(slot);
    const behind = bytes - commandCapsuleBytes;
    return {
      bytes: this.port.read({ base, bytes: BigInt(bytes) }),
      ...(behind > 0 && { data: { cpu: base + BigInt(commandCapsuleBytes), bytes: BigInt(behind) } }),
      release: () => this.offer(slot),
    };
  }

  private async offer(slot: number): Promise<void> {
    if (this.closed) return;
    const piece = { cpu: this.slot(slot), bytes: BigInt(this.of.slotBytes) };
    await this.of.pair.postReceive({ id: slot, data: [await this.port.entry(piece)] });
  }

  private slot(slot: number): bigint {
    return this.of.slots.base + BigInt(slot * this.of.slotBytes);
  }

  /** Posts requests, of which the last one tells when all of them have ended. */
  private async post(requests: readonly Omit<SendRequest, 'id' | 'signaled'>[]): Promise<void> {
    if (this.closed) throw new HostError('the connection of the target ended');
    const numbered = requests.map((request, i) => ({ ...request, id: this.next++, signaled: i === requests.length - 1 }));
    const last = this.next - 1;
    const ended = new Promise<void>((resolve, reject) => this.sends.set(last, { resolve, reject }));
    ended.catch(() => {});
    await this.of.pair.postSend(...numbered);
    await ended;
  }
}
