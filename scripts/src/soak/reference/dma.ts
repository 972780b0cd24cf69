import { Random } from '../random.ts';
import { bodyDwords, completionHigh, describe, dwords, hasData, isAtomic, nothing, type Tlp, tlp } from '../tlp.ts';
import type { ConfigReference } from './config.ts';
import { type ErrorReference, Kind } from './errors.ts';
import type { MemoryReference } from './memory.ts';
import { Mismatch, same } from './mismatch.ts';
import { enabled, malformed, span } from './rules.ts';

/** Addresses of the host: the ring of descriptors, that of completion entries, and a window for the remote side of each descriptor. */
export const host = {
  ring: 0x00a0_0000,
  entries: 0x00b0_0000,
  windows: 0x0100_0000,
  window: 0x2000,
  windowCount: 0x800,
} as const;
export const ringEntries = 256;

export interface Transfer {
  readonly opcode: 'none' | 'read' | 'write';
  readonly bytes: number;
  /** Offset of the remote side in its window, and the upper half of its address. */
  readonly inner: number;
  readonly high: number;
  /** Offset of the local side in the BAR memory. */
  readonly offset: number;
  readonly flags: number;
  /** Offset in the BAR memory of the remote side, if it lies there: then no TLP leaves. */
  readonly remote?: number;
  /** The outcome that it will have whatever the host does; 0 by default. */
  readonly outcome?: number;
}

/** Bits of a descriptor's second byte and of the upper half of its first one. */
export const Flag = {
  fence: 0x40,
  status: 0x80,
  interrupt: 0x100,
  readBack: 0x200,
  relaxed: 0x400,
  noSnoop: 0x800,
  translated: 0x2000,
} as const;

interface Open extends Omit<Transfer, 'outcome'> {
  /** Number since the start of the channel, and of the window. */
  readonly number: number;
  readonly window: number;
  /** Bytes of the remote side that were asked for or written. */
  readonly touched: Uint8Array;
  /** Of a write: what has to come. */
  readonly data: Uint8Array;
  /** Bytes of it that nobody knows. */
  readonly wild: Uint8Array;
  came: number;
  /** What the endpoint has to report, the greatest of the requests'. */
  outcome: number;
  entry: boolean;
  /** Its last byte was read back. */
  back: boolean;
  /** The channel says that it is done. */
  ended: boolean;
}

/** A read that the host has not answered in full. */
interface Asked {
  readonly tlp: Tlp;
  readonly data: Uint8Array;
  readonly first: number;
  readonly count: number;
  readonly of: Open | undefined;
  came: number;
  /** What goes wrong with it: 0 nothing, 1 and 4 a status, 5 poison. */
  readonly fault: number;
}

/** Bytes of host memory nobody wrote: a pattern of the address. */
const patternByte = (low: number): number => (Math.imul(low >>> 2, 0x9e37_79b1) >>> (8 * (low & 3))) & 0xff;
const pattern = (low: number, bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, (_, i) => patternByte(low + i));

/**
 * The host of the DMA channel: gives it descriptors, answers its reads out of order, in pieces and now and then with a fault, and checks what it asks
 * for, what it writes, and that entries come behind the data (C4 to C8, C53 to C59, C63, C70f, C81, C99).
 */
export class DmaReference {
  private readonly open: Open[] = [];
  private readonly asked: Asked[] = [];
  private readonly ring = new Uint8Array(32 * ringEntries);
  /** Bytes of reads whose request failed. */
  private readonly failed = new WeakMap<Open, Uint8Array>();
  private random = new Random(0);
  private numbers = 0;
  private windows = 0;
  /** Interrupts that were due; undefined if nobody knows. */
  interrupts: number | undefined = 0;
  /** Transfers may be ended before their time: bus mastering is off. */
  private disturbed = false;
  /** The host answers no reads of data. */
  held = false;
  /** The endpoint must not ask for anything. */
  mute = false;
  private readonly memory: MemoryReference;
  private readonly errors: ErrorReference;
  private readonly owner: ConfigReference;
  private readonly send: (t: Tlp) => boolean;

