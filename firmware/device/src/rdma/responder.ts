import {
  isFirst,
  isMiddle,
  Nak,
  Opcode,
  type Packet,
  packetsOf,
  psnAfter,
  psnDistance,
  type RemoteExtent,
  Syndrome,
} from '../../../rdma/packet.ts';
import { WorkStatus } from '../../../rdma/status.ts';
import { type Completion, CompletionOpcode } from '../../../rdma/work.ts';
import { DmaError } from '../endpoint/hardware.ts';
import { WorkError, workStatusOf } from './command-error.ts';
import { PeerWrites } from './data-mover.ts';
import type { QueuePair, ReceiveAttributes } from './queue-pair.ts';
import { Responses } from './responses.ts';
import { type ReceiveWork, receiveWork, sliceEntries } from './work.ts';
import type { WorkRing } from './work-ring.ts';

/** What a completion tells of a receive. */
type ReceiveResult = Omit<Completion, 'phase' | 'queuePair' | 'index'>;

/** A message that has begun: where its bytes go, and how many have come. */
interface Message {
  /** Memory of the other side's WRITE; a SEND has none. */
  readonly remote: RemoteExtent | undefined;
  /** The receive that it uses up: of a SEND from its start on, of a WRITE with immediate data at its end. */
  receive: ReceiveWork | undefined;
  offset: number;
}

/** Payload that has come and is not in memory yet. */
interface Arrivals {
  readonly message: Message;
  readonly offset: number;
  readonly payloads: Uint8Array[];
}

/** Ends a message that the other side may not send, or that cannot be received. */
class Refusal extends Error {
  override readonly name = 'Refusal';
  /** One of `Nak`. */
  readonly code: number;
  /** What the host is told: one of `WorkStatus`. */
  readonly status: number;

  constructor(code: number, status: number) {
    super(`refused with ${code}`);
    this.code = code;
    this.status = status;
  }
}

const invalid = (): Refusal => new Refusal(Nak.invalidRequest, WorkStatus.remoteInvalidRequest);

/**
 * The receiving side of a queue pair: takes the other side's requests in the order of their sequence numbers, checks them, and puts their data into memory.
 * What it answers is the matter of `Responses`.
 */
export class Responder {
  private readonly qp: QueuePair;
  private readonly ring: WorkRing;
  private readonly attributes: ReceiveAttributes;
  private readonly peers: PeerWrites;
  private readonly responses: Responses;
  private expected: number;
  /** Messages that were completed. */
  private messages = 0;
  /** The other side was told that something is missing; it is not told again until that comes. */
  private complained = false;
  private current: Message | undefined;
  private arrivals: Arrivals | undefined;
  private stopped = false;

  constructor(qp: QueuePair, ring: WorkRing, attributes: ReceiveAttributes) {
    this.qp = qp;
    this.ring = ring;
    this.attributes = attributes;
    this.peers = new PeerWrites(qp.session.hardware);
    this.responses = new Responses(qp, this.peers, attributes.mtu);
    this.expected = attributes.psn;
  }

  /** Nothing is received or answered any more. @returns the numbers of receives that were not used up. */
  stop(): number[] {
    this.stopped = true;
    this.responses.stop();
    const receive = this.current?.receive;
    this.current = undefined;
    return [...(receive ? [receive.index] : []), ...this.ring.drop()];
  }

  /** Resolves when all that happened so far was told and answered. */
  told(): Promise<void> {
    return this.responses.told();
  }

  /** Takes requests of the other side. */
  async take(packets: readonly Packet[]): Promise<void> {
    let psn = this.expected;
    try {
      for (const packet of packets) {
        if (this.stopped) return;
        psn = this.expected;
        await this.request(packet);
      }
      await this.placeArrivals();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.refuse(psn, error);
    }
  }

  private async request(packet: Packet): Promise<void> {
    const ahead = psnDistance(packet.psn, this.expected);
    if (ahead > 0) {
      await this.placeArrivals();
      if (!this.complained) this.answer(this.expected, Syndrome.nak(Nak.sequence));
      this.complained = true;
    } else if (ahead < 0) {
      await this.placeArrivals();
      this.again(packet);
    } else if (packet.opcode === Opcode.readRequest) {
      await this.placeArrivals();
      this.read(packet);
    } else await this.message(packet);
  }

