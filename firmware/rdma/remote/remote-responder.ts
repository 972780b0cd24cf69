import { isFirst, isMiddle, Nak, Opcode, type Packet, packetsOf, psnAfter, psnDistance, Syndrome } from '../packet.ts';
import { WorkStatus } from '../status.ts';
import type { RemoteQueuePair } from './remote-queue-pair.ts';

/** A message that has begun. */
interface Incoming {
  /** Where a WRITE goes on in the memory, and how much is left of it. */
  readonly write: { at: number; left: number } | undefined;
  /** Bytes that a SEND may have. */
  readonly room: number;
  readonly parts: Uint8Array[];
  bytes: number;
}

/** What is to be sent: made when its turn comes. */
type Answer = () => Omit<Packet, 'queuePair'>;

const statusOf: { readonly [code: number]: number } = {
  [Nak.invalidRequest]: WorkStatus.remoteInvalidRequest,
  [Nak.remoteAccess]: WorkStatus.remoteAccess,
};

/** The receiving side of the remote end: delivers messages, and serves READs and WRITEs on its memory. */
export class RemoteResponder {
  private readonly pair: RemoteQueuePair;
  private readonly mtu: number;
  private readonly answers: Answer[] = [];
  private wake: (() => void) | undefined;
  private expected: number;
  private messages = 0;
  private complained = false;
  private incoming: Incoming | undefined;
  private stopped = false;

  constructor(pair: RemoteQueuePair, { mtu, psn }: { readonly mtu: number; readonly psn: number }) {
    this.pair = pair;
    this.mtu = mtu;
    this.expected = psn;
    pair.nic.scheduler.spawn('remote responder', () => this.run());
  }

  stop(): void {
    this.stopped = true;
    this.wake?.();
  }

  /** Takes a request. */
  take(packet: Packet): void {
    if (this.stopped) return;
    const ahead = psnDistance(packet.psn, this.expected);
    if (ahead > 0) {
      if (!this.complained) this.answer(this.expected, Syndrome.nak(Nak.sequence));
      this.complained = true;
      return;
    }
    if (packet.opcode === Opcode.readRequest) this.read(packet, ahead === 0);
    else if (ahead === 0) this.message(packet);
    else if (packet.acknowledge) this.answer(psnAfter(this.expected, -1), Syndrome.ack);
  }

  private read({ psn, remote }: Packet, fresh: boolean): void {
    const { nic } = this.pair;
    if (!remote || (fresh && this.incoming)) {
      this.refuse(psn, Nak.invalidRequest);
      return;
    }
    const { address, key, bytes } = remote;
    const at = bytes === 0 ? 0 : nic.reach(key, address, bytes, 'remoteRead');
    if (at === undefined) {
      this.refuse(psn, Nak.remoteAccess);
      return;
    }
    const count = packetsOf(bytes, this.mtu);
    if (fresh) {
      this.messages++;
      this.expected = psnAfter(psn, count);
      this.complained = false;
    }
    const { messages } = this;
    for (let i = 0; i < count; i++) {
      const opcode =
        count === 1 ? Opcode.readOnly : i === 0 ? Opcode.readFirst : i === count - 1 ? Opcode.readLast : Opcode.readMiddle;
      const [from, to] = [i * this.mtu, Math.min(bytes, (i + 1) * this.mtu)];
      this.say(() => ({
        opcode,
        psn: psnAfter(psn, i),
        answer: { syndrome: Syndrome.ack, messages },
        payload: nic.memory.slice(at + from, at + to),
      }));
    }
  }

  private message(packet: Packet): void {
    const { opcode, psn, payload, immediate, remote } = packet;
    const ends = !isFirst(opcode) && !isMiddle(opcode);
    const begins = isFirst(opcode) || opcode === Opcode.sendOnly || opcode === Opcode.sendOnlyImmediate || remote !== undefined;
    const isWrite = opcode >= Opcode.writeFirst;
    const goesOn = this.incoming !== undefined && (this.incoming.write !== undefined) === isWrite;
    if (begins ? this.incoming !== undefined : !goesOn) {
      this.refuse(psn, Nak.invalidRequest);
      return;
    }
    const needsRoom = isWrite ? ends && immediate !== undefined : begins;
    const room = needsRoom ? this.pair.takeReceive() : 0;
    if (room === undefined) {
      this.answer(psn, Syndrome.receiverNotReady(1));
      this.complained = true;
      return;
    }
    const incoming = this.incoming ?? this.begin(packet, room);
    if (!incoming) {
      this.refuse(psn, Nak.remoteAccess);
      return;
    }
    this.incoming = incoming;
    if (!this.place(incoming, payload, ends)) {
      this.refuse(psn, Nak.invalidRequest);
      return;
    }
    this.expected = psnAfter(psn, 1);
    this.complained = false;
    if (ends) this.end(incoming, immediate);
    if (packet.acknowledge) this.answer(psn, Syndrome.ack);
  }

  /** @returns nothing for a WRITE to memory that is not open for it. */
  private begin({ remote }: Packet, room: number): Incoming | undefined {
    if (!remote) return { write: undefined, room, parts: [], bytes: 0 };
    const { address, key, bytes } = remote;
    const at = bytes === 0 ? 0 : this.pair.nic.reach(key, address, bytes, 'remoteWrite');
    return at === undefined ? undefined : { write: { at, left: bytes }, room: 0, parts: [], bytes: 0 };
  }

  /** @returns whether the payload has a length that it may have. */
  private place(incoming: Incoming, payload: Uint8Array, ends: boolean): boolean {
    const { write } = incoming;
    if (ends ? payload.length > this.mtu : payload.length !== this.mtu) return false;
    incoming.bytes += payload.length;
    if (!write) {
      incoming.parts.push(payload);
      return incoming.bytes <= incoming.room;
    }
    if (payload.length > write.left || ends !== (payload.length === write.left)) return false;
    this.pair.nic.memory.set(payload, write.at);
    write.at += payload.length;
    write.left -= payload.length;
    return true;
  }

  private end({ write, parts, bytes }: Incoming, immediate: number | undefined): void {
    this.incoming = undefined;
    this.messages++;
    if (write && immediate === undefined) return;
    const data = new Uint8Array(Buffer.concat(parts));
    this.pair.deliver({ data, bytes, ...(immediate !== undefined && { immediate }) });
  }

  private refuse(psn: number, code: number): void {
    this.answer(psn, Syndrome.nak(code));
    this.stopped = true;
    this.pair.nic.scheduler.spawn('failure of the remote end', async () => this.pair.fail(statusOf[code]));
  }

  private answer(psn: number, syndrome: number): void {
    const { messages } = this;
    this.say(() => ({ opcode: Opcode.acknowledge, psn, answer: { syndrome, messages }, payload: new Uint8Array() }));
  }

  private say(answer: Answer): void {
    this.answers.push(answer);
    this.wake?.();
  }

  private async run(): Promise<void> {
    while (!this.stopped || this.answers.length > 0) {
      const answer = this.answers.shift();
      if (answer) await this.pair.transmit(answer());
      else
        await new Promise<void>(resolve => {
          this.wake = resolve;
        });
    }
  }
}