  /** `send` gives a completion to the link, if there is room. */
  constructor(
    {
      memory,
      errors,
      owner,
    }: { readonly memory: MemoryReference; readonly errors: ErrorReference; readonly owner: ConfigReference },
    send: (t: Tlp) => boolean,
  ) {
    this.memory = memory;
    this.errors = errors;
    this.owner = owner;
    this.send = send;
  }

  reset(seed: number): void {
    this.restart();
    this.asked.length = 0;
    this.random = new Random(seed);
    this.windows = 0;
    this.interrupts = 0;
    this.held = false;
    this.mute = false;
  }

  /** The channel begins anew with the first descriptor; what was under way is forgotten, its reads are still answered. */
  restart(): void {
    for (const transfer of this.open) this.unknown(transfer);
    if (this.open.length > 0) this.interrupts = undefined;
    this.open.length = 0;
    this.numbers = 0;
    this.disturbed = false;
  }

  /** Transfers under way may be refused, until the channel begins anew (C81, C84). */
  disturb(): void {
    this.disturbed = true;
    if (this.open.length > 0) this.interrupts = undefined;
  }

  get unfinished(): number {
    return this.open.length;
  }
  /** Whether all reads have got all their data. */
  get answered(): boolean {
    return this.asked.length === 0;
  }
  get tail(): number {
    return this.numbers % ringEntries;
  }
  /** Whether a transfer that is not done touches a part of the BAR memory. */
  busy(offset: number, bytes: number): boolean {
    const meets = (start: number | undefined, length: number) =>
      start !== undefined && start < offset + bytes && offset < start + length;
    return this.open.some(t => meets(t.offset, t.bytes) || meets(t.remote, t.bytes));
  }

  /** What a transfer brings into the BAR memory is not known yet, or no more. */
  private unknown(t: Pick<Transfer, 'opcode' | 'offset' | 'remote' | 'bytes'>): void {
    const to = targetOf(t);
    if (to !== undefined) this.memory.wild.fill(1, to, to + t.bytes);
  }

  /** Puts a descriptor into the ring. */
  give(t: Transfer): void {
    const { opcode, bytes, inner, high, offset, flags } = t;
    const window = this.windows++ % host.windowCount;
    const number = this.numbers++;
    const place = 32 * (number % ringEntries);
    const view = new DataView(this.ring.buffer, place, 32);
    const low = t.remote === undefined ? host.windows + window * host.window + inner : inner;
    const code = { none: 0, read: 1, write: 2 }[opcode];
    view.setUint16(0, code | flags, true);
    view.setUint16(2, 0, true);
    view.setUint32(4, bytes, true);
    view.setUint32(8, low, true);
    view.setUint32(12, high, true);
    view.setUint32(16, offset, true);
    view.setUint32(20, cookieOf(number), true);
    const from = opcode === 'write' ? offset : t.remote;
    const data = from === undefined ? nothing : this.memory.bytes.slice(from, from + bytes);
    const wild = from === undefined ? nothing : this.memory.wild.slice(from, from + bytes);
    this.open.push({
      ...t,
      number,
      window,
      touched: new Uint8Array(bytes),
      data,
      wild,
      came: 0,
      outcome: t.outcome ?? 0,
      entry: false,
      back: false,
      ended: false,
    });
    const to = targetOf(t);
    if (to === undefined) return;
    this.unknown(t);
    this.memory.touch(to, bytes);
  }

  /** The channel says that all descriptors before `head` are done; what it sent last may still be on its way. @throws Mismatch */
  finished(head: number): void {
    const [first] = this.open;
    if (!first) return;
    const ahead = (head - first.number + 64 * ringEntries) % ringEntries;
    if (ahead <= this.open.length) for (const t of this.open.slice(0, ahead)) t.ended = true;
    for (let t = this.open[0]; t && this.isComplete(t); t = this.open[0]) {
      this.open.shift();
      this.finish(t);
    }
  }

