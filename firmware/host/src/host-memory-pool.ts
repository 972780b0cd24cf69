import { HostError } from './host-error.ts';
import type { AddressRange } from './pci-function.ts';

/** Hands out parts of a range of addresses: first fit, freed parts grow together again. */
export class HostMemoryPool {
  readonly range: AddressRange;
  /** Free parts in the order of their addresses; no two touch. */
  private free: AddressRange[];
  private readonly used = new Map<bigint, bigint>();

  constructor(range: AddressRange) {
    this.range = range;
    this.free = range.bytes > 0n ? [range] : [];
  }

  /** Bytes that are free, in one part or several. */
  get available(): bigint {
    return this.free.reduce((sum, part) => sum + part.bytes, 0n);
  }

  /**
   * Takes `bytes` at a multiple of `alignment`, a power of two. @throws HostError where no free part is large enough.
   */
  allocate(bytes: number | bigint, alignment: number | bigint = 64): AddressRange {
    const size = BigInt(bytes);
    const step = BigInt(alignment);
    if (size <= 0n) throw new HostError(`cannot allocate ${size} bytes of host memory`);
    if (step <= 0n || (step & (step - 1n)) !== 0n) throw new HostError(`an alignment is a power of two, not ${step}`);
    for (const [i, part] of this.free.entries()) {
      const base = (part.base + step - 1n) & ~(step - 1n);
      const behind = part.base + part.bytes - (base + size);
      if (behind < 0n) continue;
      const rest = [
        { base: part.base, bytes: base - part.base },
        { base: base + size, bytes: behind },
      ];
      this.free.splice(i, 1, ...rest.filter(({ bytes }) => bytes > 0n));
      this.used.set(base, size);
      return { base, bytes: size };
    }
    throw new HostError(
      `no ${size} bytes of host memory are free in one piece: ${this.available} of ${this.range.bytes} bytes are free; give the root port more memory`,
    );
  }

  /** Gives back what `allocate` gave. @throws HostError for anything else. */
  release(part: AddressRange): void {
    if (this.used.get(part.base) !== part.bytes)
      throw new HostError(`${part.bytes} bytes at 0x${part.base.toString(16)} are not allocated in host memory`);
    this.used.delete(part.base);
    const sorted = [...this.free, part].sort((a, b) => Number(a.base > b.base) - Number(a.base < b.base));
    this.free = [];
    for (const next of sorted) {
      const last = this.free.at(-1);
      if (last && last.base + last.bytes === next.base)
        this.free.splice(-1, 1, { base: last.base, bytes: last.bytes + next.bytes });
      else this.free.push({ base: next.base, bytes: next.bytes });
    }
  }
}
