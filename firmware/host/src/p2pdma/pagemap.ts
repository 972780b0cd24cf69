import { Errno } from './errno.ts';
import type { PciNode } from './tree.ts';

/** Bytes of a page. */
export const pageBytes = 4096;
const page = BigInt(pageBytes);

/**
 * What memory is, by the pagemap that its pages belong to: there is no flag in the page itself (M0-2). A doorbell is a register that peers may write and not
 * read (M4-2).
 */
export type MemoryKind = 'p2p' | 'doorbell' | 'device private';

/** A page of device memory. Who holds it counts; with the last reference it goes back to where it came from (M3-8). */
export class Page {
  readonly pagemap: Pagemap;
  readonly cpu: bigint;
  /** What the memory management notes in a page: nothing about peers (M0-2). */
  readonly flags: number = 0;
  private count = 0;

  constructor(pagemap: Pagemap, cpu: bigint) {
    this.pagemap = pagemap;
    this.cpu = cpu;
  }

  /** The address that a peer behind the same switch uses. */
  get bus(): bigint {
    return this.cpu + this.pagemap.busOffset;
  }
  get references(): number {
    return this.count;
  }

  /** Takes a reference; the first one holds the pagemap too. @throws Errno ENODEV if the pagemap is being removed and nobody holds the page yet. */
  get(): void {
    if (this.count === 0 && !this.pagemap.get())
      throw new Errno('ENODEV', `memory of ${this.pagemap.device.name} is being removed`);
    this.count++;
  }

  /** Gives a reference back. @throws Errno EINVAL if there is none. */
  put(): void {
    if (this.count === 0)
      throw new Errno('EINVAL', `the page at 0x${this.cpu.toString(16)} of ${this.pagemap.device.name} is put twice`);
    this.count--;
    if (this.count > 0) return;
    this.pagemap.pageFreed(this);
    this.pagemap.put();
  }
}

/** What a pagemap is made of. */
export interface PagemapRange {
  readonly device: PciNode;
  readonly kind: MemoryKind;
  readonly bar: number;
  readonly cpu: bigint;
  readonly bytes: bigint;
  /** Bus address minus processor address, as the host bridge translates. */
  readonly busOffset: bigint;
  /** Where a page goes when nobody holds it any more; nowhere without (M3-3). */
  readonly pageFreed?: (page: Page) => void;
}

/** A range of a device's BAR that has pages. Addresses are the processor's; what a peer uses is `cpu + busOffset`. */
export class Pagemap {
  readonly device: PciNode;
  readonly kind: MemoryKind;
  readonly bar: number;
  readonly cpu: bigint;
  readonly bytes: bigint;
  readonly busOffset: bigint;
  readonly pageFreed: (page: Page) => void;
  /** It is being removed: no new references. */
  dying = false;
  private held = 0;
  private readonly pages = new Map<bigint, Page>();
  private waiting: (() => void)[] = [];

  constructor(of: PagemapRange) {
    this.device = of.device;
    this.kind = of.kind;
    this.bar = of.bar;
    this.cpu = of.cpu;
    this.bytes = of.bytes;
    this.busOffset = of.busOffset;
    this.pageFreed = of.pageFreed ?? (() => {});
  }

  /** References that keep it: allocations, pages that are mapped or under DMA. */
  get references(): number {
    return this.held;
  }

  /** The page of an address; the same object each time. @throws Errno EINVAL for addresses outside. */
  page(cpu: bigint): Page {
    if (cpu < this.cpu || cpu >= this.cpu + this.bytes)
      throw new Errno('EINVAL', `0x${cpu.toString(16)} is no address of this memory of ${this.device.name}`);
    const base = cpu - (cpu % page);
    const found = this.pages.get(base) ?? new Page(this, base);
    this.pages.set(base, found);
    return found;
  }

  /** Takes a reference. @returns false if it is being removed. */
  get(): boolean {
    if (this.dying) return false;
    this.held++;
    return true;
  }

  /** @throws Errno EINVAL if there is no reference. */
  put(): void {
    if (this.held === 0) throw new Errno('EINVAL', `a reference to memory of ${this.device.name} is put twice`);
    this.held--;
    if (this.held > 0) return;
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  /** Until nobody holds it. */
  async idle(): Promise<void> {
    while (this.held > 0) await new Promise<void>(resolve => this.waiting.push(resolve));
  }
}

/** All pagemaps of a host by address, and its RAM: from a page to the device that provides it (M0-1). */
export class PhysicalMemory {
  /** Sorted, without overlaps. */
  private readonly maps: Pagemap[] = [];
  private readonly ram: readonly { readonly base: bigint; readonly bytes: bigint }[];
  /** Comparisons that the last `find` took. */
  steps = 0;

  constructor(ram: readonly { readonly base: bigint; readonly bytes: bigint }[]) {
    this.ram = ram;
  }

  /** @throws Errno EINVAL for parts of pages, ENXIO where RAM is, ENOMEM where another pagemap is. */
  add(map: Pagemap): void {
    if (map.cpu % page !== 0n || map.bytes % page !== 0n || map.bytes === 0n)
      throw new Errno('EINVAL', `memory of ${map.device.name} has whole pages of ${pageBytes} bytes`);
    const end = map.cpu + map.bytes;
    const overlaps = (base: bigint, bytes: bigint) => base < end && map.cpu < base + bytes;
    if (this.ram.some(({ base, bytes }) => overlaps(base, bytes)))
      throw new Errno('ENXIO', `there is RAM where memory of ${map.device.name} should be`);
    if (this.maps.some(({ cpu, bytes }) => overlaps(cpu, bytes)))
      throw new Errno('ENOMEM', `memory of ${map.device.name} overlaps that of another pagemap`);
    const index = this.maps.findIndex(({ cpu }) => cpu > map.cpu);
    this.maps.splice(index < 0 ? this.maps.length : index, 0, map);
  }

  /** Waits until nobody holds it (M0-9), then its pages are gone. */
  async remove(map: Pagemap): Promise<void> {
    map.dying = true;
    await map.idle();
    const index = this.maps.indexOf(map);
    if (index >= 0) this.maps.splice(index, 1);
  }

  /** The pagemap of an address; none for RAM and for what nobody claims. Takes steps by the logarithm of the number of pagemaps (M0-10). */
  find(cpu: bigint): Pagemap | undefined {
    this.steps = 0;
    let low = 0;
    let high = this.maps.length;
    while (low < high) {
      this.steps++;
      const middle = (low + high) >> 1;
      const map = this.maps[middle];
      if (!map) return undefined;
      if (cpu < map.cpu) high = middle;
      else if (cpu >= map.cpu + map.bytes) low = middle + 1;
      else return map;
    }
    return undefined;
  }

  /** The device that provides an address (M0-1). */
  providerOf(cpu: bigint): PciNode | undefined {
    const map = this.find(cpu);
    return map && map.kind !== 'device private' ? map.device : undefined;
  }

  isRam(cpu: bigint): boolean {
    return this.ram.some(({ base, bytes }) => cpu >= base && cpu < base + bytes);
  }
}
