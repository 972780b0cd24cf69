import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { embedded } from '@hdl/ts-hdl';
import { expect, test, vi } from 'vitest';
import { randomBatch } from '../src/soak/generate.ts';
import { type Batch, batchText, type OperationName, operationNames, parseBatch } from '../src/soak/operation.ts';
import { Player } from '../src/soak/player.ts';
import { shrink } from '../src/soak/shrink.ts';
import { soak } from '../src/soak.ts';
import { playBatches } from './soak-play.ts';

// One endpoint for all tests: a batch begins with a reset.
const player = new Player(64, embedded);

test('C4 C5 C6 C8 C24 C50 C51 C53 C54 C55 C56 C57 C58 C59 C60 C63 C70d C70f C71a C71b C71c C71d C81 C83 C84 C85 C87 C88 C89 C92 C98 C99: random traffic, good and bad, as the reference says', async () => {
  await playBatches(player, { seed: 1, batches: 12, operations: 400 });
  const kinds = [...player.counts.keys()];
  for (const kind of [
    'MWr to memory',
    'CAS',
    'DMA read',
    'poisoned CplD for the DMA',
    'malformed: too many beats',
    'MRd to a function that is off',
    'job write with flush',
    'job inside',
    'media from drain to fill',
    'media from read_dma to write_dma',
    'AtomicOp inside',
    'AtomicOp of the firmware',
    'MWr to a doorbell',
    'TLP with a wrong digest',
    'interrupt of the firmware',
  ])
    expect(kinds).toContain(kind);
});

test('the same batch takes the same cycles, also after others', () => {
  const batch = randomBatch(77, 64, 60);
  const cycles = [batch, randomBatch(78, 64, 60), batch].map(b => {
    const start = player.bench.cycle;
    expect(player.play(b)).toBeUndefined();
    return player.bench.cycle - start;
  });
  expect(cycles[2]).toBe(cycles[0]);
});

test('every operation can be played alone, with the smallest and the largest numbers', () => {
  const most = 2 ** 32 - 1;
  for (const name of operationNames)
    for (const [value, settings] of [
      [0, []],
      [most, Array.from({ length: 24 }, () => most)],
    ] as const) {
      const batch: Batch = { width: 64, settings, operations: [[name, value, value, value, value]] };
      expect(player.play(batch)?.message, name).toBeUndefined();
    }
});

test('a batch goes through a file', () => {
  const batch = randomBatch(5, 256, 40);
  expect(parseBatch(batchText(batch))).toEqual(batch);
  expect(() => parseBatch('{"width":96}')).toThrow('width is 64, 128, 256 or 512');
  expect(() => parseBatch('{"width":64,"settings":[],"operations":[["dance",0,0,0,0]]}')).toThrow("no operation 'dance'");
  expect(() => parseBatch('{"width":64,"settings":[],"operations":[["write",0,0,0]]}')).toThrow('four numbers');
});

test('the command plays random batches, and one from a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'soak-'));
  const file = join(folder, 'batch.json');
  writeFileSync(file, batchText(randomBatch(9, 64, 20)));
  const options = { tlps: 200, seed: 4, width: 64, engine: 'embedded', operations: 50, out: file, shrink: 1 };
  const text = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  try {
    expect(await soak(options)).toBe(0);
    expect(await soak({ ...options, replay: file })).toBe(0);
    const told = text.mock.calls.map(([line]) => String(line)).join('');
    expect(told).toContain('random traffic of seed 4, 64 bits');
    expect(told).toMatch(/MRd of memory +│ +\d+/);
    expect(told).toContain('0 mismatches, 0 hangs');
    expect(told).toContain('nothing is wrong with it');
  } finally {
    text.mockRestore();
    rmSync(folder, { recursive: true });
  }
  await expect(soak({ ...options, replay: join(folder, 'none.json') })).rejects.toThrow('cannot be played');
  await expect(soak({ ...options, width: 96 })).rejects.toThrow('--width is 64, 128, 256 or 512');
});

test('a batch that fails is made small: operations that do not matter go, numbers become 0', async () => {
  const fails = ({ operations }: Batch) => {
    const names: OperationName[] = operations.map(([name]) => name);
    const sleep = names.indexOf('sleep');
    const index = names.findIndex((name, i) => name === 'flush' && i > sleep && (operations[i]?.[2] ?? 0) > 1000);
    return sleep >= 0 && index >= 0 ? { index, message: 'wrong', cycle: 1, hang: false } : undefined;
  };
  const random = randomBatch(3, 64, 200);
  const batch: Batch = {
    ...random,
    operations: [...random.operations, ['sleep', 7, 7, 7, 7], ['write', 1, 1, 1, 1], ['flush', 9, 5000, 9, 9]],
  };
  const small = await shrink({ play: fails }, batch, 20, () => undefined);
  expect(small?.batch.operations).toEqual([
    ['sleep', 0, 0, 0, 0],
    ['flush', 0, 1001, 0, 0],
  ]);
  expect(small?.batch.settings).toEqual([]);
});
