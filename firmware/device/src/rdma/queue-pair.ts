import { QueuePairState } from '../../../rdma/commands.ts';
import { encodePacket, isResponse, type Packet } from '../../../rdma/packet.ts';
import { WorkStatus } from '../../../rdma/status.ts';
import { CompletionOpcode, EventKind, type ScatterEntry } from '../../../rdma/work.ts';
import { Turns } from '../../../semaphore.ts';
import { WorkError } from './command-error.ts';
import type { CompletionQueue } from './completion-queue.ts';
import { Inbox } from './inbox.ts';
import type { Access, Segment, Translation } from './memory-regions.ts';
import { Requester } from './requester.ts';
import { Responder } from './responder.ts';
import type { Session } from './session.ts';
import { Tasks } from './signal.ts';
import { WorkRing, type WorkRingParams } from './work-ring.ts';

export interface QueuePairParams {
  readonly number: number;
  readonly domain: number;
  readonly sendCompletions: CompletionQueue;
  readonly receiveCompletions: CompletionQueue;
  readonly sends: WorkRingParams;
  readonly receives: WorkRingParams;
}

/** What the receiving side knows of its connection. */
export interface ReceiveAttributes {
  /** Bytes of the largest payload of a packet. */
  readonly mtu: number;
  /** Number of the queue pair at the other side. */
  readonly remote: number;
  /** Sequence number of the first packet. */
  readonly psn: number;
  readonly remoteRead: boolean;
  readonly remoteWrite: boolean;
  /** READs of the other side at a time. */
  readonly reads: number;
  /** Code of the time that the other side waits if no receive is posted. */
  readonly receiverTimer: number;
}

/** What the sending side knows of its connection. */
export interface SendAttributes {
  readonly mtu: number;
  readonly psn: number;
  /** Cycles. */
  readonly timeout: number;
  readonly retries: number;
  readonly receiverRetries: number;
  /** READs at a time. */
  readonly reads: number;
}

/**
 * A queue pair of a reliable connection:
 *
 *     reset ─► init ─► ready to receive (Responder) ─► ready to send (Requester) ─► error: all requests are flushed ─► reset
 */
export class QueuePair {
  readonly session: Session;
  readonly params: QueuePairParams;
  readonly number: number;
  readonly tasks: Tasks;
  /** One of `QueuePairState`. */
  state: number = QueuePairState.reset;
  /** Permissions of the other side, from init on. */
  permissions = { remoteRead: false, remoteWrite: false };
  private sends: WorkRing;
  private receives: WorkRing;
  private requester: Requester | undefined;
  private responder: Responder | undefined;
  private requests: Inbox | undefined;
  private answers: Inbox | undefined;
  private attributes: ReceiveAttributes | undefined;
  private readonly flushTurns = new Turns();
  private abort = new AbortController();

  constructor(session: Session, params: QueuePairParams) {
    this.session = session;
    this.params = params;
    this.number = params.number;
    this.tasks = new Tasks(task =>
      session.hardware.scheduler.spawn(`queue pair ${params.number} of ${session.hardware.name}`, task),
    );
    this.sends = new WorkRing(session.hardware, params.sends);
    this.receives = new WorkRing(session.hardware, params.receives);
  }

  readyToReceive(attributes: ReceiveAttributes): void {
    this.attributes = attributes;
    const responder = new Responder(this, this.receives, attributes);
    this.responder = responder;
    this.requests = this.inbox(packets => responder.take(packets));
    this.state = QueuePairState.readyToReceive;
  }

  readyToSend(attributes: Omit<SendAttributes, 'mtu'>): void {
    const requester = new Requester(this, this.sends, { ...attributes, mtu: this.attributes?.mtu ?? 256 });
    this.requester = requester;
    this.answers = this.inbox(packets => requester.take(packets));
    this.state = QueuePairState.readyToSend;
  }

