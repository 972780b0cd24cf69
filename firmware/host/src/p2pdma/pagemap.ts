import { Errno } from './errno.ts';
import type { PciNode } from './tree.ts';

/** Bytes of a page. */
export const pageBytes = 4096;
const page = BigInt(pageBytes);

/** What memory is, by the pagemap that its pages belong to: there is no flag in the page itself (M0-2). */
export type MemoryKind = 'p2p' | 'device private';

/** A range of a device's BAR that has pages. Addresses are the processor's; what a peer uses is `cpu + busOffset`. */
export class Pagemap {
  readonly device: PciNode;
  readonly kind: MemoryKind;
  readonly bar: number;
  readonly cpu: bigint;
  readonly bytes: bigint;
  /** Bus address minus processor address, as the host bridge translates. */
  readonly busOffset: bigint;
  /** References that keep it: allocations, pages that are mapped or under DMA. */
  references = 0;
  /** It is being removed: no new references. */
  dying = false;

  constructor(of: {
    readonly device: PciNode;
    readonly kind: MemoryKind;
    readonly bar: number;
    readonly cpu: bigint;
    readonly bytes: bigint;
    readonly busOffset: bigint;
  }) {
    this.device = of.device;
    this.kind = of.kind;
    this.bar = of.bar;
    this.cpu = of.cpu;
    this.bytes = of.bytes;
    this.busOffset = of.busOffset;
  }

  /** Takes a reference. @returns false if it is being removed. */
  get(): boolean {
    if (this.dying) return false;
    this.references++;
    return true;
  }
  put(): void {
    if (this.references === 0) throw new Errno('EINVAL', `a reference to memory of ${this.device.name} is put twice`);
    this.references--;
  }
}

/** All pagemaps of a host by address, and its RAM: from a page to the device that provides it (M0-1). */
export class PhysicalMemory {
  /** Sorted, without overlaps. */
  private readonly maps: Pagemap[] = [];
  private readonly ram: readonly { readonly base: bigint; readonly bytes: bigint }[];

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

  /** @throws Errno EBUSY while there are references. */
  remove(map: Pagemap): void {
    map.dying = true;
    if (map.references > 0)
      throw new Errno('EBUSY', `memory of ${map.device.name} still has ${map.references} references: put them first`);
    this.maps.splice(this.maps.indexOf(map), 1);
  }

  /** The pagemap of an address; none for RAM and for what nobody claims. Takes steps by the logarithm of the number of pagemaps (M0-10). */
  find(cpu: bigint): Pagemap | undefined {
    let low = 0;
    let high = this.maps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const map = this.maps[middle];
      if (!map) return undefined;
      if (cpu < map.cpu) high = middle;
      else if (cpu >= map.cpu + map.bytes) low = middle + 1;
      else return map;
    }
    return undefined;
  }

  isRam(cpu: bigint): boolean {
    return this.ram.some(({ base, bytes }) => cpu >= base && cpu < base + bytes);
  }
}