  private isComplete(t: Open): boolean {
    if (!t.ended) return false;
    if (t.remote !== undefined) return t.entry || !(t.flags & Flag.status);
    if (t.opcode === 'read' && t.came !== t.bytes && t.outcome < 6 && !this.disturbed)
      throw new Mismatch(`descriptor ${t.number} is done before its reads were answered`);
    const moved = t.outcome === 7 || t.opcode === 'none' || !t.touched.includes(0);
    const back = t.opcode !== 'write' || !(t.flags & Flag.readBack) || t.outcome > 0 || t.back;
    return moved && back && (t.entry || (t.outcome === 0 && !(t.flags & Flag.status)));
  }

  private finish(t: Open): void {
    if (t.flags & Flag.interrupt && this.interrupts !== undefined) this.interrupts++;
    const to = targetOf(t);
    if (t.remote !== undefined) {
      if (to === undefined || this.disturbed) return;
      this.memory.set(to, t.data);
      this.memory.wild.set(t.wild, to);
      return;
    }
    if (t.outcome === 6) this.errors.add(Kind.timeout, 1, false, 1, undefined);
    if (t.opcode !== 'read' || t.outcome === 7) return;
    if (t.outcome === 6) {
      this.memory.set(t.offset, new Uint8Array(t.bytes));
      return;
    }
    if (t.came !== t.bytes) return;
    const bytes = pattern(host.windows + t.window * host.window + t.inner, t.bytes);
    // A request that failed is delivered as zeros.
    const failed = this.failed.get(t);
    for (let i = 0; i < t.bytes; i++) if (failed?.[i]) bytes[i] = 0;
    this.memory.set(t.offset, bytes);
  }

  /** The endpoint sent a request. @throws Mismatch */
  request(t: Tlp): void {
    try {
      if (this.mute) throw new Mismatch('nothing may be asked for while bus mastering is off');
      same('the requester ID', t.requester, this.owner.id);
      if (malformed(t, hasData(t) ? this.owner.payload : 4096)) throw new Mismatch('the request is malformed');
      same('the traffic class', t.tc, 0);
      same('the flags', t.td + t.ep + t.th, 0);
      if (t.type !== 0 || isAtomic(t)) throw new Mismatch('there is no such request');
      if ((t.fmt & 1) !== (t.high === 0 ? 0 : 1)) throw new Mismatch('the header has not the length that the address wants');
      if (hasData(t)) this.write(t);
      else this.read(t);
    } catch (error) {
      throw error instanceof Mismatch ? new Mismatch(`${error.message}\n  in ${describe(t)}`) : error;
    }
  }

  /** The transfer that an address belongs to. */
  private find(t: Tlp): Open | undefined {
    const window = Math.floor((t.low - host.windows) / host.window);
    return this.open.find(open => open.window === window && open.high === t.high && open.remote === undefined);
  }

  private attributes(t: Tlp, of: Open): void {
    const control = this.owner.read(0x68);
    const wanted = (of.flags & Flag.relaxed && control & 0x10 ? 2 : 0) | (of.flags & Flag.noSnoop && control & 0x800 ? 1 : 0);
    const ido = (this.owner.read(0x88) & 0x100) !== 0 ? 4 : 0;
    same('the attributes', t.attr, wanted | ido);
    same('the address type', t.at, of.flags & Flag.translated ? 2 : 0);
  }

