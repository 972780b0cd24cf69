/** An independent completer for the tests of requesters: remote memory that answers reads in parts, in any order, and badly if told to. */
import { expect } from 'vitest';
import { Random } from '../../hdl/test/random.ts';
import { completion, dwCount, type Packet, poisoned } from '../src/tlp/packet.ts';
import { Status, TlpType } from '../src/tlp/tlp.ts';
import { byteAt } from './dma-bench.ts';
import type { End } from './dma-model.ts';
import type { PacketSink, PacketSource } from './tlp-model.ts';

/** What becomes of one read. */
export type Fate = 'good' | 'unsupported' | 'abort' | 'poison' | 'drop' | 'late';

/** How the completer behaves. */
export interface Behaviour {
  /** Probability of a part in a cycle with nothing to send. */
  readonly rate: number;
  /** Cycles from request to answer, at the least and at the most. */
  readonly latency: readonly [number, number];
  /** Read completion boundary. */
  readonly boundary: 64 | 128;
  /** At boundaries at random, or not at all. */
  readonly split: 'random' | 'whole';
  readonly order: 'random' | 'request';
  /** Decides what becomes of a read. */
  readonly fate?: (request: Packet) => Fate;
  /** Packets that are sent in place of a part. */
  readonly twist?: (part: Packet) => readonly Packet[];
}

interface Outstanding {
  readonly request: Packet;
  readonly address: bigint;
  readonly bytes: number;
  readonly due: number;
  readonly fate: Fate;
  sent: number;
}

/** Anybody's: what follows fills it in. */
const completer_id = 0;
/** Cycles after which a late answer comes. */
export const lateness = 400;

const atomics: readonly number[] = [TlpType.fetchAdd, TlpType.swap, TlpType.compareSwap];

/** First byte and number of bytes that a read asks for, or that an AtomicOp gets back. */
function extentOf(request: Packet): { readonly address: bigint; readonly bytes: number } {
  const count = dwCount(request);
  if (atomics.includes(request.type))
    return { address: request.address, bytes: request.type === TlpType.compareSwap ? 2 * count : 4 * count };
  const enables = Array.from({ length: 4 * count }, (_, i) => {
    const dw = i >> 2;
    const be = dw === 0 ? request.first_be : dw === count - 1 ? request.last_be : 0xf;
    return ((be >> (i & 3)) & 1) === 1;
  });
  const first = enables.indexOf(true);
  const bytes = enables.lastIndexOf(true) - first + 1;
  if (first < 0) return { address: request.address, bytes: 0 };
  expect(enables.filter(Boolean).length, 'enabled bytes are contiguous').toBe(bytes);
  return { address: request.address + BigInt(first), bytes };
}

export class Completer implements End {
  readonly requests: Packet[] = [];
  behaviour: Behaviour;
  /** AtomicOps come too: each gets what is at its address, and nothing becomes of it. */
  atomics = false;
  /** The most reads that were outstanding at a time. */
  most = 0;
  /** What the reads that were answered well gave: the remote bytes, by address. */
  byte: (address: bigint) => number = byteAt;
  /** Cycle in which the first request moved. */
  firstRequest: number | undefined;
  private cycle = 0;
  private readonly outstanding: Outstanding[] = [];
  private readonly rx: PacketSink;
  private readonly tx: PacketSource;
  private readonly random: Random;
  private readonly fill = new Random(1);

  constructor(rx: PacketSink, tx: PacketSource, random: Random, behaviour: Behaviour) {
    this.rx = rx;
    this.tx = tx;
    this.random = random;
    this.behaviour = behaviour;
  }

  drive(): void {
    this.rx.drive();
    this.tx.drive();
  }

