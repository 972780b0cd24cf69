import { z } from 'zod';

/** Grows when a reader of the former shape would misread the new one. */
export const synthReportVersion = 1;

const count = z.number().int().nonnegative();

/** Cells after synthesis for ECP5, and what place and route says. */
export const ecp5Figures = z.strictObject({
  lut4: count,
  ccu2c: count,
  dpr16x4: count,
  ebr: count,
  dsp: count,
  ff: count,
  /** TRELLIS_COMB after packing: LUT4, two per CCU2C, and the LUTs of distributed RAM. */
  comb: count.nullable(),
  /** One entry per seed that was placed. */
  fmax: z.array(z.strictObject({ seed: count, mhz: z.number().positive() })),
  /** Median over these; null if the block was not placed, or has no path between two registers. */
  fmax_mhz: z.number().positive().nullable(),
  /** Why there is no Fmax, or not one for each seed. */
  unplaced: z.string().optional(),
});
export type Ecp5Figures = z.infer<typeof ecp5Figures>;

/** Cells after synthesis for UltraScale+: estimates, made without the vendor's tools. */
export const xilinxFigures = z.strictObject({
  logic_cells: count,
  lut: count,
  carry: count,
  lutram: count,
  bram: count,
  ff: count,
});
export type XilinxFigures = z.infer<typeof xilinxFigures>;

export const blockReport = z.strictObject({
  name: z.string(),
  what: z.string(),
  /** Of the Verilog without its comments. */
  verilog_sha256: z.string().regex(/^[0-9a-f]{64}$/),
  ecp5: ecp5Figures,
  /** Null if it was not synthesised for UltraScale+. */
  xilinx: xilinxFigures.nullable(),
});
export type BlockReport = z.infer<typeof blockReport>;

/** What `npm run synth -- --json` writes; see docs/report-schema.md. */
export const synthReport = z.strictObject({
  schema: z.literal('p2p-synth-report'),
  version: z.literal(synthReportVersion),
  yosys: z.string(),
  nextpnr: z.string(),
  device: z.string(),
  seeds: z.array(count),
  blocks: z.array(blockReport),
});
export type SynthReport = z.infer<typeof synthReport>;
