import { receiverTimerCycles } from '../commands.ts';
import { decodeSyndrome, Nak, Opcode, type Packet, packetsOf, psnAfter, psnDistance } from '../packet.ts';
import { WorkStatus } from '../status.ts';
import { RemoteError } from './remote-error.ts';
import type { MessageOptions, RemoteMemory, RemoteQueuePair } from './remote-queue-pair.ts';

export interface RequesterOptions {
  readonly mtu: number;
  readonly psn: number;
  readonly timeout: number;
  readonly retries: number;
  readonly reads: number;
}

type Draft = Omit<Packet, 'queuePair' | 'psn'>;

interface Operation {
  readonly what: string;
  readonly firstPsn: number;
  readonly packets: number;
  /** What a READ has got so far. */
  readonly got: Uint8Array[] | undefined;
  /** Packet `index`; for a READ, the request for what comes from there on. */
  make(index: number): Draft;
  readonly resolve: () => void;
  readonly reject: (error: RemoteError) => void;
}

const statusOf: { readonly [code: number]: number } = {
  [Nak.invalidRequest]: WorkStatus.remoteInvalidRequest,
  [Nak.remoteAccess]: WorkStatus.remoteAccess,
  [Nak.remoteOperation]: WorkStatus.remoteOperation,
};
const nothing = new Uint8Array();

/** The sending side of the remote end: all packets that are not acknowledged can be made again, and are, from the first one that is wanted. */
export class RemoteRequester {
  private readonly pair: RemoteQueuePair;
  private readonly options: RequesterOptions;
  private readonly operations: Operation[] = [];
  /** Sequence numbers: of the next operation, of the next packet on the wire, of the oldest that is not acknowledged, and behind the last ever sent. */
  private nextPsn: number;
  private cursor: number;
  private oldest: number;
  private limit: number;
  private retries: number;
  private wake: (() => void) | undefined;
  private timer: Promise<void> | undefined;
  private pausedUntil = 0;
  private lastActivity = 0;
  private stopped = false;

  constructor(pair: RemoteQueuePair, options: RequesterOptions) {
    this.pair = pair;
    this.options = options;
    const { psn } = options;
    this.nextPsn = psn;
    this.cursor = psn;
    this.oldest = psn;
    this.limit = psn;
    this.retries = options.retries;
    const { scheduler } = pair.nic;
    scheduler.spawn('remote requester', () => this.run());
  }

  send(data: Uint8Array, { immediate, solicited = false }: MessageOptions): Promise<void> {
    const { sendFirst, sendMiddle, sendLast, sendOnly, sendLastImmediate, sendOnlyImmediate } = Opcode;
    const ends = immediate === undefined ? [sendLast, sendOnly] : [sendLastImmediate, sendOnlyImmediate];
    return this.message('SEND', data, { solicited, immediate }, [sendFirst, sendMiddle, ...ends]);
  }

  write(data: Uint8Array, to: RemoteMemory, { immediate, solicited = false }: MessageOptions): Promise<void> {
    const { writeFirst, writeMiddle, writeLast, writeOnly, writeLastImmediate, writeOnlyImmediate } = Opcode;
    const ends = immediate === undefined ? [writeLast, writeOnly] : [writeLastImmediate, writeOnlyImmediate];
    const remote = { address: to.address, key: to.rkey, bytes: data.length };
    return this.message('WRITE', data, { solicited, immediate, remote }, [writeFirst, writeMiddle, ...ends]);
  }

  async read(from: RemoteMemory, bytes: number): Promise<Uint8Array> {
    const got: Uint8Array[] = [];
    await this.add('READ', packetsOf(bytes, this.options.mtu), got, index => {
      const offset = index * this.options.mtu;
      const remote = { address: from.address + BigInt(offset), key: from.rkey, bytes: bytes - offset };
      return { opcode: Opcode.readRequest, acknowledge: true, remote, payload: nothing };
    });
    return new Uint8Array(Buffer.concat(got));
  }

  stop(): void {
    this.stopped = true;
    for (const { what, reject } of this.operations.splice(0)) reject(new RemoteError(what, WorkStatus.flushed));
    this.wake?.();
  }

  /** Takes a response. */
  take({ opcode, psn, answer, payload }: Packet): void {
    if (this.stopped || psnDistance(psn, this.limit) >= 0) return;
    if (opcode === Opcode.acknowledge) this.answer(psn, answer?.syndrome ?? 0);
    else this.response(psn, payload);
  }

  private answer(psn: number, syndrome: number): void {
    const said = decodeSyndrome(syndrome);
    if (psnDistance(psn, psnAfter(this.oldest, -1)) < 0) return;
    if (said.kind === 'ack') {
      this.acknowledged(psn);
      return;
    }
    if (!this.acknowledged(psnAfter(psn, -1)) || psn !== this.oldest) return;
    if (said.kind === 'receiver not ready') {
      this.pausedUntil = this.pair.nic.scheduler.now + receiverTimerCycles(said.code);
      this.goBack();
    } else if (said.kind === 'nak' && said.code === Nak.sequence) this.again();
    else if (said.kind === 'nak') this.fail(statusOf[said.code] ?? WorkStatus.badResponse);
  }

