// Made from Verilog by `verilator-wrapper bindings`. Make it again when ports change.
import { fileURLToPath } from 'node:url';
import { type VerilatedModel, type VerilogOptions, verilateVerilog } from '@hdl/verilator-wrapper';

/** The ports of `byte_bridge`. Its clocks: clk_wr, clk_rd. */
export const ports = {
  rst_wr_n: { direction: 'input', width: 1 },
  data_in: { direction: 'input', width: 32 },
  valid_in: { direction: 'input', width: 1 },
  ready_in: { direction: 'output', width: 1 },
  rst_rd_n: { direction: 'input', width: 1 },
  data_out: { direction: 'output', width: 8 },
  valid_out: { direction: 'output', width: 1 },
  ready_out: { direction: 'input', width: 1 },
  crc: { direction: 'output', width: 8 },
  sent: { direction: 'output', width: 16 },
  pad_out: { direction: 'output', width: 1 },
} as const;

/** A model of `byte_bridge`. */
export type Model = VerilatedModel<typeof ports>;

/** The Verilog of `byte_bridge`. */
export const verilog = {
  top: 'byte_bridge',
  files: ['rtl/async_fifo.v', 'rtl/byte_bridge.v', 'rtl/crc8.v', 'rtl/sync_2ff.v'],
  includes: ['include'],
  libraries: ['vendor'],
  clocks: { clk_wr: { period: 10 }, clk_rd: { period: 7, phase: 3 } },
  folder: fileURLToPath(new URL('./', import.meta.url)),
} satisfies VerilogOptions;

/** Makes a model of `byte_bridge`; options go before those of `verilog`. */
export function open(options: Omit<Partial<VerilogOptions>, 'ports'> = {}): Model {
  return verilateVerilog({ ...verilog, ...options, ports });
}
