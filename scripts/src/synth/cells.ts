import type { ir } from '@hdl/ts-hdl';
import { z } from 'zod';
import type { Ecp5Figures, XilinxFigures } from './report.ts';

/** How often each kind of cell occurs. */
export type Cells = Readonly<Record<string, number>>;

const statistics = z.object({
  modules: z.record(z.string(), z.object({ estimated_num_lc: z.number().optional() })),
  design: z.object({ num_cells_by_type: z.record(z.string(), z.number()) }),
});
const placement = z.object({
  fmax: z.record(z.string(), z.object({ achieved: z.number() })).optional(),
  utilization: z.record(z.string(), z.object({ used: z.number() })),
});
const netlist = z.object({
  modules: z.record(
    z.string(),
    z.object({
      cells: z.record(z.string(), z.object({ type: z.string() })),
      netnames: z.record(z.string(), z.unknown()),
    }),
  ),
});

const sum = (cells: Cells, kind: RegExp) =>
  Object.entries(cells).reduce((total, [type, n]) => total + (kind.test(type) ? n : 0), 0);

/** Sizes of an ECP5 netlist, not yet placed, from the output of the Yosys command `stat -json`. */
export function ecp5Cells(stat: string): Omit<Ecp5Figures, 'comb' | 'fmax' | 'fmax_mhz'> {
  const cells = statistics.parse(JSON.parse(stat)).design.num_cells_by_type;
  return {
    lut4: sum(cells, /^LUT4$/),
    ccu2c: sum(cells, /^CCU2C$/),
    dpr16x4: sum(cells, /^TRELLIS_DPR16X4$/),
    ebr: sum(cells, /^(DP16KD|PDPW16KD)$/),
    dsp: sum(cells, /^(MULT18X18D|ALU54B)$/),
    ff: sum(cells, /^TRELLIS_FF$/),
  };
}

/** Sizes of an UltraScale+ netlist from the output of the Yosys command `stat -json -tech xilinx`, which also estimates logic cells. */
export function xilinxCells(stat: string): XilinxFigures {
  const { modules, design } = statistics.parse(JSON.parse(stat));
  const cells = design.num_cells_by_type;
  return {
    logic_cells: Object.values(modules).reduce((total, { estimated_num_lc = 0 }) => total + estimated_num_lc, 0),
    lut: sum(cells, /^LUT[1-6]$/),
    carry: sum(cells, /^CARRY[48]$/),
    lutram: sum(cells, /^RAM\d+[MX]\d+/),
    bram: sum(cells, /^RAMB\d+/),
    ff: sum(cells, /^FD[RSCP]E$/),
  };
}

/** What place and route found: cells after packing, and the slowest clock in MHz if any path between registers was timed. */
export function placed(report: string): { readonly comb: number; readonly mhz: number | undefined } {
  const { fmax = {}, utilization } = placement.parse(JSON.parse(report));
  const clocks = Object.values(fmax).map(({ achieved }) => achieved);
  return { comb: utilization.TRELLIS_COMB?.used ?? 0, mhz: clocks.length > 0 ? Math.min(...clocks) : undefined };
}

/** Paths, with dots, of the memories that shall be block RAM. */
export function blockMemories(module: ir.Module, path = ''): string[] {
  return [
    ...module.memories.filter(memory => memory.style === 'block').map(memory => path + memory.name),
    ...module.instances.flatMap(instance => blockMemories(instance.module, `${path}${instance.name}.`)),
  ];
}

/**
 * Memories that were meant as block RAM and became, at least in part, distributed RAM or registers in a flat ECP5 netlist (JSON of Yosys). One of which
 * nobody reads anything is not there at all.
 */
export function misplacedMemories(top: ir.Module, json: string): string[] {
  const modules = Object.values(netlist.parse(JSON.parse(json)).modules);
  const distributed = modules.flatMap(({ cells }) =>
    Object.entries(cells).flatMap(([name, { type }]) => (type === 'TRELLIS_DPR16X4' ? [name.replace(/(\.\d+)+$/, '')] : [])),
  );
  // Words in registers keep their names: `words[0]`.
  const registers = modules.flatMap(({ netnames }) =>
    Object.keys(netnames).flatMap(name => /^(.*)\[\d+\]$/.exec(name)?.[1] ?? []),
  );
  const elsewhere = new Set([...distributed, ...registers]);
  return blockMemories(top).filter(path => elsewhere.has(path));
}

/** The middle value, of an even number the lower one of the two. */
export function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length / 2) - 1];
}
