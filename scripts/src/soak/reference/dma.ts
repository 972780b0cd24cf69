import { tags } from '../device.ts';
import type { FaultLedger } from '../fault-ledger.ts';
import { describe, dwords, hasData, isAtomic, nothing, type Tlp } from '../tlp.ts';
import { HostAnswers } from './answers.ts';
import type { ConfigReference } from './config.ts';
import type { EndpointReference } from './endpoint.ts';
import { type ErrorReference, Kind } from './errors.ts';
import type { MemoryReference } from './memory.ts';
import { Mismatch, same } from './mismatch.ts';
import { enabled, malformed, span } from './rules.ts';
import {
  type AtomicJob,
  cookieOf,
  Flag,
  host,
  type Job,
  type Open,
  pattern,
  remoteOf,
  ringEntries,
  type Transfer,
  targetOf,
} from './transfers.ts';

/**
 * The host of the DMA channel: gives it descriptors, answers its reads out of order, in pieces and now and then with a fault, and checks what it asks
 * for, what it writes, and that entries come behind the data (C4 to C8, C53 to C59, C63, C70f, C81, C99).
 */
export class DmaReference {
  private readonly open: Open[] = [];
  /** Jobs of the firmware, until all of them was seen. */
  private readonly jobs: Open[] = [];
  readonly answers: HostAnswers;
  private readonly ring = new Uint8Array(32 * ringEntries);
  private numbers = 0;
  /** Write jobs that ended as refused: their last writes, and a flush, may still be on their way. */
  private readonly refused: Open[] = [];
  private windows = 0;
  /** Upper half of the addresses of the rings, and of what the endpoint posts. */
  upper = 0;
  /** The endpoint must not ask for anything. */
  mute = false;
  private readonly memory: MemoryReference;
  private readonly errors: ErrorReference;
  private readonly owner: ConfigReference;
  private readonly functions: readonly ConfigReference[];
  private readonly interrupt: (what: 'will come' | 'may be lost') => void;
  private readonly faults: FaultLedger;

  /** `send` gives a completion to the link, if there is room; `interrupt` hears of those of descriptors. */
  constructor(
    { memory, errors, functions, faults }: Pick<EndpointReference, 'memory' | 'errors' | 'functions' | 'faults'>,
    send: (t: Tlp) => boolean,
    interrupt: (what: 'will come' | 'may be lost') => void,
  ) {
    this.memory = memory;
    this.errors = errors;
    const [owner] = functions;
    if (!owner) throw new RangeError('there is no function');
    this.owner = owner;
    this.functions = functions;
    this.faults = faults;
    this.answers = new HostAnswers({ errors, faults }, t => this.open.includes(t) || this.jobs.includes(t), send);
    this.interrupt = interrupt;
  }

  reset(seed: number): void {
    this.restart();
    this.answers.reset(seed);
    this.upper = Math.imul(seed, 0x9e37_79b1) >>> 0;
    this.jobs.length = 0;
    this.refused.length = 0;
    this.windows = 0;
    this.mute = false;
  }

  /** The channel begins anew with the first descriptor; what was under way is forgotten, its reads are still answered. */
  restart(): void {
    for (const transfer of this.open) this.unknown(transfer);
    if (this.open.length > 0) this.interrupt('may be lost');
    this.open.length = 0;
    this.numbers = 0;
  }

  /** Transfers under way may be refused, until the channel begins anew (C81, C84). */
  disturb(): void {
    for (const t of [...this.open, ...this.jobs]) if (t.by === this.owner) this.excuse(t);
    if (this.open.length > 0) this.interrupt('may be lost');
  }

  /** Nothing has to tell how it ends. */
  private excuse(t: Open): void {
    t.disturbed = true;
    for (const fault of t.faults) this.faults.found(fault, 'harmless');
  }

  /** The link goes down: nobody answers any more, and what is under way may be lost. */
  cut(): void {
    this.refused.length = 0;
    for (const t of [...this.open, ...this.jobs]) {
      this.excuse(t);
      t.lost = true;
    }
    this.interrupt('may be lost');
    this.answers.silent = true;
  }
  /** Nothing of what was under way is left. */
  joined(): void {
    this.answers.forget();
    this.answers.silent = false;
  }

