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
    for (const part of this.free) {
      const base = (part.base + step - 1n) & ~(step - 1n);
      if (base + size <= part.base + part.bytes) return this.take({ base, bytes: size });
    }
    throw new HostError(
      `no ${size} bytes of host memory are free in one piece: ${this.available} of ${this.range.bytes} bytes are free; give the root port more memory`,
    );
  }

  /** Takes just these addresses. @throws HostError unless all of them are free. */
  take(wanted: AddressRange): AddressRange {
    const { base, bytes } = wanted;
    const index = this.free.findIndex(part => base >= part.base && base + bytes <= part.base + part.bytes);
    const part = this.free[index];
    if (!part || bytes <= 0n) throw new HostError(`${bytes} bytes of host memory at 0x${base.toString(16)} are not free`);
    const rest = [
      { base: part.base, bytes: base - part.base },
      { base: base + bytes, bytes: part.base + part.bytes - (base + bytes) },
    ];
    this.free.splice(index, 1, ...rest.filter(each => each.bytes > 0n));
    this.used.set(base, bytes);
    return { base, bytes };
  }

  /** Gives back what `allocate` or `take` gave. @throws HostError for anything else. */
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
