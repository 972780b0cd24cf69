import { expect, test } from 'vitest';
import { hasIcarus, icarusLint, type SourceFile, verilatorLint, yosysLint } from '../../../scripts/test/lint.ts';
import { emitVerilog, externalSources } from '../../src/emit/verilog.ts';
import { elaborate } from '../../src/index.ts';
import { randomDesign } from '../random-design.ts';
import { Assembled, Observed, Placed, Tables, TwoClocks, Watched } from './constructs.ts';
import { gather } from './gather.ts';
import { randomParts } from './random-parts.ts';

const constructs = [TwoClocks, Assembled, Placed, Tables, Observed, Watched];

const design = gather([
  ...constructs.map(Construct => elaborate(() => new Construct()).design),
  ...Array.from({ length: 3 }, (_, seed) => randomDesign(seed, { maxWidth: 24, expressions: 12, children: 1 })),
  ...Array.from({ length: 3 }, (_, seed) => randomParts(seed)),
]);

/** What the black boxes of the constructs stand for. */
const boxes: SourceFile[] = [
  {
    name: 'iobuf.v',
    text: `module IOBUF #(parameter DRIVE = 1, parameter SLEW = "FAST") (input C, input i, output reg o);
  always @(posedge C) o <= i & DRIVE[2] & (SLEW == "SLOW");
endmodule
`,
  },
  { name: 'modelled.v', text: 'module Modelled (input [7:0] i, output o);\n  assign o = |i;\nendmodule\n' },
].map(({ name, text }) => ({ name: name === 'iobuf.v' ? 'IOBUF.v' : 'Modelled.v', text }));

test('the sources of black boxes are listed once', () => {
  expect(externalSources(design)).toEqual(['iobuf.v', 'modelled.v']);
});

const files = [...emitVerilog(design), ...boxes];

test('Verilator -Wall has nothing to say, whichever macros are defined', async () => {
  expect(await verilatorLint(files, 'Gathered')).toBe('');
  expect(await verilatorLint(defining('SYNTHESIS', files), 'Gathered')).toBe('');
});

test.skipIf(!hasIcarus())('Icarus -Wall has nothing to say', async () => {
  expect(await icarusLint(files, 'Gathered')).toBe('');
});

test('Yosys check -assert has nothing to say', async () => {
  expect(await yosysLint(files, 'Gathered')).toBe('');
});

/** The files with a macro defined in front of all. */
function defining(macro: string, list: readonly SourceFile[]): SourceFile[] {
  return list.map(({ name, text }) => ({ name, text: `\`define ${macro}\n${text}` }));
}