  get unfinished(): number {
    return this.open.length;
  }
  /** Jobs of the firmware of which something is still to come. */
  get working(): number {
    return this.jobs.length;
  }
  /** A descriptor is under way whose data stays inside. */
  get copies(): boolean {
    return this.open.some(({ remote }) => remote !== undefined);
  }
  get tail(): number {
    return this.numbers % ringEntries;
  }
  /** Whether a transfer that is not done touches a part of the BAR memory. */
  busy(offset: number, bytes: number): boolean {
    const meets = (start: number | undefined, length: number) =>
      start !== undefined && start < offset + bytes && offset < start + length;
    return [...this.open, ...this.jobs].some(t => (!t.media && meets(t.offset, t.bytes)) || meets(t.remote, t.bytes));
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
    this.open.push(this.begin(t, { number, window, by: this.owner }));
    if (flags & Flag.interrupt) this.interrupt('will come');
  }

  /** What is known of a transfer when it begins. */
  private begin(
    t: Transfer & Partial<Pick<Job, 'flush' | 'media'>>,
    more: Pick<Open, 'number' | 'window' | 'by'> & { readonly job?: boolean },
  ): Open {
    const { bytes, opcode, offset, media, flush = false } = t;
    const from = opcode === 'write' && !media ? offset : t.remote;
    const data = media?.data ?? (from === undefined ? nothing : this.memory.bytes.slice(from, from + bytes));
    const wild = media?.wild ?? (from === undefined ? nothing : this.memory.wild.slice(from, from + bytes));
    const begun: Open = {
      ...t,
      ...more,
      job: more.job ?? false,
      flush,
      media: media !== undefined,
      touched: new Uint8Array(bytes),
      data,
      wild,
      came: 0,
      outcome: t.outcome ?? 0,
      entry: false,
      back: false,
      ended: false,
      faults: [],
      disturbed: false,
      lost: false,
    };
    const to = targetOf(begun);
    if (to !== undefined) {
      this.unknown(begun);
      this.memory.touch(to, bytes);
    }
    return begun;
  }

  /** Begins a job of the firmware. @returns it, and its address. */
  start(t: Job): { readonly job: Open; readonly low: number } {
    const window = this.windows++ % host.windowCount;
    const by = this.functions[t.function] ?? this.owner;
    const job = this.begin(t, { number: -1, window, by, job: true });
    this.jobs.push(job);
    return { job, low: t.remote === undefined ? host.windows + window * host.window + t.inner : t.inner };
  }
  /** Begins an AtomicOp of the firmware. @returns it, and its address. */
  startAtomic(atomic: AtomicJob, inner: number, high: number): { readonly job: Open; readonly low: number } {
    const window = this.windows++ % host.windowCount;
    const plain = { opcode: 'none', bytes: atomic.size, inner, high, offset: 0, flags: atomic.flags } as const;
    const job: Open = {
      ...this.begin(plain, { number: -1, window, by: this.owner, job: true }),
      atomic,
      data: new Uint8Array(atomic.size),
    };
    this.jobs.push(job);
    return { job, low: host.windows + window * host.window + inner };
  }

  /** The firmware was told that a job has ended; its last TLPs may still be on their way. @throws Mismatch */
  jobEnded(job: Open, outcome: number): void {
    job.ended = true;
    if (job.lost || (job.disturbed && outcome === 7)) {
      job.outcome = 7;
      this.jobs.splice(this.jobs.indexOf(job), 1);
      // It was given up while its last writes, or its flush, waited for credits.
      if (!job.lost && job.opcode === 'write') this.refused.push(job);
      return;
    }
    same(`the outcome of a job (${job.opcode} of ${job.bytes} bytes)`, outcome, job.outcome);
    this.told(job);
    if (job.flush && job.outcome === 0 && job.remote === undefined && (!job.back || job.touched.includes(0)))
      throw new Mismatch('a write that flushes ended before its data was read back');
    if (job.atomic && job.outcome === 0 && !job.back) throw new Mismatch('an AtomicOp ended without an answer');
    this.finishJobs();
  }

  /** The outcome of a transfer tells of the failed completions that it got. */
  private told({ faults }: Open): void {
    for (const fault of faults) this.faults.found(fault, 'alone');
  }

  private finishJobs(): void {
    for (const job of this.jobs.filter(({ ended }) => ended)) {
      if (!job.atomic && job.remote === undefined && job.touched.includes(0)) continue;
      this.jobs.splice(this.jobs.indexOf(job), 1);
      if (!job.atomic) this.finish(job);
    }
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
    if (t.opcode === 'read' && t.came !== t.bytes && t.outcome < 6 && !t.disturbed)
      throw new Mismatch(`descriptor ${t.number} is done before its reads were answered`);
    const moved = t.outcome === 7 || t.opcode === 'none' || !t.touched.includes(0);
    const back = t.opcode !== 'write' || !(t.flags & Flag.readBack) || t.outcome > 0 || t.back;
    return moved && back && (t.entry || (t.outcome === 0 && !(t.flags & Flag.status)));
  }