  private read(t: Tlp): void {
    const { first, count } = span(t);
    if (t.tag >= 32) throw new Mismatch('there is no such tag');
    if (this.asked.some(({ tlp }) => tlp.tag === t.tag)) throw new Mismatch('the tag is in use');
    const low = t.low + first;
    if (t.high === 0 && t.low >= host.ring && t.low < host.ring + this.ring.length) {
      if (t.tag >= 8) throw new Mismatch('descriptors are fetched with a tag of others');
      const data = this.ring.slice(t.low - host.ring, t.low - host.ring + 4 * dwords(t));
      this.asked.push({ tlp: t, data, first, count, of: undefined, came: 0, fault: 0 });
      return;
    }
    const of = this.find(t);
    if (!of) throw new Mismatch('nothing is read there');
    const data = pattern(t.low, 4 * dwords(t));
    if (t.tag < 8) {
      // A read-back: of the last byte, when all has been written (C63).
      const end = host.windows + of.window * host.window + of.inner + of.bytes;
      if (of.opcode !== 'write' || !(of.flags & Flag.readBack) || low + count > end)
        throw new Mismatch('nothing is read back there');
      if (!this.disturbed && of.touched.includes(0)) throw new Mismatch('it reads back what it has not written');
      of.back = true;
      this.asked.push({ tlp: t, data, first, count, of: undefined, came: 0, fault: 0 });
      return;
    }
    if (of.opcode !== 'read') throw new Mismatch('nothing is read there');
    if (4 * dwords(t) > this.owner.readRequest) throw new Mismatch('more is read than the limit allows');
    this.attributes(t, of);
    this.touch(of, low, count, 'read');
    const random = this.random.below(64);
    const fault = of.outcome === 6 ? 0 : ([1, 4, 5][random] ?? 0);
    this.asked.push({ tlp: t, data, first, count, of, came: 0, fault });
  }

  /** Bytes of the remote side are asked for or written, each once. */
  private touch(of: Open, low: number, count: number, what: string): void {
    const start = low - (host.windows + of.window * host.window + of.inner);
    if (start < 0 || start + count > of.bytes) throw new Mismatch(`more than descriptor ${of.number} says is ${what}`);
    if (of.touched.subarray(start, start + count).includes(1)) throw new Mismatch(`something is ${what} twice`);
    of.touched.fill(1, start, start + count);
  }

  private write(t: Tlp): void {
    if (t.high === 0 && t.low >= host.entries && t.low < host.entries + 8 * ringEntries) {
      this.entry(t);
      return;
    }
    const of = this.find(t);
    if (of?.opcode !== 'write') throw new Mismatch('nothing is written there');
    this.attributes(t, of);
    const { first, count } = span(t);
    this.touch(of, t.low + first, count, 'written');
    const start = t.low + first - (host.windows + of.window * host.window + of.inner);
    for (let i = 0; i < count; i++) {
      if (!enabled(t, first + i)) throw new Mismatch(`byte ${first + i} is not enabled`);
      const got = t.body[first + i] ?? 0;
      if (got !== of.data[start + i] && of.wild[start + i] === 0)
        throw new Mismatch(`byte ${start + i} of the transfer is ${got}, not ${of.data[start + i]}`);
    }
    of.came += count;
  }

  /** A completion entry. */
  private entry(t: Tlp): void {
    const index = (t.low - host.entries) / 8;
    const of = this.open.find(({ number }) => number % ringEntries === index);
    if (!of || of.entry) throw new Mismatch('this entry is not due');
    of.entry = true;
    same('the length', t.length, 2);
    same('the byte enables', t.first_be + t.last_be, 30);
    same('the attributes', t.attr & 3, 0);
    const view = new DataView(t.body.buffer, t.body.byteOffset, 8);
    const word = view.getUint32(0, true);
    const outcome = (word >>> 28) & 7;
    same('the index', word & 0xffff, index);
    same('the phase', word >>> 31, Math.floor(of.number / ringEntries) % 2 === 0 ? 1 : 0);
    same('the cookie', view.getUint32(4, true), cookieOf(of.number));
    if (this.disturbed && outcome === 7) {
      of.outcome = 7;
      return;
    }
    same('the outcome', outcome, of.outcome);
    // Data comes before its flag (C63).
    if (of.opcode !== 'none' && of.remote === undefined && of.touched.includes(0))
      throw new Mismatch('the entry comes before the data');
  }

