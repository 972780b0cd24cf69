import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PortView, Simulation } from '@hdl/ts-hdl';
import { expect } from 'vitest';
import type { VerilogOptions } from '../src/index.ts';

/** A counter, memories of all kinds of words, ports of all kinds of widths, names that C++ has no room for; in two files. */
export const bench: VerilogOptions = {
  top: 'Bench',
  sources: [
    {
      name: 'store.v',
      text: `module Store #(parameter WIDTH = 8) (input clk, input we, input [3:0] address, input [WIDTH-1:0] data, output [WIDTH-1:0] q, output [WIDTH-1:0] first);
  reg [WIDTH-1:0] words [0:11];
  assign q = words[address];
  assign first = words[0];
  always @(posedge clk) if (we) words[address] <= data;
endmodule
`,
    },
    {
      name: 'bench.v',
      text: `module Bench #(parameter STOP = 100) (
  input clk, input rst, input en, input we, input [3:0] address, input [99:0] data,
  output reg [31:0] count, output [7:0] q8, output [15:0] q16, output [29:0] q30, output [47:0] q48, output [99:0] q100,
  input interrupt, output interrupt__n, output attention, output [7:0] first8
);
  reg [69:0] high;
  reg [31:0] backing [0:65535];
  Store #(.WIDTH(8)) s8 (.clk(clk), .we(we), .address(address), .data(data[7:0]), .q(q8), .first(first8));
  Store #(.WIDTH(16)) s16 (.clk(clk), .we(we), .address(address), .data(data[15:0]), .q(q16), .first());
  Store #(.WIDTH(30)) s30 (.clk(clk), .we(we), .address(address), .data(data[29:0]), .q(q30), .first());
  Store #(.WIDTH(48)) s48 (.clk(clk), .we(we), .address(address), .data(data[47:0]), .q(q48), .first());
  Store #(.WIDTH(100)) s__100 (.clk(clk), .we(we), .address(address), .data(data), .q(q100), .first());
  assign interrupt__n = !interrupt;
  assign attention = count == STOP;
  always @(posedge clk) begin
    if (rst) count <= 0; else if (en) count <= count + 1;
    if (we) backing[{high[15:4], address}] <= data[31:0];
    high <= {high[68:0], en};
    if (count == 4000) $finish;
  end
endmodule
`,
    },
  ],
  memories: [
    { module: 'Store', name: 'words' },
    { module: 'Bench', name: 'backing' },
  ],
  optimize: false,
};

/** A port that must be there. */
export function port(simulation: Simulation, name: string): PortView {
  const found = simulation.ports.get(name);
  if (found === undefined) throw new Error(`no port ${name}`);
  return found;
}

export function get({ words }: PortView): bigint {
  return words.reduceRight((value, word) => (value << 32n) | BigInt(word), 0n);
}

export function set({ words }: PortView, value: bigint): void {
  for (let i = 0; i < words.length; i++) words[i] = Number(BigInt.asUintN(32, value >> BigInt(32 * i)));
}

/** What `work` throws. */
export function thrown(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  return expect.fail('nothing was thrown');
}

/** A folder for the time of `work`. */
export function inFolder<R>(work: (folder: string) => R): R {
  const folder = mkdtempSync(join(tmpdir(), 'verilator-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
