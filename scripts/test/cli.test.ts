import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { report } from '../src/report/schema.ts';

const tool = fileURLToPath(new URL('../bin/p2p.mjs', import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-'));
  writeFileSync(join(folder, 'empty'), '');
  writeFileSync(join(folder, 'large'), '');
  truncateSync(join(folder, 'large'), 64 * 2 ** 20 + 1);
  writeFileSync(join(folder, 'small'), 'a few bytes');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function p2p(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const done = spawnSync(process.execPath, [tool, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', ...env },
  });
  return { code: done.status, out: done.stdout, err: done.stderr };
}

function topologyFile(name: string, description: unknown): string {
  writeFileSync(join(folder, name), JSON.stringify(description));
  return name;
}

const drive = (name: string, memory_bytes = 65_536) => ({ name, parent: 'switch0', memory_bytes });
const switch0 = { name: 'switch0', parent: 'root' };

/** Wrong requests with the words that must be in the answer. */
const wrong: readonly [what: string, args: () => readonly string[], words: RegExp][] = [
  ['an unknown engine', () => ['sim', '--engine', 'icarus'], /there is no engine 'icarus': choose embedded .* or verilator/],
  ['a missing file', () => ['sim', '--file', 'nowhere'], /cannot read nowhere: it does not exist/],
  ['an empty file', () => ['sim', '--file', 'empty'], /empty is empty: there is nothing to copy/],
  ['a folder for a file', () => ['sim', '--file', '.'], /\. is not a file/],
  ['a file larger than the drive', () => ['sim', '--file', 'large'], /large has 67,108,865 bytes, and a drive has 67,108,864/],
  ['a clock of nothing', () => ['sim', '--clock', '0'], /It has to be a number above 0/],
  ['an unknown option', () => ['sim', '--speed', '9'], /unknown option '--speed'/],
  ['an unknown command', () => ['simulate'], /unknown command 'simulate'/],
  [
    'a report in a folder that is not there',
    () => ['sim', '--file', 'small', '--json', 'no/report.json'],
    /cannot write no\/report\.json/,
  ],
  [
    'a trace in a folder that is not there',
    () => ['sim', '--file', 'small', '--trace', 'no/out.vcd'],
    /cannot write no\/out\.vcd/,
  ],
  ['emit without a folder', () => ['emit'], /required option '--out <folder>'/],
  ['emit into a file', () => ['emit', '--out', 'small'], /cannot write into small/],
  ['a topology file that is not there', () => ['sim', '--topology', 'none.ts'], /there is no topology file none\.ts/],
  [
    'a topology file that is no topology',
    () => ['sim', '--topology', topologyFile('not.json', { hello: 1 })],
    /holds no topology/,
  ],
  [
    'a name twice',
    () => ['sim', '--topology', topologyFile('twice.json', { switches: [switch0], endpoints: [drive('a'), drive('a')] })],
    /two devices are called 'a'/,
  ],
  [
    'too many ports',
    () => [
      'emit',
      '--out',
      'never',
      '--topology',
      topologyFile('ports.json', { switches: [switch0], endpoints: Array.from({ length: 33 }, (_, i) => drive(`d${i}`)) }),
    ],
    /'switch0' would need 33 downstream ports, and has at most 32/,
  ],
  [
    'BARs beyond the windows',
    () => [
      'sim',
      '--topology',
      topologyFile('bars.json', { switches: [switch0], endpoints: [drive('a', 2 ** 40), drive('b', 2 ** 40)] }),
    ],
    /the BAR memories need a window of/,
  ],
  [
    'one drive only',
    () => ['sim', '--file', 'small', '--topology', topologyFile('one.json', { switches: [switch0], endpoints: [drive('a')] })],
    /the copy needs two drives/,
  ],
  ['a Verilator that is too old', () => ['sim', '--file', 'small', '--engine', 'verilator'], /4\.038/],
];

describe('bad input', () => {
  test.each(wrong)('%s: one paragraph and exit code 2', (what, args, words) => {
    const before = readdirSync(folder);
    const env: NodeJS.ProcessEnv = {};
    if (what.includes('too old')) {
      writeFileSync(join(folder, 'old-verilator'), '#!/bin/sh\necho "Verilator 4.038 2020-07-11 rev v4.036"\n', { mode: 0o755 });
      env.P2P_VERILATOR = join(folder, 'old-verilator');
    }
    const { code, out, err } = p2p(args(), env);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(words);
    expect(err).not.toMatch(/^\s+at |node_modules|\.ts:\d+/m);
    expect(err.trim().split('\n\n')).toHaveLength(1);
    // Nothing half-written.
    const after = readdirSync(folder).filter(f => !before.includes(f) && !f.endsWith('.json') && f !== 'old-verilator');
    expect(after).toEqual([]);
  });
});

test('the tool tells what it can do', () => {
  const { code, out } = p2p(['--help']);
  expect(code).toBe(0);
  for (const command of ['sim', 'emit', 'bench']) expect(out).toMatch(new RegExp(`^ {2}${command} `, 'm'));
});

test('a copy writes a report that its schema accepts, and the tables', () => {
  const { code, out, err } = p2p(['sim', '--file', 'small', '--json', 'report.json']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const written = report.parse(JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')));
  expect(written.file).toMatchObject({ name: 'small', bytes: 11 });
  expect(written.flows.map(f => f.root_data_bytes)).toEqual([0, 0, 22]);
  expect(out).toMatch(/✓ peer writes: no byte of the file touched the root link/);
  expect(out).toMatch(/✓ host memory: 22 bytes of user data on the root link, 2\.00 times the file/);
  expect(existsSync(join(folder, '.report.json'))).toBe(false);
});

// It compiles the fabric with Verilator and as C.
test('the benchmark puts all engines beside a bare C++ loop with the same traffic', { timeout: 400_000 }, () => {
  const few = ['--bytes', '20000', '--tlps', '50', '--rounds', '1'];
  const { code, out } = p2p(['bench', '--only', 'saturated,sparse', ...few, '--json', 'bench.json']);
  expect(code).toBe(0);
  expect(out).toMatch(/bare C\+\+ loop .* 1\.00/);
  const { workloads } = JSON.parse(readFileSync(join(folder, 'bench.json'), 'utf8')) as {
    workloads: { variants: { variant: string; cycles_per_second: number; ratio: number }[] }[];
  };
  expect(workloads).toHaveLength(2);
  for (const { variants } of workloads) {
    const engines = ['verilator', 'native', 'embedded'].map(engine => `${engine}, from TypeScript`);
    expect(variants.map(v => v.variant)).toEqual(['bare C++ loop', ...engines]);
    const [base] = variants;
    for (const v of variants) expect(v.ratio).toBeCloseTo(v.cycles_per_second / (base?.cycles_per_second ?? 0), 2);
  }
});

test('a trace has the names of the TypeScript fields, below the names of the topology', () => {
  const { code } = p2p(['sim', '--file', 'small', '--trace', 'out.vcd']);
  expect(code).toBe(0);
  const vcd = readFileSync(join(folder, 'out.vcd'), 'utf8');
  const scopes: string[] = [];
  const names = new Set<string>();
  for (const [, what, scope = '', name = ''] of vcd.matchAll(
    /^\$(scope|upscope|var)(?: module (\w+))?(?: \w+ \d+ \S+ (\w+).*)? \$end$/gm,
  )) {
    if (what === 'scope') scopes.push(scope);
    else if (what === 'upscope') scopes.pop();
    else names.add([...scopes, name].join('.'));
  }
  for (const name of [
    'FabricHarness.fabric.drive0.tx_header_requester_id',
    'FabricHarness.fabric.drive0.layer.spaces.answer_data',
    'FabricHarness.fabric.switch0.crossbar.egress_1.granted',
    'FabricHarness.root.receive.request_valid',
  ]) {
    expect(names.has(name), name).toBe(true);
  }
  expect(vcd).toMatch(/^#1000$/m);
});

test('the example topology runs', () => {
  const example = fileURLToPath(new URL('../../examples/topology.ts', import.meta.url));
  const { code, out } = p2p(['sim', '--file', 'small', '--topology', example]);
  expect(code).toBe(0);
  expect(out).toMatch(/✓ peer reads/);
});
