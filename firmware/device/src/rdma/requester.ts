import { receiverTimerCycles, retryForEver } from '../../../rdma/commands.ts';
import { decodeSyndrome, Nak, Opcode, type Packet, psnAfter, psnDistance } from '../../../rdma/packet.ts';
import { WorkStatus } from '../../../rdma/status.ts';
import { DmaError } from '../endpoint/hardware.ts';
import { workStatusOf } from './command-error.ts';
import { PeerWrites } from './data-mover.ts';
import { messageOpcode } from './message.ts';
import type { QueuePair, SendAttributes } from './queue-pair.ts';
import { SendCompletions } from './send-completions.ts';
import { Signal } from './signal.ts';
import { isRead, isWrite, type SendWork, sendWork, sliceEntries } from './work.ts';
import type { WorkRing } from './work-ring.ts';

/** Requests on their way at a time: more wait in their ring. */
const mostOutstanding = 256;

const nakStatus: { readonly [code: number]: number } = {
  [Nak.invalidRequest]: WorkStatus.remoteInvalidRequest,
  [Nak.remoteAccess]: WorkStatus.remoteAccess,
  [Nak.remoteOperation]: WorkStatus.remoteOperation,
};

/**
 * The sending side of a queue pair: takes requests from the ring, sends their packets, and ends them in their order as the other side acknowledges them.
 *
 *     window   [ acknowledged in part | sent | being sent | …          requests between the oldest that has not ended and the newest taken
 *                                            └ cursor
 *
 * Where the other side wants packets again, or does not answer in time, the cursor goes back to the oldest one that it does not have (go back N); whatever was being
 * sent stops as `epoch` changes.
 */
export class Requester {
  private readonly qp: QueuePair;
  private readonly ring: WorkRing;
  private readonly attributes: SendAttributes;
  private readonly completions: SendCompletions;
  private readonly peers: PeerWrites;
  private readonly signal = new Signal();
  private readonly timer = new Signal();
  private readonly window: SendWork[] = [];
  private cursor = 0;
  private epoch = 0;
  /** Of the next request; of the oldest packet that is not acknowledged; behind the last one that was ever sent. */
  private nextPsn: number;
  private oldestPsn: number;
  private sentPsn: number;
  private retries: number;
  private receiverRetries: number;
  private lastActivity = 0;
  private pausedUntil = 0;
  private watching = false;
  /** The missing response that was asked for again. */
  private askedAgain: number | undefined;
  private stopped = false;
  private arrivals: { readonly work: SendWork; readonly first: number; readonly payloads: Uint8Array[] } | undefined;

  constructor(qp: QueuePair, ring: WorkRing, attributes: SendAttributes) {
    this.qp = qp;
    this.ring = ring;
    this.attributes = attributes;
    this.peers = new PeerWrites(qp.session.hardware);
    this.completions = new SendCompletions(qp, this.peers);
    this.nextPsn = attributes.psn;
    this.oldestPsn = attributes.psn;
    this.sentPsn = attributes.psn;
    this.retries = attributes.retries;
    this.receiverRetries = attributes.receiverRetries;
    qp.tasks.spawn(() => this.run());
    qp.tasks.spawn(() => this.watch());
  }

  /** There are new requests. */
  kick(): void {
    this.signal.raise();
  }

  /** Nothing is sent or ended any more. @returns the numbers of the requests that have not ended. */
  stop(): number[] {
    this.stopped = true;
    this.epoch++;
    this.signal.raise();
    this.timer.raise();
    return [...this.window.splice(0).map(({ index }) => index), ...this.ring.drop()];
  }

  /** Resolves when the ends of all requests that have ended are told. */
  told(): Promise<void> {
    return this.completions.told();
  }

  /** Takes responses of the other side. */
  async take(packets: readonly Packet[]): Promise<void> {
    for (const packet of packets) {
      if (this.stopped) return;
      if (packet.opcode !== Opcode.acknowledge) await this.response(packet);
      else {
        await this.placeArrivals();
        this.answer(packet);
      }
    }
    await this.placeArrivals();
  }

  private async run(): Promise<void> {
    const { scheduler } = this.qp.session.hardware;
    while (!this.stopped) {
      if (this.pausedUntil > scheduler.now) {
        await Promise.race([scheduler.delay(this.pausedUntil - scheduler.now), this.signal.wait()]);
        continue;
      }
      const work = this.window[this.cursor] ?? (await this.next());
      if (this.stopped) return;
      if (work?.failure !== undefined && work === this.window[0]) this.fail(work.failure);
      else if (!work || work.failure !== undefined || this.held(work)) await this.signal.wait();
      else await this.transmit(work);
    }
  }

  /** Takes the next request from the ring into the window. */
  private async next(): Promise<SendWork | undefined> {
    if (this.window.length >= mostOutstanding) return undefined;
    try {
      await this.ring.fill();
      const entry = this.stopped ? undefined : this.ring.take();
      if (!entry) return undefined;
      const { mtu } = this.attributes;
      const { maxMessage } = this.qp.session.profile.information;
      const work = sendWork(entry, { mtu, maxMessage, firstPsn: this.nextPsn });
      this.nextPsn = psnAfter(this.nextPsn, work.packets);
      this.window.push(work);
      return this.window[this.cursor];
    } catch (error) {
      if (!(error instanceof DmaError)) throw error;
      this.qp.fail(WorkStatus.localOperation);
      return undefined;
    }
  }