  private message(
    what: string,
    data: Uint8Array,
    rest: Pick<Draft, 'remote' | 'solicited'> & { readonly immediate: number | undefined },
    opcodes: readonly number[],
  ): Promise<void> {
    const { mtu } = this.options;
    const { immediate, remote, solicited = false } = rest;
    const copy = data.slice();
    const count = packetsOf(copy.length, mtu);
    return this.add(what, count, undefined, index => {
      const last = index === count - 1;
      const place = count === 1 ? 3 : last ? 2 : index === 0 ? 0 : 1;
      return {
        opcode: opcodes[place] ?? 0,
        acknowledge: last,
        solicited: last && solicited,
        ...(index === 0 && remote && { remote }),
        ...(immediate !== undefined && { immediate }),
        payload: copy.subarray(index * mtu, (index + 1) * mtu),
      };
    });
  }

  private add(what: string, packets: number, got: Uint8Array[] | undefined, make: (index: number) => Draft): Promise<void> {
    if (this.stopped) return Promise.reject(new RemoteError(what, WorkStatus.flushed));
    const firstPsn = this.nextPsn;
    this.nextPsn = psnAfter(firstPsn, packets);
    return new Promise((resolve, reject) => {
      this.operations.push({ what, firstPsn, packets, got, make, resolve, reject });
      this.wake?.();
    });
  }

  private async run(): Promise<void> {
    const { scheduler } = this.pair.nic;
    while (!this.stopped) {
      const paused = this.pausedUntil - scheduler.now;
      const operation = paused > 0 ? undefined : this.next();
      if (operation) await this.transmit(operation);
      else await this.idle(paused);
    }
  }

  /** Waits until there is something to do, or nobody answers in time. */
  private async idle(paused: number): Promise<void> {
    const { scheduler } = this.pair.nic;
    const woken = new Promise<void>(resolve => {
      this.wake = resolve;
    });
    if (paused > 0) await Promise.race([woken, scheduler.delay(paused)]);
    else if (this.oldest === this.limit) await woken;
    else {
      await Promise.race([woken, this.timeout()]);
      if (!this.stopped && this.oldest !== this.limit && scheduler.now >= this.lastActivity + this.options.timeout) this.again();
    }
    this.wake = undefined;
  }

  /** One timer at a time: it may ring early for what was sent since it was set. */
  private timeout(): Promise<void> {
    this.timer ??= this.pair.nic.scheduler.delay(this.options.timeout).then(() => {
      this.timer = undefined;
    });
    return this.timer;
  }

  private next(): Operation | undefined {
    if (this.cursor === this.nextPsn) return undefined;
    const index = this.operations.findIndex(({ firstPsn, packets }) => {
      const within = psnDistance(this.cursor, firstPsn);
      return within >= 0 && within < packets;
    });
    const operation = this.operations[index];
    const reads = this.operations.slice(0, index).filter(({ got }) => got).length;
    return operation?.got && reads >= this.options.reads ? undefined : operation;
  }

  private async transmit({ firstPsn, packets, got, make }: Operation): Promise<void> {
    const psn = this.cursor;
    const packet = { ...make(psnDistance(psn, firstPsn)), psn };
    this.cursor = got ? psnAfter(firstPsn, packets) : psnAfter(psn, 1);
    if (psnDistance(this.cursor, this.limit) > 0) this.limit = this.cursor;
    this.lastActivity = this.pair.nic.scheduler.now;
    await this.pair.transmit(packet);
  }

  private response(psn: number, payload: Uint8Array): void {
    const operation = this.operations.find(({ got }) => got);
    if (!operation?.got) return;
    const expected = psnAfter(operation.firstPsn, operation.got.length);
    const ahead = psnDistance(psn, expected);
    if (ahead < 0 || !this.acknowledged(psnAfter(psn, -1 - Math.max(0, ahead)))) return;
    // Responses are missing, which the timeout asks for again.
    if (ahead > 0) return;
    operation.got.push(payload);
    this.acknowledged(psn);
  }

  /** @returns whether the other side has sent all that a READ before wants. */
  private acknowledged(psn: number): boolean {
    for (let [operation] = this.operations; operation; [operation] = this.operations) {
      const there = psnDistance(psn, operation.firstPsn) + 1;
      if (there <= 0) break;
      if (operation.got && operation.got.length < Math.min(there, operation.packets)) return false;
      if (there < operation.packets) break;
      this.operations.shift();
      operation.resolve();
    }
    const next = psnAfter(psn, 1);
    if (psnDistance(next, this.oldest) > 0) {
      this.oldest = next;
      this.retries = this.options.retries;
      this.lastActivity = this.pair.nic.scheduler.now;
      if (psnDistance(this.cursor, next) < 0) this.cursor = next;
    }
    this.wake?.();
    return true;
  }

  private again(): void {
    if (this.retries-- === 0) this.fail(WorkStatus.retriesExceeded);
    else this.goBack();
  }

  /** Sends again what is not acknowledged. */
  private goBack(): void {
    this.cursor = this.oldest;
    this.lastActivity = this.pair.nic.scheduler.now;
    this.wake?.();
  }

  private fail(status: number): void {
    const first = this.operations.shift();
    first?.reject(new RemoteError(first.what, status));
    this.pair.fail(status);
  }
}
