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

const mux = { lut4: 3406, ff: 2514, ebr: 0, dpr16x4: 0, comb: 3418, fmax_mhz: 117.2 };

/** verilog-pcie, P&R out of context on LFE5UM5G-85F, speed 8. */
export const yardsticks: readonly Yardstick[] = [
  {
    ...mux,
    name: 'pcie_tlp_mux, 4 ports, round robin',
    blocks: ['registered-arbiter-4'],
    note: 'both with 2 cycles of latency and registers for 6 beats',
  },
  {
    ...mux,
    name: '4 of pcie_tlp_mux, 4 ports, round robin',
    lut4: 4 * mux.lut4,
    ff: 4 * mux.ff,
    comb: 4 * mux.comb,
    blocks: ['crossbar-4'],
    note: 'a mux for each of the 4 outputs; ours has the buffers of its inputs too, in block RAM, and their queues by output and class',
  },
  {
    ...mux,
    name: 'pcie_tlp_mux, 4 ports, round robin',
    blocks: ['switch-4'],
    note: 'the clock of the whole switch beside that of their mux alone, whose seeds 2 and 3 give 114.2 and 116.7 MHz; ours mapped by `abc`, theirs by `abc9` (by `abc` it gets 4,954 LUT4 and 50 MHz)',
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
  ...(
    [
      ['dma-read-256', 'both with 256 tags; ours keeps read data in block RAM of its own until it is complete'],
      ['dma-read', 'ours with 64 tags, as the endpoint has'],
    ] as const
  ).map(([read, note]) => ({
    name: 'dma_if_pcie, reads and writes, 256 tags',
    lut4: 8029,
    ff: 2897,
    ebr: 0,
    dpr16x4: 970,
    comb: 15355,
    fmax_mhz: 94.1,
    blocks: ['dma-write', read],
    note,
  })),
];