  /** A request that was carried out before: READs are answered once more, others acknowledged. */
  private again(packet: Packet): void {
    if (packet.opcode === Opcode.readRequest) this.respond(packet);
    else if (packet.acknowledge) this.answer(psnAfter(this.expected, -1), Syndrome.ack);
  }

  private read(packet: Packet): void {
    if (this.current || this.responses.reads >= this.attributes.reads) throw invalid();
    const count = packetsOf(packet.remote?.bytes ?? 0, this.attributes.mtu);
    this.messages++;
    this.respond(packet);
    this.expected = psnAfter(this.expected, count);
    this.complained = false;
  }

  private respond({ psn, remote }: Packet): void {
    const { maxMessage } = this.qp.session.profile.information;
    if (!remote || remote.bytes > maxMessage) throw invalid();
    this.checkRemote(remote, 'remote read');
    if (this.responses.reads < this.attributes.reads) this.responses.add({ kind: 'read', psn, remote, messages: this.messages });
  }

  private async message(packet: Packet): Promise<void> {
    const { opcode, payload, immediate } = packet;
    const begins = this.current === undefined;
    const ends = !isFirst(opcode) && !isMiddle(opcode);
    this.checkPlace(packet, begins);
    const isSend = opcode <= Opcode.sendOnlyImmediate;
    const needsReceive = isSend ? begins : ends && immediate !== undefined;
    if (needsReceive) await this.fetchReceives();
    if (this.stopped) return;
    const entry = needsReceive ? this.ring.take() : undefined;
    if (needsReceive && !entry) return this.notReady();
    const message: Message = this.current ?? { remote: packet.remote, receive: undefined, offset: 0 };
    // The receive is the message's from here on, whatever comes.
    if (entry) message.receive = receiveWork(entry);
    this.current = message;
    const failure = message.receive?.failure;
    if (failure !== undefined) throw new Refusal(Nak.remoteOperation, failure);
    if (begins && packet.remote) this.checkRemote(packet.remote, 'remote write');
    this.checkLength(packet, message, ends);
    await this.collect(message, payload);
    if (this.stopped) return;
    this.complained = false;
    if (ends) {
      await this.placeArrivals();
      if (this.stopped) return;
      this.end(packet, message);
    }
    const { psn } = packet;
    this.expected = psnAfter(psn, 1);
    if (!packet.acknowledge) return;
    await this.placeArrivals();
    this.answer(psn, Syndrome.ack);
  }

  /** The opcode is one that can come now. */
  private checkPlace({ opcode }: Packet, begins: boolean): void {
    const { sendFirst, sendOnly, sendOnlyImmediate, sendMiddle, sendLast, sendLastImmediate, writeFirst } = Opcode;
    const { writeMiddle, writeLast, writeLastImmediate, writeOnly, writeOnlyImmediate } = Opcode;
    const starts: readonly number[] = [sendFirst, sendOnly, sendOnlyImmediate, writeFirst, writeOnly, writeOnlyImmediate];
    const goesOn: readonly number[] = this.current?.remote
      ? [writeMiddle, writeLast, writeLastImmediate]
      : [sendMiddle, sendLast, sendLastImmediate];
    if (!(begins ? starts : goesOn).includes(opcode)) throw invalid();
  }

  /** All packets but the last are full, and together they have the bytes that were announced, or room for them. */
  private checkLength({ opcode, payload }: Packet, { remote, receive, offset }: Message, ends: boolean): void {
    const { mtu } = this.attributes;
    const { maxMessage } = this.qp.session.profile.information;
    const only = offset === 0 && ends;
    const bytes = offset + payload.length;
    if (!ends && payload.length !== mtu) throw invalid();
    if (payload.length > mtu || (payload.length === 0 && !only)) throw invalid();
    if (bytes > maxMessage) throw invalid();
    if (remote && (bytes > remote.bytes || ends !== (bytes === remote.bytes))) throw invalid();
    if (opcode <= Opcode.sendOnlyImmediate && receive && bytes > receive.bytes)
      throw new Refusal(Nak.invalidRequest, WorkStatus.localLength);
  }

