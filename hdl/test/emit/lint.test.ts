import { expect, test } from 'vitest';
import { lint, type SourceFile, slangLint, verilatorLint } from '../../../scripts/test/lint.ts';
import { emitVerilog, externalSources } from '../../src/emit/verilog.ts';
import { elaborate, RegisterFile, registerMap } from '../../src/index.ts';
import { randomDesign } from '../random-design.ts';
import { Assembled, Chosen, Observed, Placed, Tables, TwoClocks, Watched } from './constructs.ts';
import { gather } from './gather.ts';
import { Chain, Counter, Decoder, Gate, Machine, Memories, Parent } from './modules.ts';
import { randomParts } from './random-parts.ts';
import { ResetTree } from './reset-tree.ts';

/** One field of each kind of access. */
const map = registerMap({
  name: 'block',
  doc: 'A block.',
  bytes: 32,
  registers: {
    id: { offset: 0, doc: 'Who.', fields: { id: { bits: [31, 16], access: 'constant', reset: 0x7001, doc: 'Number.' } } },
    control: {
      offset: 4,
      doc: 'What.',
      fields: {
        enable: { bits: 0, access: 'rw', doc: 'Counts.' },
        limit: { bits: [27, 12], access: 'rw', reset: 0xffff, doc: 'Where it ends.' },
        start: { bits: 31, access: 'pulse', doc: 'Starts it.' },
      },
    },
    events: { offset: 8, doc: 'What happened.', fields: { done: { bits: [1, 0], access: 'w1c', doc: 'Ended.' } } },
    count: { offset: 16, doc: 'How far.', fields: { value: { bits: [15, 0], access: 'ro', doc: 'Now.' } } },
  },
});

const constructs = [
  ...[TwoClocks, ResetTree, Assembled, Placed, Tables, Observed, Watched].map(Construct => () => new Construct()),
  ...[Machine, Gate, Memories, Parent, Decoder, Chain].map(Construct => () => new Construct()),
  ...[true, false].map(fast => () => new Chosen({ fast })),
  () => new Counter({ width: 3 }),
  () => new RegisterFile({ map }),
];

const design = gather([
  ...constructs.map(make => elaborate(make as () => never).design),
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

test('Verilator, slang, Yosys and Icarus have nothing to say', async () => {
  expect(await lint(files, 'Gathered')).toBe('');
});

test('nor where synthesis reads it, or a formal tool, whose assertions are no Verilog-2005', async () => {
  expect(await verilatorLint(defining('SYNTHESIS', files), 'Gathered')).toBe('');
  expect(await slangLint(files, 'Gathered', ['SYNTHESIS'])).toBe('');
  expect(await slangLint(files, 'Gathered', ['FORMAL'], '1800-2017')).toBe('');
});

/** The files with a macro defined in front of all. */
function defining(macro: string, list: readonly SourceFile[]): SourceFile[] {
  return list.map(({ name, text }) => ({ name, text: `\`define ${macro}\n${text}` }));
}
