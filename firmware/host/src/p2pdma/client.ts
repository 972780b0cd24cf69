import type { DmaOps } from './dma-ops.ts';
import type { PciNode } from './tree.ts';

/** A device that is to reach peers' memory. */
export interface DmaClient {
  readonly name: string;
  /** The PCI function that sends its requests; none for devices on another bus, and for those that only software makes. */
  readonly pci?: PciNode;
  /** Who makes its addresses. */
  readonly dma: DmaOps;
}
