import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { parseJobFile } from '@hdl/firmware/host';
import type { EngineFunction } from '@hdl/testbench';
import { embedded } from '@hdl/ts-hdl';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TargetReport } from '../src/report/target-schema.ts';
import { targetReport } from '../src/report/target-schema.ts';
import { renderTargetReport } from '../src/report/target-table.ts';
import { target } from '../src/target.ts';
import { runTarget, targetTopology } from '../src/target-run.ts';

const tool = fileURLToPath(new URL('../bin/p2p.mjs', import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'target-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function p2p(args: readonly string[]) {
  const done = spawnSync(process.execPath, [tool, 'target', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { code: done.status, out: done.stdout, err: done.stderr };
}

/** The embedded engine, which allows what others do not: here nothing runs after the end. */
const guarded: EngineFunction = (design, options) => {
  const simulation = embedded(design, options);
  let ended = false;
  return new Proxy(simulation, {
    get(of, name) {
      if (name === Symbol.dispose) ended = true;
      else if (ended) throw new Error(`the simulation is used after its end: ${String(name)}`);
      const value: unknown = Reflect.get(of, name, of);
      return typeof value === 'function' ? value.bind(of) : value;
    },
  });
};

const jobs =
  '[write]\nrw=write\nbs=4k\nsize=16k\niodepth=2\n[both]\nstonewall\nrw=randrw\nbs=8k\nsize=32k\niodepth=2\nfilename=nvme1\n';

describe('jobs on a storage target', () => {
  let report: TargetReport;
  beforeAll(async () => {
    report = await runTarget({
      jobs: parseJobFile(jobs),
      jobFile: 'two.fio',
      topology: targetTopology(),
      engine: { name: 'embedded', create: guarded },
      clockHz: 250e6,
      width: 256,
      settings: ['auto', 'none', 'nvme0'],
    });
  }, 300_000);

  test('M1-8 M4-16: with p2pmem no byte of data is on the root link, without it twice the data, and every block is right', () => {
    const asked = 2 * 16_384 + 32_768;
    expect(
      report.settings.map(({ p2pmem, groups, wrong_blocks: wrong }) => [p2pmem, sum(groups.map(g => g.root_data_bytes)), wrong]),
    ).toEqual([
      ['auto', 0, 0],
      ['none', 2 * asked, 0],
      ['nvme0', 0, 0],
    ]);
    expect(report.settings.map(({ buffers }) => buffers)).toEqual([
      [
        { drive: 'nvme0', memory: 'nic0' },
        { drive: 'nvme1', memory: 'nvme1' },
      ],
      [
        { drive: 'nvme0', memory: 'host' },
        { drive: 'nvme1', memory: 'host' },
      ],
      [
        { drive: 'nvme0', memory: 'nvme0' },
        { drive: 'nvme1', memory: 'nvme0' },
      ],
    ]);
  });

  test('figures of the jobs follow from their cycles', () => {
    for (const { groups } of report.settings) {
      const [write, both] = groups.flatMap(group => group.jobs);
      expect(write).toMatchObject({ job: 'write', rw: 'write', reads: 0, writes: 8, bytes: 32_768 });
      expect((both?.reads ?? 0) + (both?.writes ?? 0)).toBe(4);
      for (const job of [write, both]) {
        if (!job) throw new RangeError('a job is missing');
        expect(job.iops).toBeCloseTo((job.reads + job.writes) / (job.cycles / 250e6));
        expect(job.gbps).toBeCloseTo((job.bytes / job.cycles) * 0.25);
        const { p50_cycles: middle, p99_cycles: high, most_cycles: most } = job.latency;
        // Two ways over a wire of 100 cycles are in each of them.
        expect([200 < middle, middle <= high, high <= most, most <= job.cycles]).toEqual([true, true, true, true]);
      }
    }
  });

  test('the tables say it', () => {
    expect(targetReport.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
    const text = stripVTControlCharacters(renderTargetReport(report));
    expect(text).toMatch(/│ auto +│ write +│ write +│ 4k │ +2 │/);
    expect(text).toContain('✓ p2pmem auto: data in the memory of nic0, nvme1, no byte of it on the root link');
    expect(text).toMatch(/✓ p2pmem none: data in the memory of host, 131,072 bytes of it on the root link, 2\.00 times/);
    const [first] = report.settings;
    if (!first) throw new RangeError('a setting is missing');
    const wrong = stripVTControlCharacters(renderTargetReport({ ...report, settings: [{ ...first, wrong_blocks: 3 }] }));
    expect(wrong).toContain(
      '✗ p2pmem auto: data in the memory of nic0, nvme1, no byte of it on the root link; 3 blocks are WRONG',
    );
  });
});

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

test.each([
  ['a job file with an unknown option', { job: 'bad.fio' }, /bad\.fio:2: the option 'zonemode' is not known/],
  ['a job file that is not there', { job: 'none.fio' }, /the job file .*none\.fio cannot be read/],
  [
    'a setting that there is not',
    { p2pmem: 'auto,gpu0' },
    /p2pmem cannot be 'gpu0': choose from auto, none, own, nic0, nvme0, nvme1/,
  ],
  ['a report in a folder that is not there', { json: 'no/report.json' }, /cannot write .*report\.json/],
  ['a topology that has no card', { topology: 'copy.json' }, /needs a network card, and the topology has none/],
])('%s is told before anything is built', async (_, given: {
  job?: string;
  json?: string;
  topology?: string;
  p2pmem?: string;
}, words) => {
  writeFileSync(join(folder, 'bad.fio'), '[a]\nzonemode=zbd\n');
  writeFileSync(join(folder, 'copy.json'), JSON.stringify({ endpoints: [{ name: 'a', parent: 'root', memory_bytes: 4096 }] }));
  const files = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, name === 'p2pmem' ? value : join(folder, value)]),
  );
  await expect(target({ engine: 'embedded', drives: 2, p2pmem: 'auto', clock: 250, ...files })).rejects.toThrow(words);
});

test('the command writes its report', { timeout: 300_000 }, () => {
  writeFileSync(join(folder, 'small.fio'), '[one]\nsize=8k\n');
  const { code, out } = p2p(['--job', 'small.fio', '--p2pmem', 'auto', '--drives', '1', '--json', 'report.json']);
  expect(code).toBe(0);
  expect(out).toContain('small.fio  on nvme0 through nic0');
  const written = targetReport.parse(JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')));
  expect(written.settings.map(({ p2pmem }) => p2pmem)).toEqual(['auto']);
  expect(existsSync(join(folder, '.report.json'))).toBe(false);
});
