import { Errno } from './errno.ts';
import { type MemoryKind, type Page, Pagemap, type PhysicalMemory } from './pagemap.ts';
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

/** Something that holds pages and gives them up when their provider goes. */
export interface Holder {
  unmap(): void;
}

/** What a provider is made of. */
export interface ProviderParts {
  readonly device: PciNode;
  readonly memory: PhysicalMemory;
  readonly bars: readonly BarRange[];
  /** Peer-to-peer memory is compiled in: true without. */
  readonly enabled?: boolean;
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
  private readonly maps: Pagemap[] = [];
  private readonly holders = new Set<Holder>();
  /** How often its memory may have lost data: whoever used it before does not know what it holds. */
  losses = 0;
  private stage: 'live' | 'removing' | 'removed' = 'live';
  private isPublished = false;

  /** @throws Errno EOPNOTSUPP if peer-to-peer memory is not compiled in. */
  constructor({ device, memory, bars, enabled = true }: ProviderParts) {
    if (!enabled) throw new Errno('EOPNOTSUPP', `${device.name} cannot provide memory: peer-to-peer memory is not compiled in`);
    this.device = device;
    this.memory = memory;
    this.bars = bars;
  }

  get size(): bigint {
    return this.pool.size;
  }
  get available(): bigint {
    return this.pool.available;
  }
  /** Others may find it and allocate from it. */
  get published(): boolean {
    return this.isPublished;
  }
  /** It has not begun to go away. */
  get live(): boolean {
    return this.stage === 'live';
  }
  /** Who still holds its memory: what removal waits for. */
  get references(): number {
    return this.maps.reduce((sum, { references }) => sum + references, 0);
  }

  /** Lets others find it, or not. A provider without a pool cannot be found. @throws Errno EINVAL if it has no pool. */
  publish(on: boolean): void {
    if (on && this.pool.size === 0n)
      throw new Errno('EINVAL', `${this.device.name} has no pool to publish: give it memory with addResource first`);
    this.isPublished = on && this.live;
  }

  /** Gives part of a BAR to the pool; without `bytes` all from `offset` on. @throws Errno EINVAL, ENOMEM or ENXIO. */
  addResource(bar: number, offset = 0n, bytes?: bigint): void {
    const map = this.map({ kind: 'p2p', bar, offset, bytes, pageFreed: freed => this.pool.pageFreed(freed) });
    this.pool.add(map);
  }

  /** `pci_enable_p2p_bar`: lets peers reach a BAR that has no allocator here (M2-2). Nothing can be allocated from it. @throws Errno as `addResource`. */
  enableBar(bar: number): Pagemap {
    return this.map({ kind: 'p2p', bar, offset: 0n, bytes: undefined });
  }

  /** Lets peers write a register, and not read it (M4-2): whole pages of a BAR. @throws Errno as `addResource`. */
  exportDoorbell(bar: number, offset: bigint, bytes: bigint): Pagemap {
    return this.map({ kind: 'doorbell', bar, offset, bytes });
  }

  /** Pages for an allocator of the driver's own, which gets each back when nobody holds it any more (M3-3). @throws Errno as `addResource`. */
  addPages(bar: number, offset: bigint, bytes: bigint, pageFreed: (page: Page) => void, kind: MemoryKind = 'p2p'): Pagemap {
    return this.map({ kind, bar, offset, bytes, pageFreed });
  }

  private map(of: {
    readonly kind: MemoryKind;
    readonly bar: number;
    readonly offset: bigint;
    readonly bytes: bigint | undefined;
    readonly pageFreed?: (page: Page) => void;
  }): Pagemap {
    const { offset, bytes, bar: index, ...rest } = of;
    const bar = this.bars.find(b => b.index === index);
    const what = `BAR ${index} of ${this.device.name}`;
    if (!this.live) throw new Errno('ENODEV', `${this.device.name} is being removed`);
    if (bar?.kind !== 'memory') throw new Errno('EINVAL', `${what} is no memory`);
    const length = bytes === undefined || bytes === 0n ? bar.bytes - offset : bytes;
    if (offset < 0n || offset >= bar.bytes || offset + length > bar.bytes)
      throw new Errno('EINVAL', `${length} bytes from ${offset} do not lie in the ${bar.bytes} bytes of ${what}`);
    const { device } = this;
    const map = new Pagemap({ ...rest, device, bar: index, cpu: bar.cpu + offset, bytes: length, busOffset: bar.busOffset });
    this.memory.add(map);
    this.maps.push(map);
    return map;
  }

  /** @returns nothing if the pool is empty, has no such run, or is being removed. */
  alloc(bytes: bigint): PoolMemory | undefined {
    return this.pool.alloc(bytes);
  }
  free(memory: PoolMemory): void {
    this.pool.free(memory);
  }
  /** Pages in one run with a reference each, for mappings that give them back one by one. */
  allocPages(count: number): Page[] | undefined {
    return this.pool.allocPages(count);
  }

  /** Notes who holds pages, and has to let go at removal. */
  hold(holder: Holder): void {
    this.holders.add(holder);
  }
  release(holder: Holder): void {
    this.holders.delete(holder);
  }

  /**
   * Ends it: nothing is given out any more, user mappings are torn down, and when the last reference is gone, so are the pages. A reference that nobody puts
   * keeps it for ever: `references` tells.
   */
  async remove(): Promise<void> {
    if (!this.live) throw new Errno('ENODEV', `${this.device.name} is being removed already`);
    this.isPublished = false;
    this.stage = 'removing';
    for (const map of this.maps) map.dying = true;
    for (const holder of [...this.holders]) holder.unmap();
    for (const map of this.maps) await this.memory.remove(map);
    for (const map of this.maps.splice(0)) this.pool.withdraw(map);
    this.stage = 'removed';
  }
}
