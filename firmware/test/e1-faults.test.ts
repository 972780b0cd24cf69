import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FaultKind, type FaultRun, FaultRuns } from './e1-faults.ts';

/** Faults during E1 and E2 on RTL; thousands of them at random: `e1-fault-runs.ts`. */

let faults: FaultRuns;
let before: number;
let free: bigint;
beforeAll(async () => {
  faults = await FaultRuns.start();
  before = await faults.reference();
  free = faults.freeMemory;
}, 300_000);
afterAll(() => faults[Symbol.dispose]());

async function some(kind: FaultKind, count = 4): Promise<FaultRun[]> {
  const runs: FaultRun[] = [];
  for (let seed = 1; seed <= count; seed++) runs.push(await faults.run(seed, kind));
  return runs;
}
const sum = (runs: readonly FaultRun[], of: (run: FaultRun) => number) => runs.reduce((total, run) => total + of(run), 0);
const failures = (runs: readonly FaultRun[]) => sum(runs, run => run.failed);

describe('E1 E2: commands end, no block is wrong, pools are whole, and the target goes on', () => {
  test('without a fault none fails, and no data is on the root link', async () => {
    expect(failures(await some('nothing'))).toBe(0);
  });

  test('M1-9: pool exhausted: none fails', async () => {
    expect(failures(await some('empty pool'))).toBe(0);
  });

  test('C71b: a poisoned write into the memory is reported, and what used the memory fails', async () => {
    const card = await some('poisoned write of the network card');
    expect(card.filter(run => run.struck).every(run => run.failed > 0)).toBe(true);
    const drives = await some('poisoned write of a drive', 6);
    for (const runs of [card, drives]) {
      expect(sum(runs, run => Number(run.struck))).toBeGreaterThan(0);
      expect([sum(runs, run => run.failed) > 0, runs.some(run => run.reconnected)]).toEqual([true, false]);
    }
  });

  test('C71b: a poisoned answer of the memory: a drive tries again, the network card’s connection is lost', async () => {
    const runs = await some('poisoned answer', 6);
    expect(runs.every(run => run.struck)).toBe(true);
    expect(new Set(runs.map(run => run.reconnected))).toEqual(new Set([true, false]));
    for (const run of runs) expect(run.failed).toBe(run.reconnected ? run.commands : 0);
  });

  test('C59: an answer that never comes', async () => {
    const runs = await some('lost answer', 6);
    expect(runs.every(run => run.struck)).toBe(true);
    expect(new Set(runs.map(run => run.reconnected))).toEqual(new Set([true, false]));
  });

  test('C84: a function level reset of the provider', async () => {
    expect(failures(await some('reset of the provider', 6))).toBeGreaterThan(0);
  });

  test('C71e C91: the provider is pulled out, and another one put in', async () => {
    expect(failures(await some('removal of the provider', 6))).toBeGreaterThan(0);
  });

  test('C71e C91: a drive is pulled out and put in again, and what it held is there', async () => {
    const runs = await some('removal of a drive', 6);
    expect([failures(runs) > 0, runs.some(run => run.reconnected)]).toEqual([true, false]);
  });

  test('C70f: after all that the same commands take as long as before: no credit and no tag is lost, and no memory of a driver', async () => {
    expect(await faults.reference()).toBeLessThan(before * 1.05);
    expect(faults.freeMemory).toBe(free);
  });
});
