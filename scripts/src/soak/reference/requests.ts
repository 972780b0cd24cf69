import type { FaultLedger } from '../fault-ledger.ts';
import { byteCount, completer, describe, dwords, hasData, lowerAddress, status, type Tlp, transaction } from '../tlp.ts';
import type { MemoryReference } from './memory.ts';
import { Mismatch, same } from './mismatch.ts';

/** A non-posted request whose completions have not all come. */
export interface Pending {
  readonly tlp: Tlp;
  /** Number of the TLP among all that were sent. */
  readonly order: number;
  readonly completer: number;
  /** Statuses that are allowed; the first one unless something is under way that decides by time. */
  readonly statuses: readonly number[];
  /** Data of a successful completion, all DW of it; none for a write. */
  readonly data?: Uint8Array;
  /** Bytes of the data whose value nobody knows. */
  readonly wild?: Uint8Array;
  /** The memory that the data comes from, if it does, and where it lies there. */
  readonly memory?: MemoryReference;
  readonly offset?: number;
  /** Byte Count and Lower Address of the first completion. */
  readonly bytes: number;
  readonly lower: number;
  /** Payload limit of the completer. */
  readonly limit: number;
  /** Called when the last completion came, with what lay in its beats. */
  readonly done?: (code: number, data: Uint8Array) => void;
  /** Bytes that came. */
  came: number;
}

/** Requests under way, and what their completions have to look like (2.2.9, 2.3.1.1; C12, C13, C50 to C57). */
export class RequestReference {
  private readonly pending = new Map<number, Pending>();
  private readonly faults: FaultLedger;

  /** `faults` hears which requests were refused. */
  constructor(faults: FaultLedger) {
    this.faults = faults;
  }

  reset(): void {
    this.pending.clear();
  }
  get outstanding(): number {
    return this.pending.size;
  }
  /** The oldest request, for people who look for a hang. */
  get oldest(): string {
    const [first] = this.pending.values();
    return first ? describe(first.tlp) : 'none';
  }

  /** Whether a request waits for a completion that refuses it. */
  refuses(t: Tlp): boolean {
    const request = this.pending.get(transaction(t));
    return request?.tlp === t && request.statuses[0] !== 0;
  }

  /** A request that was lost on its way. @returns whether it had not been answered. */
  forget(t: Tlp): boolean {
    return this.pending.delete(transaction(t));
  }

  add(request: Pending): void {
    const key = transaction(request.tlp);
    if (this.pending.has(key)) throw new RangeError(`two requests have the transaction ID 0x${key.toString(16)}`);
    this.pending.set(key, request);
  }

  /** A completion came. @throws Mismatch */
  complete(t: Tlp): void {
    const key = transaction(t);
    const request = this.pending.get(key);
    if (!request) throw new Mismatch(`a completion came that nobody asked for: ${describe(t)}`);
    try {
      this.check(t, request);
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error;
      throw new Mismatch(`${error.message}\n  in     ${describe(t)}\n  which answers ${describe(request.tlp)}`);
    }
    const final = status(t) !== 0 || !request.data || request.came === request.bytes;
    if (!final) return;
    this.pending.delete(key);
    if (status(t) !== 0) this.faults.found(request.tlp, 'alone');
    request.done?.(status(t), t.body);
  }

  private check(t: Tlp, request: Pending): void {
    const { tlp: asked, data } = request;
    same('the completer ID', completer(t), request.completer);
    if (!request.statuses.includes(status(t))) same('the status', status(t), request.statuses[0] ?? 0);
    same('the traffic class', t.tc, asked.tc);
    same('the attributes', t.attr, asked.attr);
    same('the type', t.type, asked.type === 1 ? 11 : 10);
    same('the word of flags', t.th + t.td + t.ep + t.at + t.last_be + t.first_be, 0);
    same('Byte Count Modified', (t.high >>> 12) & 1, 0);
    const next = (request.lower + request.came) & 0x7f;
    same('Byte Count', byteCount(t), request.bytes - request.came);
    same('Lower Address', lowerAddress(t), next);
    if (status(t) !== 0 || !data) {
      same('the format', t.fmt, 0);
      same('the length', t.length, 0);
      return;
    }
    same('the format', t.fmt, 2);
    if (!hasData(t) || 4 * dwords(t) > request.limit)
      throw new Mismatch(`${4 * dwords(t)} bytes are more than the payload limit`);
    const lead = next & 3;
    const end = 4 * dwords(t) - lead;
    const left = request.bytes - request.came;
    if (end < left && (next + end) % 128 !== 0) throw new Mismatch('the completion ends at no multiple of 128 bytes');
    const here = Math.min(left, end);
    if (end - left > 3) throw new Mismatch('there is more data than was asked for');
    this.compare(t, request, lead, here);
    request.came += here;
  }

  private compare(t: Tlp, request: Pending, lead: number, count: number): void {
    const { data, wild, memory, offset, came, order } = request;
    const base = (request.lower & 3) + came;
    for (let i = 0; i < count; i++) {
      const got = t.body[lead + i] ?? 0;
      if (got === data?.[base + i] || wild?.[base + i] === 1) continue;
      if (offset !== undefined && memory?.laterBrings(offset + base + i, got, order)) continue;
      throw new Mismatch(`byte ${came + i} of the data is 0x${got.toString(16)}, not 0x${data?.[base + i]?.toString(16)}`);
    }
  }
}