  private finish(t: Open): void {
    const to = targetOf(t);
    if (t.remote !== undefined) {
      if (to === undefined || t.disturbed) return;
      this.memory.set(to, t.data);
      this.memory.wild.set(t.wild, to);
      return;
    }
    if (t.outcome === 6) this.errors.add(Kind.timeout, 1, false, 1, undefined);
    if (t.opcode !== 'read' || t.outcome === 7 || t.media) return;
    if (t.outcome === 6) {
      this.memory.set(t.offset, new Uint8Array(t.bytes));
      return;
    }
    // One that was given up has zeros for its bytes, and without an entry nobody knows whether it was.
    if (t.came !== t.bytes || (t.disturbed && !t.entry)) return;
    const bytes = pattern(remoteOf(t), t.bytes);
    // A request that failed is delivered as zeros.
    for (let i = 0; i < t.bytes; i++) if (this.answers.hasFailed(t, i)) bytes[i] = 0;
    this.memory.set(t.offset, bytes);
  }

  /** The endpoint sent a request. @throws Mismatch */
  request(t: Tlp): void {
    try {
      const by = this.functions.find(({ id }) => id === t.requester);
      if (!by) throw new Mismatch('no function has this ID');
      if (this.mute && by === this.owner) throw new Mismatch('nothing may be asked for while bus mastering is off');
      if (malformed(t, hasData(t) ? by.payload : 4096)) throw new Mismatch('the request is malformed');
      same('the traffic class', t.tc, 0);
      same('the flags', t.td + t.ep + t.th, 0);
      if (t.type !== 0 && !isAtomic(t)) throw new Mismatch('there is no such request');
      if ((t.fmt & 1) !== (t.high === 0 ? 0 : 1)) throw new Mismatch('the header has not the length that the address wants');
      if (isAtomic(t)) this.operate(t, by);
      else if (hasData(t)) this.write(t, by);
      else this.read(t, by);
    } catch (error) {
      throw error instanceof Mismatch ? new Mismatch(`${error.message}\n  in ${describe(t)}`) : error;
    }
  }

  /** Tags that a function's enables allow (C71a). */
  private tagLimit(by: ConfigReference): number {
    if (by.read(0x88) & 0x1000) return Math.min(tags, 1024);
    return Math.min(tags, by.read(0x68) & 0x100 ? 256 : 32);
  }

  /** The transfer that an address belongs to. */
  private find(t: Tlp, others: readonly Open[] = []): Open | undefined {
    const window = Math.floor((t.low - host.windows) / host.window);
    return [...this.open, ...this.jobs, ...others].find(
      open => open.window === window && open.high === t.high && open.remote === undefined && open.by.id === t.requester,
    );
  }

  private attributes(t: Tlp, of: Open): void {
    const control = of.by.read(0x68);
    const wanted = (of.flags & Flag.relaxed && control & 0x10 ? 2 : 0) | (of.flags & Flag.noSnoop && control & 0x800 ? 1 : 0);
    const ido = (of.by.read(0x88) & 0x100) !== 0 ? 4 : 0;
    same('the attributes', t.attr, wanted | ido);
    same('the address type', t.at, of.flags & Flag.translated ? 2 : 0);
  }

  private newTag(t: Tlp, by: ConfigReference): void {
    if (t.tag >= this.tagLimit(by)) throw new Mismatch('the tag is beyond what is enabled');
    if (this.answers.uses(t.tag)) throw new Mismatch('the tag is in use');
  }

  /** An AtomicOp of the firmware. */
  private operate(t: Tlp, by: ConfigReference): void {
    this.newTag(t, by);
    const of = this.find(t);
    if (!of?.atomic || of.ended || of.back) throw new Mismatch('this AtomicOp is not due');
    const { type, size, body } = of.atomic;
    same('the type', t.type, type);
    same('the tag', t.tag, 8);
    same('the length', 4 * dwords(t), body.length);
    same('the address', t.low, remoteOf(of));
    same('the byte enables', 16 * t.last_be + t.first_be, body.length > 4 ? 0xff : 0x0f);
    this.attributes(t, of);
    if (body.some((byte, i) => byte !== t.body[i])) throw new Mismatch('the operands are wrong');
    const data = this.answers.bytes(size);
    of.data.set(data);
    this.answers.ask({ tlp: t, data, first: 0, count: size, of: undefined, by, back: of, fault: this.answers.fault() });
  }

