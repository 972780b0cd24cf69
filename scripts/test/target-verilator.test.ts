import { parseJobFile } from '@hdl/firmware/host';
import { expect, test } from 'vitest';
import { engineByName } from '../src/engines.ts';
import { runTarget, targetTopology } from '../src/target-run.ts';

test('the storage target under Verilator: every figure is that of the embedded engine', { timeout: 1_800_000 }, async () => {
  const job = '[both]\nrw=randrw\nbs=4k\nsize=32k\niodepth=4\n';
  const run = async (name: string) => {
    const engine = engineByName(name);
    const { engine: told, ...report } = await runTarget({
      jobs: parseJobFile(job),
      jobFile: 'both.fio',
      topology: targetTopology(1),
      engine,
      clockHz: 250e6,
      width: 256,
      settings: ['auto', 'none'],
    });
    expect(told).toBe(name);
    return report;
  };
  const report = await run('verilator');
  expect(report.settings.map(({ wrong_blocks: wrong }) => wrong)).toEqual([0, 0]);
  expect(await run('embedded')).toEqual(report);
});
