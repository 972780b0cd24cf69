import { Errno } from './errno.ts';
import { pageBytes } from './pagemap.ts';

/** A piece of memory by the processor's address. */
export interface Piece {
  readonly cpu: bigint;
  readonly bytes: bigint;
}

/** Where a piece lies: RAM, or a peer's BAR that is reached through the host bridge, which wants other page attributes. */
export type Region = 'ram' | 'mmio';

/** How a platform makes addresses for a device (M0-5): identity, an offset, an IOMMU, a hypervisor. Drivers never add offsets themselves (M2-15). */
export interface DmaOps {
  readonly name: string;
  /** They know about peers' memory; Linux takes none but its own for that (M2-5). */
  readonly peers: boolean;
  /** @throws Errno if it cannot. */
  map(piece: Piece, region: Region): bigint;
  unmap(dma: bigint, bytes: bigint): void;
  /** The address of a peer's memory behind the same switch, from its bus address; the bus address itself without (M2-6). @throws Errno if there is none. */
  peer?(bus: bigint, bytes: bigint): bigint;
}

/** Device addresses are the processor's. */
export const identityDma: DmaOps = { name: 'identity', peers: true, map: ({ cpu }) => cpu, unmap: () => {} };

/** The bus has the processor's memory at another address. */
export const offsetDma = (offset: bigint): DmaOps => ({
  name: `offset 0x${offset.toString(16)}`,
  peers: true,
  map: ({ cpu }) => cpu + offset,
  unmap: () => {},
});

/** A device's own operations, written without peers in mind. */
export const customDma = (ops: Pick<DmaOps, 'map' | 'unmap'>): DmaOps => ({ name: 'custom', peers: false, ...ops });

/**
 * A guest: the bus addresses that it knows are the hypervisor's inventions, which `translate` turns into real ones: by a call (M2-6) or from a table that the
 * hypervisor left (M2-7).
 */
export function hypervisorDma(translate: (guest: bigint, bytes: bigint) => bigint | undefined): DmaOps {
  const real = (guest: bigint, bytes: bigint): bigint => {
    const address = translate(guest, bytes);
    if (address === undefined)
      throw new Errno('EREMOTEIO', `the hypervisor has no translation for 0x${guest.toString(16)}: let it describe the range`);
    return address;
  };
  return {
    name: 'hypervisor',
    peers: true,
    map: ({ cpu, bytes }) => real(cpu, bytes),
    unmap: () => {},
    peer: real,
  };
}

/** An access that no page table allows. */
export interface IommuFault {
  readonly iova: bigint;
  readonly access: 'read' | 'write';
}

const page = BigInt(pageBytes);

/** The hardware that translates for a device: a page is mapped to an address, or without one is not mapped. */
export type TranslationTable = (iova: bigint, cpu: bigint | undefined) => void;

/** An IOMMU of one device: what is mapped has an address of its own, and nothing else can be reached (M2-8, M2-9). */
export class Iommu implements DmaOps {
  readonly name = 'iommu';
  readonly peers = true;
  /** What was refused, in order. */
  readonly faults: IommuFault[] = [];
  private readonly table = new Map<bigint, { readonly cpu: bigint; readonly region: Region }>();
  private next: bigint;
  private readonly hardware: TranslationTable;

  /** Addresses are given out from `base` on and not used twice, so that a stale one always faults. */
  constructor(base = 0xfe00_0000n, hardware: TranslationTable = () => {}) {
    this.next = base;
    this.hardware = hardware;
  }

  /** Pages that are mapped. */
  get mapped(): number {
    return this.table.size;
  }

  map({ cpu, bytes }: Piece, region: Region): bigint {
    const offset = cpu % page;
    const pages = (offset + bytes + page - 1n) / page;
    const iova = this.next;
    for (let i = 0n; i < pages; i++) {
      this.table.set(iova + i * page, { cpu: cpu - offset + i * page, region });
      this.hardware(iova + i * page, cpu - offset + i * page);
    }
    this.next += pages * page;
    return iova + offset;
  }

  unmap(dma: bigint, bytes: bigint): void {
    for (let at = dma - (dma % page); at < dma + bytes; at += page) {
      this.table.delete(at);
      this.hardware(at, undefined);
    }
  }

  /** What a request of the device reaches. @returns nothing, and records a fault, if no page is mapped there. */
  translate(iova: bigint, access: IommuFault['access']): { readonly cpu: bigint; readonly region: Region } | undefined {
    const found = this.table.get(iova - (iova % page));
    if (!found) {
      this.faults.push({ iova, access });
      return undefined;
    }
    return { cpu: found.cpu + (iova % page), region: found.region };
  }
}
