/** Figures of open PCIe blocks of the same purpose, 256 bits, measured with the same tools and options, seed 1. */
export interface Yardstick {
  readonly name: string;
  readonly lut4: number;
  readonly ff: number;
  readonly ebr: number;
  readonly dpr16x4: number;
  /** Cells for LUTs, carries and distributed RAM after packing. */
  readonly comb?: number;
  readonly fmax_mhz: number;
  /** Our blocks that together do the same. */
  readonly blocks: readonly string[];
  /** What to keep in mind when comparing. */
  readonly note: string;
}

/** verilog-pcie, P&R out of context on LFE5UM5G-85F, speed 8. */
export const yardsticks: readonly Yardstick[] = [
  {
    name: 'pcie_tlp_mux, 4 ports, round robin',
    lut4: 3406,
    ff: 2514,
    ebr: 0,
    dpr16x4: 0,
    comb: 3418,
    fmax_mhz: 117.2,
    blocks: ['registered-arbiter-4'],
    note: 'both with registers on all sides',
  },
  {
    name: 'pcie_tlp_mux, 4 ports, round robin',
    lut4: 3406,
    ff: 2514,
    ebr: 0,
    dpr16x4: 0,
    comb: 3418,
    fmax_mhz: 117.2,
    blocks: ['switch-4'],
    note: 'a whole switch beside one mux: only Fmax compares',
  },
  {
    name: 'pcie_tlp_fifo, block RAM',
    lut4: 445,
    ff: 1286,
    ebr: 19,
    dpr16x4: 0,
    fmax_mhz: 230.9,
    blocks: ['fifo-256'],
    note: 'theirs with DEPTH 2048, ours 256 beats',
  },
  {
    name: 'dma_if_pcie, reads and writes, 256 tags',
    lut4: 8029,
    ff: 2897,
    ebr: 0,
    dpr16x4: 970,
    comb: 15355,
    fmax_mhz: 94.1,
    blocks: ['dma-write', 'dma-read'],
    note: 'ours has 64 tags, and keeps read data in block RAM of its own until it is complete',
  },
];
