import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { embedded } from '../../src/engine/embedded.ts';
import type { Module } from '../../src/ir/ir.ts';
import { Random } from '../random.ts';
import { randomDesign } from '../random-design.ts';
import { readVcd } from '../waves/changes.ts';
import { set } from './ports.ts';

const folder = mkdtempSync(join(tmpdir(), 'coverage-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The first seed; set HDL_RANDOM_SEED to look at others. */
const first = Number(process.env.HDL_RANDOM_SEED ?? 1);

/** Names of the modules by the path of their instances, from the top's name on. */
function modulesByPath(module: Module, path: string): (readonly [string, string])[] {
  const below = module.instances.flatMap(child => modulesByPath(child.module, `${path}.${child.name}`));
  return [[path, module.name], ...below];
}

test.each(Array.from({ length: 8 }, (_, i) => first + i))('toggles are those of the waveform, seed %i', seed => {
  const design = randomDesign(seed);
  const random = new Random(seed);
  const file = join(folder, `${seed}.vcd`);
  const simulation = embedded(design, { trace: file, coverage: true });
  for (let i = 0; i < 40; i++) {
    for (const { name, direction, width } of simulation.ports.values())
      if (direction === 'input' && random.chance(0.4)) set(simulation, name, random.bits(width));
    simulation.step(1 + random.below(3));
  }
  const { cycle } = simulation;
  const { signals } = simulation.coverage();
  simulation[Symbol.dispose]();

  const modules = new Map(modulesByPath(design.top, design.top.name));
  const toggles = new Map<string, { rose: bigint; fell: bigint }>();
  for (const [path, changes] of readVcd(readFileSync(file, 'utf8')).signals) {
    const end = path.lastIndexOf('.');
    const key = `${modules.get(path.slice(0, end))}${path.slice(end)}`;
    const { rose, fell } = toggles.get(key) ?? { rose: 0n, fell: 0n };
    // The state after the last edge is in the waveform, and no edge has seen it.
    const values = changes.filter(([time]) => time < cycle).map(([, digits]) => BigInt(`0b${digits}`));
    const pairs = values.slice(1).map((now, i) => [values[i] ?? 0n, now] as const);
    toggles.set(key, {
      rose: pairs.reduce((all, [before, now]) => all | (now & ~before), rose),
      fell: pairs.reduce((all, [before, now]) => all | (before & ~now), fell),
    });
  }
  expect(signals.length).toBeGreaterThan(5);
  for (const { module, name, rose, fell } of signals)
    expect({ rose, fell }, `${module}.${name}`).toEqual(toggles.get(`${module}.${name}`));
});