  private checkRemote({ key, address, bytes }: RemoteExtent, access: 'remote read' | 'remote write'): void {
    const allowed = access === 'remote read' ? this.attributes.remoteRead : this.attributes.remoteWrite;
    if (!allowed) throw new Refusal(Nak.invalidRequest, WorkStatus.remoteInvalidRequest);
    if (bytes === 0) return;
    const memory = this.qp.session.regions.translate(this.qp.params.domain, key, address, bytes, access);
    if (!memory) throw new Refusal(Nak.remoteAccess, WorkStatus.remoteAccess);
    memory.release();
  }

  private async fetchReceives(): Promise<void> {
    try {
      await this.ring.fill();
    } catch (error) {
      if (error instanceof DmaError) throw new Refusal(Nak.remoteOperation, WorkStatus.localOperation);
      throw error;
    }
  }

  private notReady(): void {
    this.answer(this.expected, Syndrome.receiverNotReady(this.attributes.receiverTimer));
    // Packets behind it are dropped without a word: they will come again.
    this.complained = true;
  }

  private async collect(message: Message, payload: Uint8Array): Promise<void> {
    if (this.arrivals && this.arrivals.message !== message) await this.placeArrivals();
    this.arrivals ??= { message, offset: message.offset, payloads: [] };
    this.arrivals.payloads.push(payload);
    message.offset += payload.length;
  }

  /** Writes the payload that has come to memory. */
  private async placeArrivals(): Promise<void> {
    const { arrivals } = this;
    this.arrivals = undefined;
    if (!arrivals || this.stopped) return;
    const { message, offset, payloads } = arrivals;
    const bytes = payloads.reduce((sum, { length }) => sum + length, 0);
    if (bytes === 0) return;
    const { remote, receive } = message;
    try {
      const entries = remote
        ? [{ address: remote.address + BigInt(offset), bytes, key: remote.key }]
        : sliceEntries(receive?.entries ?? [], offset, bytes);
      const memory = this.qp.translate(entries, remote ? 'remote write' : 'local write');
      try {
        await this.qp.session.mover.scatter(memory.segments, payloads, this.peers);
      } finally {
        memory.release();
      }
    } catch (error) {
      const status = workStatusOf(error);
      const taken = remote !== undefined && error instanceof WorkError;
      throw new Refusal(taken ? Nak.remoteAccess : Nak.remoteOperation, taken ? WorkStatus.remoteAccess : status);
    }
  }

  /** A message is complete. */
  private end({ psn, solicited, immediate }: Packet, message: Message): void {
    this.current = undefined;
    this.messages++;
    const { receive } = message;
    if (!receive) return;
    this.complete(psn, receive.index, {
      opcode: message.remote ? CompletionOpcode.receiveOfWrite : CompletionOpcode.receive,
      status: WorkStatus.success,
      bytes: message.offset,
      immediate: immediate ?? 0,
      hasImmediate: Number(immediate !== undefined),
      solicited: Number(solicited ?? false),
    });
  }

  /** A receive request is over: its completion goes out in the order of responses. */
  private complete(psn: number, index: number, result: ReceiveResult): void {
    const entry = { queuePair: this.qp.number, index, ...result };
    this.responses.add({ kind: 'completion', psn, messages: this.messages, entry });
  }

  private refuse(psn: number, { code, status }: Refusal): void {
    if (this.stopped) return;
    const receive = this.current?.receive;
    this.current = undefined;
    this.arrivals = undefined;
    if (receive) {
      const opcode = CompletionOpcode.receive;
      this.complete(psn, receive.index, { opcode, status, bytes: 0, immediate: 0, hasImmediate: 0, solicited: 0 });
    }
    this.answer(psn, Syndrome.nak(code));
    this.responses.add({ kind: 'failure', reason: status });
    this.stopped = true;
  }

  private answer(psn: number, syndrome: number): void {
    this.responses.add({ kind: 'answer', psn, syndrome, messages: this.messages });
  }
}