  /** It waits for READs before it, all of them or one of too many, or for sequence numbers: half of them may be on their way. */
  private held(work: SendWork): boolean {
    if (psnDistance(psnAfter(work.firstPsn, work.packets), this.oldestPsn) < 0) return true;
    const reads = this.window.slice(0, this.cursor).filter(isRead).length;
    return (work.fence && reads > 0) || (isRead(work) && reads >= this.attributes.reads);
  }

  private async transmit(work: SendWork): Promise<void> {
    const { epoch } = this;
    try {
      if (isRead(work)) await this.sendRead(work);
      else await this.sendMessage(work);
    } catch (error) {
      work.failure = workStatusOf(error);
      return;
    }
    // It may have been acknowledged already, and gone.
    if (epoch === this.epoch && this.window[this.cursor] === work) this.cursor++;
  }

  /** Asks for the responses that have not come. */
  private async sendRead(work: SendWork): Promise<void> {
    const { mtu } = this.attributes;
    const offset = work.received * mtu;
    work.asked = work.received;
    work.sent = work.packets;
    const psn = psnAfter(work.firstPsn, work.received);
    this.advance(psnAfter(work.firstPsn, work.packets));
    await this.qp.send({
      opcode: Opcode.readRequest,
      psn,
      acknowledge: true,
      remote: { address: (work.address + BigInt(offset)) & 0xffff_ffff_ffff_ffffn, key: work.key, bytes: work.bytes - offset },
      payload: new Uint8Array(),
    });
  }

  /** Sends what is left of a SEND or WRITE, some packets at a time. */
  private async sendMessage(work: SendWork): Promise<void> {
    const { mtu } = this.attributes;
    const { epoch } = this;
    while (work.sent < work.packets) {
      const offset = work.sent * mtu;
      const bytes = Math.min(this.qp.session.profile.jobBytes, work.bytes - offset);
      const data = work.inline ?? (await this.gather(work, offset, bytes));
      if (epoch !== this.epoch) return;
      for (let at = 0; at === 0 || at < bytes; at += mtu) {
        const payload = data.subarray(at, Math.min(at + mtu, bytes));
        const last = work.sent === work.packets - 1;
        const packet = this.packet(work, payload, last || at + mtu >= bytes);
        work.sent++;
        this.advance(psnAfter(packet.psn, 1));
        await this.qp.send(packet);
        if (epoch !== this.epoch) return;
      }
    }
  }

  private packet(work: SendWork, payload: Uint8Array, acknowledge: boolean): Omit<Packet, 'queuePair'> {
    const { opcode, packets, sent, solicited, immediate, address, key, bytes, firstPsn } = work;
    const last = sent === packets - 1;
    return {
      opcode: messageOpcode(opcode, sent, packets),
      psn: psnAfter(firstPsn, sent),
      solicited: solicited && last,
      acknowledge,
      ...(isWrite(work) && sent === 0 && { remote: { address, key, bytes } }),
      immediate,
      payload,
    };
  }

  private async gather(work: SendWork, offset: number, bytes: number): Promise<Uint8Array> {
    const memory = this.qp.translate(sliceEntries(work.entries, offset, bytes), 'local read');
    try {
      return await this.qp.session.mover.gather(memory.segments);
    } finally {
      memory.release();
    }
  }

  /** Packets before a sequence number are on their way. */
  private advance(psn: number): void {
    if (psnDistance(psn, this.sentPsn) > 0) this.sentPsn = psn;
    this.lastActivity = this.qp.session.hardware.scheduler.now;
    if (!this.watching) this.timer.raise();
  }

  private answer({ psn, answer }: Packet): void {
    const said = decodeSyndrome(answer?.syndrome ?? 0);
    // Answers to packets that were answered before, or never sent.
    if (psnDistance(psn, psnAfter(this.oldestPsn, -1)) < 0 || psnDistance(psn, this.sentPsn) >= 0) return;
    if (said.kind === 'ack') {
      this.acknowledged(psn);
      return;
    }
    if (!this.acknowledged(psnAfter(psn, -1)) || said.kind === 'reserved' || psn !== this.oldestPsn) return;
    if (said.kind === 'receiver not ready') this.receiverNotReady(said.code);
    else if (said.code === Nak.sequence) this.again(psn);
    else this.fail(nakStatus[said.code] ?? WorkStatus.badResponse);
  }

