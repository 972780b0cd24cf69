/**
 * A setup file of vitest: while `P2P_COVERAGE` names a folder, every simulation on the embedded engine counts what it exercises, and each test file leaves
 * the sum of its simulations there.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, vi } from 'vitest';
import { Coverage, type CoverageData } from '../../../hdl/src/engine/coverage.ts';
import type { CoveredSimulation } from '../../../hdl/src/engine/embedded.ts';

/** The simulations that run, and what those have covered that are over. */
const seen = vi.hoisted(() => ({
  running: new Set<CoveredSimulation>(),
  ended: [] as CoverageData[],
  watch: (sim: CoveredSimulation): CoveredSimulation => sim,
}));

/** Sums of so many runs at a time: each has a record of every signal. */
const batch = 16;

function end(sim: CoveredSimulation): void {
  if (!seen.running.delete(sim)) return;
  const { signals, decisions, states } = sim.coverage();
  const inRtl = (item: { readonly place: { readonly file: string } | undefined }) =>
    item.place?.file.includes('/rtl/src/') ?? false;
  seen.ended.push({ signals: signals.filter(inRtl), decisions: decisions.filter(inRtl), states: states.filter(inRtl) });
  if (seen.ended.length >= batch) seen.ended = [Coverage.merge(...seen.ended)];
}

seen.watch = sim => {
  seen.running.add(sim);
  const dispose = sim[Symbol.dispose].bind(sim);
  sim[Symbol.dispose] = () => {
    end(sim);
    dispose();
  };
  return sim;
};

vi.mock('../../../hdl/src/engine/embedded.ts', async original => {
  const module = await original<typeof import('../../../hdl/src/engine/embedded.ts')>();
  const embedded: typeof module.embedded = (design, options) =>
    seen.watch(module.embedded(design, { ...options, coverage: true }));
  return { ...module, embedded };
});

afterAll(() => {
  const folder = process.env.P2P_COVERAGE;
  if (folder === undefined) return;
  for (const sim of [...seen.running]) end(sim);
  if (seen.ended.length === 0) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${process.pid}-${process.hrtime.bigint()}.json`), JSON.stringify(Coverage.merge(...seen.ended)));
});
