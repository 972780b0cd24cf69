import { Errno } from './errno.ts';
import { type Page, type Pagemap, pageBytes } from './pagemap.ts';

const page = BigInt(pageBytes);

/** A run of pages that somebody uses. */
export interface PoolMemory {
  readonly pagemap: Pagemap;
  /** Address for the processor, and for a peer behind the same switch. */
  readonly cpu: bigint;
  readonly bus: bigint;
  readonly bytes: bigint;
}

interface Extent {
  readonly pagemap: Pagemap;
  readonly cpu: bigint;
  readonly bytes: bigint;
}

/**
 * Peer-to-peer memory to allocate from, in pages, first fit: one pool per provider, from any number of its BARs. For devices that have no allocator of their
 * own (M1-13).
 */
export class Pool {
  private unused: Extent[] = [];
  private readonly maps = new Set<Pagemap>();
  private total = 0n;

  /** All bytes, and those that nobody uses. */
  get size(): bigint {
    return this.total;
  }
  get available(): bigint {
    return this.unused.reduce((sum, { bytes }) => sum + bytes, 0n);
  }

  /** Gives a pagemap's memory to the pool. */
  add(pagemap: Pagemap): void {
    this.maps.add(pagemap);
    this.total += pagemap.bytes;
    this.release({ pagemap, cpu: pagemap.cpu, bytes: pagemap.bytes });
  }

  /** Memory of whole pages, at least `bytes` of them, in one run. @returns nothing if there is no such run, or it is being removed. */
  alloc(bytes: bigint): PoolMemory | undefined {
    const run = this.take(bytes);
    if (!run) return undefined;
    run.pagemap.get();
    return { ...run, bus: run.cpu + run.pagemap.busOffset };
  }

  /** @throws Errno EINVAL for memory that is free already. */
  free(memory: PoolMemory): void {
    const end = memory.cpu + memory.bytes;
    if (this.unused.some(({ cpu, bytes }) => cpu < end && memory.cpu < cpu + bytes))
      throw new Errno('EINVAL', `memory at 0x${memory.cpu.toString(16)} of ${memory.pagemap.device.name} is freed twice`);
    this.release(memory);
    memory.pagemap.put();
  }

  /** A run of pages, each with one reference: the last put of each brings it back by `pageFreed`. @returns nothing if there is no such run. */
  allocPages(count: number): Page[] | undefined {
    const run = this.take(BigInt(count) * page);
    if (!run) return undefined;
    return Array.from({ length: count }, (_, i) => {
      const one = run.pagemap.page(run.cpu + BigInt(i) * page);
      one.get();
      return one;
    });
  }

  /** Takes a page back that nobody holds any more. */
  pageFreed({ pagemap, cpu }: Page): void {
    this.release({ pagemap, cpu, bytes: page });
  }

  /** Takes all memory of a pagemap away, if it has any. */
  withdraw(pagemap: Pagemap): void {
    if (!this.maps.delete(pagemap)) return;
    this.total -= pagemap.bytes;
    this.unused = this.unused.filter(e => e.pagemap !== pagemap);
  }

  private take(bytes: bigint): Extent | undefined {
    const rounded = ((bytes + page - 1n) / page) * page;
    if (rounded <= 0n) return undefined;
    const index = this.unused.findIndex(e => e.bytes >= rounded && !e.pagemap.dying);
    const extent = this.unused[index];
    if (!extent) return undefined;
    const { pagemap, cpu } = extent;
    const rest = { pagemap, cpu: cpu + rounded, bytes: extent.bytes - rounded };
    this.unused.splice(index, 1, ...(rest.bytes > 0n ? [rest] : []));
    return { pagemap, cpu, bytes: rounded };
  }

  /** Keeps extents sorted, and joined where they meet. */
  private release({ pagemap, cpu, bytes }: Extent): void {
    const sorted = [...this.unused, { pagemap, cpu, bytes }].sort((a, b) => (a.cpu < b.cpu ? -1 : 1));
    this.unused = [];
    for (const extent of sorted) {
      const before = this.unused.at(-1);
      if (before && before.pagemap === extent.pagemap && before.cpu + before.bytes === extent.cpu)
        this.unused[this.unused.length - 1] = { ...before, bytes: before.bytes + extent.bytes };
      else this.unused.push(extent);
    }
  }
}
