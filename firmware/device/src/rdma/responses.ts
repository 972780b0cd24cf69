import { Nak, Opcode, packetsOf, psnAfter, type RemoteExtent, Syndrome } from '../../../rdma/packet.ts';
import { WorkStatus } from '../../../rdma/status.ts';
import type { Completion } from '../../../rdma/work.ts';
import { DmaError } from '../endpoint/hardware.ts';
import { WorkError, workStatusOf } from './command-error.ts';
import type { PeerWrites } from './data-mover.ts';
import { responseOpcode } from './message.ts';
import type { QueuePair } from './queue-pair.ts';
import { Signal } from './signal.ts';

interface Answer {
  readonly kind: 'answer';
  readonly psn: number;
  readonly syndrome: number;
  readonly messages: number;
}

interface Read {
  readonly kind: 'read';
  readonly psn: number;
  readonly remote: RemoteExtent;
  readonly messages: number;
}

/** The end of a receive, by the packet of a sequence number. */
interface Told {
  readonly kind: 'completion';
  readonly psn: number;
  readonly messages: number;
  readonly entry: Omit<Completion, 'phase'>;
}

/** What is to be done, one after the other. */
export type Response =
  | Answer
  | Read
  | Told
  /** The queue pair fails. */
  | { readonly kind: 'failure'; readonly reason: number };

/**
 * What the responder of a queue pair has to say, in its order: acknowledgements to the other side, data of its READs, completions of receives. All of it waits until what
 * was written to other devices before has arrived there. The wire is waited for here, and not where packets come in: so two cards never wait for each other.
 */
export class Responses {
  /** READs that wait or are being answered. */
  reads = 0;
  private readonly qp: QueuePair;
  private readonly peers: PeerWrites;
  private readonly mtu: number;
  private readonly queue: Response[] = [];
  private readonly signal = new Signal();
  private readonly waiters: (() => void)[] = [];
  private busy = false;
  private stopped = false;

  constructor(qp: QueuePair, peers: PeerWrites, mtu: number) {
    this.qp = qp;
    this.peers = peers;
    this.mtu = mtu;
    qp.tasks.spawn(() => this.run());
  }

  /** An answer takes the place of one of its kind that waits as the last. */
  add(response: Response): void {
    const last = this.queue.at(-1);
    if (response.kind === 'answer' && last?.kind === 'answer' && response.syndrome === last.syndrome) this.queue.pop();
    if (response.kind === 'read') this.reads++;
    this.queue.push(response);
    this.signal.raise();
  }

  /** Nothing is sent any more; completions of receives that have ended are told. */
  stop(): void {
    this.stopped = true;
    this.signal.raise();
  }

  /** Resolves when all is done that was there. */
  async told(): Promise<void> {
    if (this.busy || this.queue.length > 0) await new Promise<void>(resolve => this.waiters.push(resolve));
  }

  private async run(): Promise<void> {
    while (!this.stopped || this.queue.length > 0) {
      const next = this.queue.shift();
      if (next) {
        this.busy = true;
        await this.carryOut(next);
        this.busy = false;
        continue;
      }
      for (const waiter of this.waiters.splice(0)) waiter();
      await this.signal.wait();
    }
    for (const waiter of this.waiters.splice(0)) waiter();
  }

  private async carryOut(response: Response): Promise<void> {
    if (response.kind === 'failure') {
      if (!this.stopped) this.qp.fail(response.reason);
      return;
    }
    const arrived = await this.arrived();
    if (response.kind === 'completion') await this.complete(response, arrived);
    else if (!arrived) await this.refuse(response, response.psn, Nak.remoteOperation, WorkStatus.localOperation);
    else if (response.kind === 'answer') await this.say(response);
    else await this.read(response);
    if (response.kind === 'read') this.reads--;
  }

  /** Waits for what was written to other devices. @returns whether it has arrived. */
  private async arrived(): Promise<boolean> {
    try {
      await this.peers.arrived();
      return true;
    } catch (error) {
      if (error instanceof DmaError) return false;
      throw error;
    }
  }

  private async complete(response: Told, arrived: boolean): Promise<void> {
    const { entry, psn } = response;
    const lost = !arrived && entry.status === WorkStatus.success;
    // Its place among the completions is what counts here, not when it is written.
    void this.qp.params.receiveCompletions.post(lost ? { ...entry, status: WorkStatus.localOperation, bytes: 0 } : entry);
    if (lost) await this.refuse(response, psn, Nak.remoteOperation, WorkStatus.localOperation);
  }

  private async say({ psn, syndrome, messages }: Answer): Promise<void> {
    if (this.stopped) return;
    await this.qp.send({ opcode: Opcode.acknowledge, psn, answer: { syndrome, messages }, payload: new Uint8Array() });
  }

  private async refuse({ messages }: Answer | Read | Told, psn: number, code: number, reason: number): Promise<void> {
    await this.say({ kind: 'answer', psn, syndrome: Syndrome.nak(code), messages });
    if (!this.stopped) this.qp.fail(reason);
  }

  /** Sends the data of a READ, some packets at a time. */
  private async read(response: Read): Promise<void> {
    const { mtu } = this;
    const { psn, remote, messages } = response;
    const { jobBytes } = this.qp.session.profile;
    const count = packetsOf(remote.bytes, mtu);
    let index = 0;
    try {
      for (let offset = 0; index < count; offset += jobBytes) {
        const data = await this.gather(remote, offset, Math.min(jobBytes, remote.bytes - offset));
        for (let at = 0; at === 0 || at < data.length; at += mtu) {
          if (this.stopped) return;
          await this.qp.send({
            opcode: responseOpcode(index, count),
            psn: psnAfter(psn, index),
            answer: { syndrome: Syndrome.ack, messages },
            payload: data.subarray(at, at + mtu),
          });
          index++;
        }
      }
    } catch (error) {
      const [code, reason] =
        error instanceof WorkError ? [Nak.remoteAccess, WorkStatus.remoteAccess] : [Nak.remoteOperation, workStatusOf(error)];
      await this.refuse(response, psnAfter(psn, index), code, reason);
    }
  }

  private async gather({ address, key }: RemoteExtent, offset: number, bytes: number): Promise<Uint8Array> {
    const memory = this.qp.translate([{ address: address + BigInt(offset), bytes, key }], 'remote read');
    try {
      return await this.qp.session.mover.gather(memory.segments);
    } finally {
      memory.release();
    }
  }
}