  /** Some time has passed: the host answers some of what was asked. @returns completions that were sent. */
  tick(): number {
    let sent = 0;
    // While data is held back the rest is answered at once, for it must not be late as well.
    const waiting = this.held ? this.asked.filter(one => !one.of) : this.asked;
    const most = this.held ? waiting.length : this.random.below(12);
    for (let i = 0; i < most && waiting.length > 0; i++) {
      const one = waiting[this.held ? i : this.random.below(waiting.length)];
      if (!one) break;
      const index = this.asked.indexOf(one);
      const piece = this.piece(one);
      if (!this.send(piece)) break;
      sent++;
      if (this.settled(one, piece)) this.asked.splice(index, 1);
    }
    return sent;
  }

  /** The next completion of a read: up to a multiple of 64 bytes (2.3.1.1). */
  private piece({ tlp: asked, data, first, count, came, fault }: Asked): Tlp {
    const id = { requester: asked.requester, tag: asked.tag, tc: asked.tc, attr: asked.attr };
    const low = (asked.low + first + came) & 0x7f;
    if (fault === 1 || fault === 4) return tlp({ type: 10, length: 0, ...id, high: completionHigh(8, fault, count - came), low });
    const left = count - came;
    const blocks = this.random.below(5);
    const limit = Math.min(this.owner.payload, 64 * (1 + blocks));
    const room = limit - (low & 63);
    const bytes = Math.min(left, room);
    const start = (first + came) & ~3;
    const length = Math.ceil((((first + came) & 3) + bytes) / 4);
    const t = tlp({ fmt: 2, type: 10, length, ...id, high: completionHigh(8, 0, left), low, ep: fault === 5 ? 1 : 0 });
    t.td = this.random.below(8) === 0 ? 1 : 0;
    t.body = new Uint8Array(4 * bodyDwords(t));
    t.body.set(data.subarray(start, start + 4 * length));
    return t;
  }

  /** A completion was sent. @returns whether it was the last one. */
  private settled(one: Asked, piece: Tlp): boolean {
    const { of, fault } = one;
    const lead = (one.first + one.came) & 3;
    const bytes = hasData(piece) ? Math.min(one.count - one.came, 4 * dwords(piece) - lead) : one.count - one.came;
    one.came += bytes;
    const alive = of && this.open.includes(of);
    if (fault === 5) {
      if (alive && !this.disturbed) this.errors.add(Kind.poisoned, 1, true, 2, piece);
      else this.errors.forgive(1);
    }
    if (fault > 0) this.errors.allow(1, 0x3100_0000);
    if (of && fault > 0) {
      of.outcome = Math.max(of.outcome, fault);
      this.zeros(of, one);
    }
    // It comes too late (2.8).
    if (of?.outcome === 6) this.errors.add(Kind.unexpected, 1, true, 2, piece);
    else if (of && !alive && !this.disturbed) this.errors.forgive(1);
    if (one.came < one.count) return false;
    if (of) of.came += one.count;
    return true;
  }

  private zeros(of: Open, { tlp: t, first, count }: Asked): void {
    const start = t.low + first - (host.windows + of.window * host.window + of.inner);
    const failed = this.failed.get(of) ?? new Uint8Array(of.bytes);
    failed.fill(1, start, start + count);
    this.failed.set(of, failed);
  }
}

/** Where a transfer writes in the BAR memory. */
const targetOf = ({ opcode, offset, remote }: Pick<Transfer, 'opcode' | 'offset' | 'remote'>): number | undefined =>
  opcode === 'read' ? offset : opcode === 'write' ? remote : undefined;

const cookieOf = (number: number): number => (Math.imul(number + 1, 0x85eb_ca6b) ^ 0x1357_9bdf) >>> 0;