  /** The other side has all packets up to one. @returns whether that can be: an acknowledgement of a READ whose responses did not all come asks for them again. */
  private acknowledged(psn: number): boolean {
    for (let [work] = this.window; work && work.packets > 0; [work] = this.window) {
      const there = psnDistance(psn, work.firstPsn) + 1;
      if (there <= 0) break;
      if (isRead(work) && work.received < Math.min(there, work.packets)) {
        this.missing(work);
        return false;
      }
      if (there < work.packets) break;
      this.window.shift();
      this.cursor = Math.max(0, this.cursor - 1);
      this.completions.add(work, WorkStatus.success);
    }
    const next = psnAfter(psn, 1);
    if (psnDistance(next, this.oldestPsn) > 0) {
      this.oldestPsn = next;
      this.retries = this.attributes.retries;
      this.receiverRetries = this.attributes.receiverRetries;
      this.lastActivity = this.qp.session.hardware.scheduler.now;
    }
    this.signal.raise();
    return true;
  }

  private receiverNotReady(timer: number): void {
    if (this.attributes.receiverRetries !== retryForEver && this.receiverRetries-- === 0) {
      this.fail(WorkStatus.receiverRetriesExceeded);
      return;
    }
    this.pausedUntil = this.qp.session.hardware.scheduler.now + receiverTimerCycles(timer);
    this.goBack(this.oldestPsn);
  }

  /** Sends packets again, from a sequence number on. */
  private again(psn: number): void {
    if (this.retries-- === 0) this.fail(WorkStatus.retriesExceeded);
    else this.goBack(psn);
  }

  private goBack(psn: number): void {
    this.epoch++;
    this.lastActivity = this.qp.session.hardware.scheduler.now;
    let found = false;
    for (const [i, work] of this.window.entries()) {
      const within = psnDistance(psn, work.firstPsn);
      if (within >= work.packets) continue;
      if (!found) this.cursor = i;
      found = true;
      work.sent = Math.max(0, within);
    }
    this.signal.raise();
  }

  /** A response of a READ has not come: it is asked for once, until it does. */
  private missing(work: SendWork): void {
    const psn = psnAfter(work.firstPsn, work.received);
    if (this.askedAgain === psn) return;
    this.askedAgain = psn;
    this.again(psn);
  }

  private async response(packet: Packet): Promise<void> {
    const work = this.window.find(each => isRead(each));
    if (!work || work.sent === 0) return;
    const psn = psnAfter(work.firstPsn, work.received);
    const ahead = psnDistance(packet.psn, psn);
    if (ahead < 0 || psnDistance(packet.psn, this.sentPsn) >= 0) return;
    if (ahead > 0) {
      await this.placeArrivals();
      return this.stopped ? undefined : this.missing(work);
    }
    this.acknowledged(psnAfter(psn, -1));
    if (!this.fits(work, packet)) {
      await this.placeArrivals();
      return this.stopped ? undefined : this.fail(WorkStatus.badResponse);
    }
    this.askedAgain = undefined;
    this.lastActivity = this.qp.session.hardware.scheduler.now;
    if (this.arrivals && this.arrivals.work !== work) await this.placeArrivals();
    this.arrivals ??= { work, first: work.received, payloads: [] };
    this.arrivals.payloads.push(packet.payload);
    work.received++;
    if (work.received < work.packets) return;
    await this.placeArrivals();
    if (!this.stopped) this.acknowledged(psn);
  }

  /**
   * A response has the opcode and the length of its place among those that were asked for. Where they were asked for again in the middle, it may be an answer to
   * the request before.
   */
  private fits(work: SendWork, { opcode, payload }: Packet): boolean {
    const { mtu } = this.attributes;
    const last = work.received === work.packets - 1;
    const { readOnly, readFirst, readLast, readMiddle } = Opcode;
    const [asFirst, asOther] = last ? [readOnly, readLast] : [readFirst, readMiddle];
    const first = work.received === work.asked;
    const wanted = opcode === (first ? asFirst : asOther) || (first && work.asked > 0 && opcode === asOther);
    return wanted && payload.length === (last ? work.bytes - (work.packets - 1) * mtu : mtu);
  }

  /** Writes the responses that have come to memory. */
  private async placeArrivals(): Promise<void> {
    const { arrivals } = this;
    this.arrivals = undefined;
    if (!arrivals || this.stopped) return;
    const { work, first, payloads } = arrivals;
    const bytes = payloads.reduce((sum, { length }) => sum + length, 0);
    try {
      const memory = this.qp.translate(sliceEntries(work.entries, first * this.attributes.mtu, bytes), 'local write');
      try {
        await this.qp.session.mover.scatter(memory.segments, payloads, this.peers);
      } finally {
        memory.release();
      }
    } catch (error) {
      const status = workStatusOf(error);
      if (!this.stopped) this.fail(status);
    }
  }

  /** The oldest request ends with an error, and with it the queue pair. */
  private fail(status: number): void {
    const work = this.window.shift();
    if (work) this.completions.add(work, status);
    this.qp.fail(undefined);
  }

  /** Sends again what nobody answers. */
  private async watch(): Promise<void> {
    const { scheduler } = this.qp.session.hardware;
    while (!this.stopped) {
      const due = Math.max(this.lastActivity, this.pausedUntil) + this.attributes.timeout;
      this.watching = this.oldestPsn !== this.sentPsn;
      if (!this.watching) await this.timer.wait();
      else if (due > scheduler.now) await Promise.race([scheduler.delay(due - scheduler.now), this.timer.wait()]);
      else this.again(this.oldestPsn);
    }
  }
}
