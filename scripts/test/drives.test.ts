import { expect, test } from 'vitest';
import { drivesOf, drivesTable, measureDrives } from '../src/bench/drives.ts';

test('one drive behind a network card: its link is busy with data in 95 of 100 cycles, in both directions and wherever the data is', {
  timeout: 300_000,
}, async () => {
  const figures = await measureDrives({ drives: [1], bs: 131_072, bytes: 2 ** 21 }, () => {});
  expect(figures.map(({ setting, rw }) => [setting, rw])).toEqual([
    ['nic0', 'write'],
    ['nic0', 'read'],
    ['own', 'write'],
    ['own', 'read'],
  ]);
  for (const { share, limit_gbps: limit, root_bytes: root, bytes } of figures) {
    expect(share).toBeGreaterThan(0.95);
    expect(limit).toBeGreaterThan(7.9);
    expect([root, bytes]).toEqual([0, 2 ** 21]);
  }
  expect(drivesTable(figures)).toContain('the drives');
});

test('numbers of drives that are not measured are told', () => {
  expect(drivesOf('2,8')).toEqual([2, 8]);
  expect(() => drivesOf('2,3')).toThrow('3 drives are not measured: choose 1, 2, 4, 8');
});
