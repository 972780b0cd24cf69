/**
 * A setup file of vitest: while `P2P_COVERAGE` names a folder, every simulation on the embedded engine counts what it exercises, and each test file leaves
 * the sum of its simulations there.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, vi } from 'vitest';
import type { CoveredSimulation } from '../../../hdl/src/engine/embedded.ts';
import type { Design } from '../../../hdl/src/ir/ir.ts';
import { Collector } from './collector.ts';
import { recordText } from './data.ts';

const seen = vi.hoisted(() => ({ watch: (simulation: CoveredSimulation, _: Design): CoveredSimulation => simulation }));

vi.mock('../../../hdl/src/engine/embedded.ts', async original => {
  const module = await original<typeof import('../../../hdl/src/engine/embedded.ts')>();
  const embedded: typeof module.embedded = (design, options) =>
    seen.watch(module.embedded(design, { ...options, coverage: true }), design);
  return { ...module, embedded };
});

const collector = new Collector();
seen.watch = (simulation, design) => collector.watch(simulation, design);

afterAll(() => {
  const folder = process.env.P2P_COVERAGE;
  if (folder === undefined) return;
  const coverage = collector.sum();
  const { simulations } = collector;
  if (simulations === 0) return;
  const { user, system } = process.cpuUsage();
  mkdirSync(folder, { recursive: true });
  const text = recordText({ coverage, simulations, seconds: (user + system) / 1e6 });
  writeFileSync(join(folder, `${process.pid}-${process.hrtime.bigint()}.json`), text);
});