  sample(cycle: number): void {
    this.rx.sample(cycle);
    this.tx.sample(cycle);
    this.cycle = cycle;
    for (const request of this.rx.received.splice(0)) this.take(request);
    this.firstRequest ??= this.rx.times[0];
    this.most = Math.max(this.most, this.outstanding.length);
    if (this.tx.queue.length <= 1 && this.random.chance(this.behaviour.rate)) this.answer();
  }

  /** Reads that are not wholly answered. */
  get waiting(): number {
    return this.outstanding.length + this.tx.queue.length;
  }

  private take(request: Packet): void {
    expect([TlpType.memory, ...(this.atomics ? atomics : [])], 'a memory read').toContain(request.type);
    const twin = this.outstanding.some(o => o.request.tag === request.tag && o.request.requester_id === request.requester_id);
    expect(twin, `C71a: tag ${request.tag} is used twice`).toBe(false);
    const fate = this.behaviour.fate?.(request) ?? 'good';
    this.requests.push(request);
    if (fate === 'drop') return;
    const [least, most] = this.behaviour.latency;
    const wait = least + this.random.below(most - least + 1) + (fate === 'late' ? lateness : 0);
    this.outstanding.push({ request, ...extentOf(request), due: this.cycle + wait, fate, sent: 0 });
  }

  private answer(): void {
    const due = this.outstanding.filter(o => o.due <= this.cycle);
    if (due.length === 0) return;
    const of = this.behaviour.order === 'random' ? this.random.pick(due) : (due[0] as Outstanding);
    const part = this.part(of);
    if (of.sent >= of.bytes) this.outstanding.splice(this.outstanding.indexOf(of), 1);
    const sent = this.behaviour.twist?.(part) ?? [part];
    this.tx.queue.push(...sent.map(packet => this.filled(packet)));
  }

  /** What a requester does not look at: who completes, and what is reserved in a completion (2.2.9). */
  private filled(packet: Packet): Packet {
    const { fill } = this;
    const completer = BigInt(fill.below(2 ** 16)) << 48n;
    const reserved = (BigInt(fill.below(2)) << 44n) | (BigInt(fill.below(2 ** 25)) << 7n);
    const enables = { last_be: fill.below(16), first_be: fill.below(16), th: fill.below(2), at: fill.below(4) };
    return { ...packet, ...enables, address: packet.address | completer | reserved };
  }

  private part(of: Outstanding): Packet {
    // Of an AtomicOp it is 0 (2.2.9).
    const lower = (address: bigint) => (atomics.includes(of.request.type) ? 0 : Number(address & 0x7fn));
    const address = of.address + BigInt(of.sent);
    const rest = of.bytes - of.sent;
    const bad = of.fate === 'unsupported' || of.fate === 'abort';
    if (bad && (of.sent > 0 || this.random.chance(0.5))) {
      of.sent = of.bytes;
      const status = of.fate === 'abort' ? Status.abort : Status.unsupported;
      return completion(of.request, { completer_id, status, byte_count: rest || 1, lower_address: lower(address) });
    }
    const { boundary, split } = this.behaviour;
    const toBoundary = boundary - Number(address % BigInt(boundary));
    const size = split === 'whole' && !bad ? rest : Math.min(rest, toBoundary + boundary * this.random.below(4));
    const start = Number(address & 3n);
    const payload = this.random.bytes(4 * Math.max(1, Math.ceil((start + size) / 4)));
    for (let i = 0; i < size; i++) payload[start + i] = this.byte(address + BigInt(i));
    of.sent += size;
    if (bad && of.sent >= of.bytes) {
      // It was to fail but is all there: the data is poisoned by the status of nothing; fail it here.
      const status = of.fate === 'abort' ? Status.abort : Status.unsupported;
      return completion(of.request, { completer_id, status, byte_count: rest || 1, lower_address: lower(address) });
    }
    const good = completion(of.request, { completer_id, byte_count: rest || 1, lower_address: lower(address) }, payload);
    return of.fate === 'poison' && of.sent >= of.bytes ? poisoned(good) : good;
  }
}
