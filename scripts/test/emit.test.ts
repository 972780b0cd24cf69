import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LinkCounters } from '@hdl/pcie-rtl';
import { checked, elaborate, emitVerilog } from '@hdl/ts-hdl';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { emit, emittedFiles } from '../src/emit.ts';
import { loadTopology } from '../src/topology-file.ts';
import { fileList, hasIcarus, icarusLint, lint, slangLint, verilatorLint, yosysLint } from './lint.ts';

const tops = [
  ['endpoint.f', 'Endpoint'],
  ['switch.f', 'Switch'],
  ['fabric.f', 'Fabric'],
] as const;

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'emit-'));
  expect(await emit({ out: folder })).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a topology of one’s own and the counters of a link, which the default fabric lacks: nothing either', async () => {
  const topology = await loadTopology(fileURLToPath(new URL('../../examples/topology.ts', import.meta.url)));
  expect(
    await lint(
      emittedFiles(topology).filter(file => file.name.endsWith('.v')),
      'Fabric',
    ),
  ).toBe('');
  const counters = emitVerilog(checked(elaborate(() => new LinkCounters({ bus_bits: 3, tag_bits: 6 })).design));
  expect(await lint(counters, 'LinkCounters')).toBe('');
});

test.each(tops)('%s: Verilator, slang, Yosys and Icarus have nothing to say', { timeout: 300_000 }, async (list, top) => {
  expect(await lint(fileList(folder, list), top)).toBe('');
});

test('a second run writes the same bytes, and no other files', async () => {
  const again = mkdtempSync(join(tmpdir(), 'emit-'));
  try {
    await emit({ out: again });
    expect(readdirSync(again)).toEqual(readdirSync(folder));
    for (const name of readdirSync(folder))
      expect(readFileSync(join(again, name), 'utf8'), name).toBe(readFileSync(join(folder, name), 'utf8'));
  } finally {
    rmSync(again, { recursive: true, force: true });
  }
});

test('with --netlist the same modules stand in fabric.json', async () => {
  const other = mkdtempSync(join(tmpdir(), 'emit-'));
  try {
    await emit({ out: other, netlist: true });
    const { modules } = JSON.parse(readFileSync(join(other, 'fabric.json'), 'utf8')) as { modules: Record<string, unknown> };
    const files = readdirSync(folder).filter(name => name.endsWith('.v'));
    expect(Object.keys(modules).sort()).toEqual(files.map(name => name.slice(0, -2)).sort());
  } finally {
    rmSync(other, { recursive: true, force: true });
  }
});

test('nothing is waived, and hardware needs no initial block', () => {
  for (const { name, text } of fileList(folder, 'fabric.f')) {
    const hardware = text.replace(/^`ifdef FORMAL$[\s\S]*?^`endif$/gm, '');
    expect(hardware, name).not.toMatch(/lint_off|lint_on|verilator|synopsys|translate_off|\binitial\b/i);
  }
});

test('the lints do see faults', async () => {
  const [file] = fileList(folder, 'switch.f');
  const broken = [
    { name: 'Broken.v', text: 'module Broken (input a, output [1:0] y);\n  wire unused;\n  assign y = a;\nendmodule\n' },
  ];
  expect(file?.text).toMatch(/^module /m);
  expect(await verilatorLint(broken, 'Broken')).toMatch(/WIDTHEXPAND/);
  const floating = [
    { name: 'Broken.v', text: 'module Broken (input a, output y);\n  wire x;\n  assign y = a & x;\nendmodule\n' },
  ];
  expect(await yosysLint(floating, 'Broken')).toMatch(/no driver/);
  const implicit = [
    { name: 'Broken.v', text: 'module Broken (input a, output y);\n  assign z = a;\n  assign y = z;\nendmodule\n' },
  ];
  if (hasIcarus()) expect(await icarusLint(implicit, 'Broken')).toMatch(/implicit/);
  const signs = [
    {
      name: 'Broken.v',
      text: 'module Broken (input signed [1:0] a, input [1:0] b, output y);\n  assign y = a < b;\nendmodule\n',
    },
  ];
  expect(await verilatorLint(signs, 'Broken')).toBe('');
  expect(await slangLint(signs, 'Broken')).toMatch(/sign-compare/);
  expect(await lint(signs, 'Broken')).toMatch(/^slang:\n/);
});
