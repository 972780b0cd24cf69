import { bodyDwords, dwords, type Tlp } from '../tlp.ts';
import { enabled } from './rules.ts';

interface Written {
  /** Number of the TLP. */
  readonly order: number;
  readonly offset: number;
  readonly bytes: number;
  /** The TLP; without one nobody knows what was written. */
  readonly tlp: Tlp | undefined;
}

/**
 * The BAR memory as software may expect it. Requests see all posted writes before them, and may see later ones, which can pass them (2.4.1): so a read is
 * compared with the bytes of its own time, and where it differs with what later writes brought.
 */
export class MemoryReference {
  readonly bytes: Uint8Array;
  /** 1: nobody knows the byte, because a malformed TLP may have written it. */
  readonly wild: Uint8Array;
  private readonly log: Written[] = [];

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.wild = new Uint8Array(size);
  }

  reset(): void {
    this.bytes.fill(0);
    this.wild.fill(0);
    this.log.length = 0;
  }

  /** An MWr that is performed. */
  write(t: Tlp, offset: number, order: number): void {
    const count = 4 * dwords(t);
    const { bytes, wild } = this;
    for (let i = 0; i < count; i++) {
      if (i >= 4 && i < count - 4) {
        // Between the first and the last DW all bytes are enabled.
        bytes.set(t.body.subarray(4, count - 4), offset + 4);
        wild.fill(0, offset + 4, offset + count - 4);
        i = count - 5;
      } else if (enabled(t, i)) {
        bytes[offset + i] = t.body[i] ?? 0;
        wild[offset + i] = 0;
      }
    }
    this.log.push({ order, offset, bytes: count, tlp: t });
  }

  /** A write that turned out malformed at its end: what it says that it writes is undefined. */
  spoil(t: Tlp, offset: number, order: number): void {
    const bytes = 4 * bodyDwords(t);
    this.wild.fill(1, offset, Math.min(this.wild.length, offset + bytes));
    this.log.push({ order, offset, bytes, tlp: undefined });
  }

  /** Something other than the link writes here from now on. */
  touch(offset: number, bytes: number): void {
    this.log.push({ order: Number.POSITIVE_INFINITY, offset, bytes, tlp: undefined });
  }

  /** Bytes that something other than a posted write of the link sets. */
  set(offset: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, offset);
    this.wild.fill(0, offset, offset + bytes.length);
  }

  /** Whether a byte may have been seen by the request number `order`, because a later write brought it. */
  laterBrings(offset: number, value: number, order: number): boolean {
    for (let i = this.log.length - 1; i >= 0; i--) {
      const written = this.log[i];
      if (!written || written.order < order) return false;
      const { tlp, offset: start, bytes } = written;
      const at = offset - start;
      if (at < 0 || at >= bytes) continue;
      if (!tlp || (enabled(tlp, at) && tlp.body[at] === value)) return true;
    }
    return false;
  }
}