  /** The host rang a doorbell of the rings. In the error state, what was posted is flushed. @returns whether the value can be. */
  ring(which: 'sends' | 'receives', posted: number): boolean {
    if (this.state === QueuePairState.reset) return true;
    if (!this[which].ring(posted)) return false;
    if (this.state !== QueuePairState.error) this.requester?.kick();
    else this.tasks.spawn(() => this.flushTurns.run(() => this.flush(which, this[which].drop())));
    return true;
  }

  /** Takes a packet of the other side. @returns whether it is kept: a side that is not ready takes none. */
  take(packet: Packet): boolean {
    const inbox = isResponse(packet.opcode) ? this.answers : this.requests;
    inbox?.add(packet);
    return inbox !== undefined;
  }

  /** Puts a packet on the wire; it is dropped if the queue pair is reset before there is room. */
  send(packet: Omit<Packet, 'queuePair'>): Promise<void> {
    return this.session.wire.send(encodePacket({ ...packet, queuePair: this.attributes?.remote ?? 0 }), this.abort.signal);
  }

  /** Where the memory of entries is. @throws WorkError local protection if a key does not allow the access. */
  translate(entries: readonly ScatterEntry[], access: Access): Translation {
    const parts: Translation[] = [];
    const segments: Segment[] = [];
    const release = () => {
      for (const part of parts) part.release();
    };
    for (const { key, address, bytes } of entries) {
      if (bytes === 0) continue;
      const part = this.session.regions.translate(this.params.domain, key, address, bytes, access);
      if (!part) {
        release();
        throw new WorkError(WorkStatus.localProtection);
      }
      parts.push(part);
      segments.push(...part.segments);
    }
    return { segments, release };
  }

  /** Goes to the error state, and ends all requests. `reason` is what the host is told by an event, if no completion tells it. */
  fail(reason: number | undefined): void {
    if (this.state === QueuePairState.error || this.state === QueuePairState.reset) return;
    this.state = QueuePairState.error;
    if (reason !== undefined) this.session.events.raise({ kind: EventKind.queuePair, reason, number: this.number });
    const { requester, responder } = this;
    const sends = requester?.stop() ?? [];
    const receives = responder?.stop() ?? [];
    this.tasks.spawn(() =>
      this.flushTurns.run(async () => {
        await requester?.told();
        await responder?.told();
        await this.flush('sends', [...sends, ...this.sends.drop()]);
        await this.flush('receives', [...receives, ...this.receives.drop()]);
      }),
    );
  }

  /** Goes back to the reset state, in which it is as new. Resolves when nothing runs any more. */
  async reset(): Promise<void> {
    this.state = QueuePairState.reset;
    this.requester?.stop();
    this.responder?.stop();
    this.abort.abort();
    await this.tasks.ended();
    this.requester = undefined;
    this.responder = undefined;
    this.requests = undefined;
    this.answers = undefined;
    this.attributes = undefined;
    this.abort = new AbortController();
    this.sends = new WorkRing(this.session.hardware, this.params.sends);
    this.receives = new WorkRing(this.session.hardware, this.params.receives);
  }

  private inbox(take: (packets: readonly Packet[]) => Promise<void>): Inbox {
    const { session } = this;
    return new Inbox(this.tasks, session.hardware.scheduler, session.profile.jobBytes, take, count => session.packetsLeft(count));
  }

  private async flush(which: 'sends' | 'receives', indexes: readonly number[]): Promise<void> {
    const { sendCompletions, receiveCompletions } = this.params;
    const queue = which === 'sends' ? sendCompletions : receiveCompletions;
    const opcode = which === 'sends' ? CompletionOpcode.send : CompletionOpcode.receive;
    for (const index of indexes)
      await queue.post({
        queuePair: this.number,
        index,
        opcode,
        status: WorkStatus.flushed,
        bytes: 0,
        immediate: 0,
        hasImmediate: 0,
        solicited: 0,
      });
  }
}