  private read(t: Tlp, by: ConfigReference): void {
    const { first, count } = span(t);
    this.newTag(t, by);
    const low = t.low + first;
    if (t.high === this.upper && t.low >= host.ring && t.low < host.ring + this.ring.length) {
      if (t.tag >= 8) throw new Mismatch('descriptors are fetched with a tag of others');
      const data = this.ring.slice(t.low - host.ring, t.low - host.ring + 4 * dwords(t));
      this.answers.ask({ tlp: t, data, first, count, of: undefined, by, fault: 0 });
      return;
    }
    const of = this.find(t, this.refused);
    if (!of) throw new Mismatch('nothing is read there');
    const data = pattern(t.low, 4 * dwords(t));
    if (t.tag === 8) {
      // A flush: a read of nothing, when all has been written (C63).
      if (of.opcode !== 'write' || !of.flush || of.back || t.first_be !== 0 || t.length !== 1)
        throw new Mismatch('nothing is flushed there');
      same('the address', t.low, remoteOf(of) & ~3);
      if (of.touched.includes(0)) throw new Mismatch('it flushes what it has not written');
      same('ordering and snoop', t.attr & 3, 0);
      same('the address type', t.at, of.flags & Flag.translated ? 2 : 0);
      this.answers.ask({ tlp: t, data, first, count, of: undefined, by, back: of, fault: this.answers.fault() });
      return;
    }
    if (t.tag < 8) {
      // A read-back: of the last byte, when all has been written (C63).
      const end = remoteOf(of) + of.bytes;
      if (of.opcode !== 'write' || !(of.flags & Flag.readBack) || low + count > end)
        throw new Mismatch('nothing is read back there');
      if (!of.disturbed && of.touched.includes(0)) throw new Mismatch('it reads back what it has not written');
      same('the address type', t.at, of.flags & Flag.translated ? 2 : 0);
      of.back = true;
      this.answers.ask({ tlp: t, data, first, count, of: undefined, by, fault: 0 });
      return;
    }
    if (of.opcode !== 'read') throw new Mismatch('nothing is read there');
    if (4 * dwords(t) > by.readRequest) throw new Mismatch('more is read than the limit allows');
    this.attributes(t, of);
    this.touch(of, low, count, 'read');
    const fault = of.outcome === 6 || of.media ? 0 : this.answers.fault();
    this.answers.ask({ tlp: t, data, first, count, of, by, fault });
  }

  /** Bytes of the remote side are asked for or written, each once. */
  private touch(of: Open, low: number, count: number, what: string): void {
    const start = low - remoteOf(of);
    if (start < 0 || start + count > of.bytes) throw new Mismatch(`more than descriptor ${of.number} says is ${what}`);
    if (of.touched.subarray(start, start + count).includes(1)) throw new Mismatch(`something is ${what} twice`);
    of.touched.fill(1, start, start + count);
  }

  private write(t: Tlp, by: ConfigReference): void {
    if (by === this.owner && t.high === this.upper && t.low >= host.entries && t.low < host.entries + 8 * ringEntries) {
      this.entry(t);
      return;
    }
    const of = this.find(t, this.refused);
    if (of?.opcode !== 'write') throw new Mismatch('nothing is written there');
    this.attributes(t, of);
    const { first, count } = span(t);
    this.touch(of, t.low + first, count, 'written');
    const start = t.low + first - remoteOf(of);
    for (let i = 0; i < count; i++) {
      if (!enabled(t, first + i)) throw new Mismatch(`byte ${first + i} is not enabled`);
      const got = t.body[first + i] ?? 0;
      if (got !== of.data[start + i] && of.wild[start + i] === 0)
        throw new Mismatch(`byte ${start + i} of the transfer is ${got}, not ${of.data[start + i]}`);
    }
    of.came += count;
    if (of.job) this.finishJobs();
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
    if (of.disturbed && outcome === 7) {
      of.outcome = 7;
      return;
    }
    same('the outcome', outcome, of.outcome);
    this.told(of);
    // Data comes before its flag (C63).
    if (of.opcode !== 'none' && of.remote === undefined && of.touched.includes(0))
      throw new Mismatch('the entry comes before the data');
  }
}
