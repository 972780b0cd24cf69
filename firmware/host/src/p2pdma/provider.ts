import { Errno } from './errno.ts';
import { Pagemap, type PhysicalMemory } from './pagemap.ts';
import { Pool, type PoolMemory } from './pool.ts';
import type { PciNode } from './tree.ts';

/** A memory BAR as the processor sees it. */
export interface BarRange {
  readonly index: number;
  readonly kind: 'memory' | 'io';
  readonly cpu: bigint;
  readonly bytes: bigint;
  /** Bus address minus processor address. */
  readonly busOffset: bigint;
}

/**
 * The peer-to-peer side of a PCI function: which parts of its BARs peers may use, and a pool to allocate from. Any driver may make one (M0-15); it is not the
 * function itself (M0-11).
 */
export class Provider {
  readonly device: PciNode;
  private readonly memory: PhysicalMemory;
  private readonly bars: readonly BarRange[];
  private readonly pool = new Pool();
  private readonly pooled: Pagemap[] = [];
  private readonly targets: Pagemap[] = [];
  private is_published = false;

  constructor(of: { readonly device: PciNode; readonly memory: PhysicalMemory; readonly bars: readonly BarRange[] }) {
    this.device = of.device;
    this.memory = of.memory;
    this.bars = of.bars;
  }

  get size(): bigint {
    return this.pool.size;
  }
  get available(): bigint {
    return this.pool.available;
  }
  /** Others may find it and allocate from it. */
  get published(): boolean {
    return this.is_published;
  }
  publish(on: boolean): void {
    this.is_published = on;
  }

  /** Gives part of a BAR to the pool; without `bytes` all from `offset` on. @throws Errno EINVAL, ENOMEM or ENXIO. */
  addResource(bar: number, offset = 0n, bytes?: bigint): void {
    const map = this.map(bar, offset, bytes);
    this.pooled.push(map);
    this.pool.add(map);
  }

  /** Lets peers reach a BAR that has no allocator: registers, doorbells (M2-2, M4-2). Nothing can be allocated from it. @throws Errno as `addResource`. */
  enableBar(bar: number): void {
    this.targets.push(this.map(bar, 0n));
  }

  private map(index: number, offset: bigint, bytes?: bigint): Pagemap {
    const bar = this.bars.find(b => b.index === index);
    const what = `BAR ${index} of ${this.device.name}`;
    if (bar?.kind !== 'memory') throw new Errno('EINVAL', `${what} is no memory`);
    const length = bytes === undefined || bytes === 0n ? bar.bytes - offset : bytes;
    if (offset < 0n || offset >= bar.bytes || offset + length > bar.bytes)
      throw new Errno('EINVAL', `${length} bytes from ${offset} do not lie in the ${bar.bytes} bytes of ${what}`);
    const { device } = this;
    const map = new Pagemap({ device, kind: 'p2p', bar: index, cpu: bar.cpu + offset, bytes: length, busOffset: bar.busOffset });
    this.memory.add(map);
    return map;
  }

  /** @returns nothing if the pool is empty, has no such run, or is being removed. */
  alloc(bytes: bigint): PoolMemory | undefined {
    return this.pool.alloc(bytes);
  }
  free(memory: PoolMemory): void {
    this.pool.free(memory);
  }

  /** Ends it. @throws Errno EBUSY while somebody holds memory: nothing can be allocated any more, and the call may be made again later. */
  remove(): void {
    this.is_published = false;
    for (const map of [...this.pooled, ...this.targets]) map.dying = true;
    while (this.pooled[0]) {
      this.memory.remove(this.pooled[0]);
      this.pool.withdraw(this.pooled[0]);
      this.pooled.shift();
    }
    while (this.targets[0]) {
      this.memory.remove(this.targets[0]);
      this.targets.shift();
    }
  }
}
