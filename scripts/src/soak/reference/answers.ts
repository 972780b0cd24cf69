import type { FaultLedger } from '../fault-ledger.ts';
import { Random } from '../random.ts';
import { bodyDwords, completionHigh, dwords, hasData, isAtomic, type Tlp, tlp } from '../tlp.ts';
import type { ConfigReference } from './config.ts';
import { seal } from './digest.ts';
import { type ErrorReference, Kind } from './errors.ts';
import { type Open, remoteOf } from './transfers.ts';

/** A read that the host has not answered in full. */
export interface Asked {
  readonly tlp: Tlp;
  readonly data: Uint8Array;
  readonly first: number;
  readonly count: number;
  readonly of: Open | undefined;
  readonly by: ConfigReference;
  /** It reads back what this one wrote. */
  readonly back?: Open;
  came: number;
  /** What goes wrong with it: 0 nothing, 1 and 4 a status, 5 poison. */
  readonly fault: number;
}

/** The host's answers to what the endpoint asks: out of order, in pieces, late, and now and then with a fault (C53 to C59). */
export class HostAnswers {
  private readonly asked: Asked[] = [];
  /** Bytes of reads whose request failed. */
  private readonly failed = new WeakMap<Open, Uint8Array>();
  private random = new Random(0);
  /** The completion that last ended a read and was good. */
  last: Tlp | undefined;
  /** No reads of data are answered; or nothing is. */
  held = false;
  silent = false;
  private readonly errors: ErrorReference;
  private readonly faults: FaultLedger;
  private readonly isOpen: (t: Open) => boolean;
  private readonly send: (t: Tlp) => boolean;

  /** `send` gives a completion to the link, if there is room; `isOpen`: whether somebody still waits for a transfer. */
  constructor(
    { errors, faults }: { readonly errors: ErrorReference; readonly faults: FaultLedger },
    isOpen: (t: Open) => boolean,
    send: (t: Tlp) => boolean,
  ) {
    this.errors = errors;
    this.faults = faults;
    this.isOpen = isOpen;
    this.send = send;
  }

  reset(seed: number): void {
    this.forget();
    this.random = new Random(seed);
    this.held = false;
    this.silent = false;
    this.last = undefined;
  }
  /** Nothing that was asked will be answered. */
  forget(): void {
    this.asked.length = 0;
  }
  /** Everything that was asked has been answered. */
  get done(): boolean {
    return this.asked.length === 0;
  }

  ask(one: Omit<Asked, 'came'>): void {
    this.asked.push({ ...one, came: 0 });
  }
  /** A completion as it would come next for a read that is held. */
  preview(): Tlp | undefined {
    const held = this.asked.find(({ of }) => of !== undefined);
    return held && this.piece(held);
  }
  /** Takes away what is held. @returns the first completion of each read, which never comes by itself. */
  withhold(): readonly Tlp[] {
    const held = this.asked.filter(({ of }) => of !== undefined);
    for (const one of held) this.asked.splice(this.asked.indexOf(one), 1);
    return held.map(one => this.piece(one));
  }
  /** A tag that waits for an answer. */
  uses(tag: number): boolean {
    return this.asked.some(({ tlp }) => tlp.tag === tag);
  }
  /** A fault for an answer: 0 mostly. */
  fault(): number {
    return [1, 4, 5][this.random.below(64)] ?? 0;
  }
  /** Bytes that the host makes up. */
  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.random.below(256));
  }
  /** Whether the request for a byte of a transfer failed. */
  hasFailed(t: Open, byte: number): boolean {
    return this.failed.get(t)?.[byte] === 1;
  }

  /** Some time has passed: the host answers some of what was asked. @returns completions that were sent. */
  tick(): number {
    let sent = 0;
    if (this.silent) return 0;
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
  private piece({ tlp: asked, by, data, first, count, came, fault }: Asked): Tlp {
    const id = { requester: asked.requester, tag: asked.tag, tc: asked.tc, attr: asked.attr };
    const low = isAtomic(asked) ? 0 : (asked.low + first + came) & 0x7f;
    if (fault === 1 || fault === 4) return tlp({ type: 10, length: 0, ...id, high: completionHigh(8, fault, count - came), low });
    const left = count - came;
    const blocks = this.random.below(5);
    const limit = Math.min(by.payload, 64 * (1 + blocks));
    const room = limit - (low & 63);
    const bytes = Math.min(left, room);
    const start = (first + came) & ~3;
    const length = Math.ceil((((first + came) & 3) + bytes) / 4);
    const t = tlp({ fmt: 2, type: 10, length, ...id, high: completionHigh(8, 0, left), low, ep: fault === 5 ? 1 : 0 });
    t.td = this.random.below(8) === 0 ? 1 : 0;
    t.body = new Uint8Array(4 * bodyDwords(t));
    t.body.set(data.subarray(start, start + 4 * length));
    seal(t);
    return t;
  }

  /** A completion was sent. @returns whether it was the last one. */
  private settled(one: Asked, piece: Tlp): boolean {
    const { of, by, back, fault } = one;
    const lead = (one.first + one.came) & 3;
    const bytes = hasData(piece) ? Math.min(one.count - one.came, 4 * dwords(piece) - lead) : one.count - one.came;
    one.came += bytes;
    const whose = of ?? back;
    const function_ = 1 << by.number;
    const alive = whose && this.isOpen(whose) && !whose.disturbed;
    if (fault === 5) {
      if (alive) this.errors.add(Kind.poisoned, function_, true, 2, piece);
      else this.errors.forgive(function_);
    }
    // What the function received for itself its status says (7.5.1.1.4): the parity error only if asked for.
    if (fault === 1 || fault === 4) this.errors.receivedStatus(function_, fault === 1 ? 2 ** 29 : 2 ** 28, alive === true);
    if (whose && fault > 0) {
      if (alive) whose.faults.push(piece);
      // Nobody listens any more.
      else this.faults.found(piece, 'harmless');
      whose.outcome = Math.max(whose.outcome, fault);
      if (of) this.zeros(of, one);
    }
    // It comes too late (2.8).
    if (of?.outcome === 6) this.errors.add(Kind.unexpected, function_, true, 2, piece);
    else if (whose && !alive) this.errors.forgive(function_);
    if (one.came < one.count) return false;
    if (fault === 0) this.last = piece;
    if (of) of.came += one.count;
    if (back) back.back = true;
    return true;
  }

  private zeros(of: Open, { tlp: t, first, count }: Asked): void {
    const start = t.low + first - remoteOf(of);
    const failed = this.failed.get(of) ?? new Uint8Array(of.bytes);
    failed.fill(1, start, start + count);
    this.failed.set(of, failed);
  }
}
