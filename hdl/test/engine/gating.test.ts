import { expect, test } from 'vitest';
import { embedded } from '../../src/engine/embedded.ts';
import type { Design } from '../../src/ir/ir.ts';
import { Random } from '../random.ts';
import { type RandomDesignOptions, randomDesign } from '../random-design.ts';
import { ReferenceInterpreter } from '../reference-interpreter.ts';
import { get, set, word } from './ports.ts';

/** The paths of all memories below a module. */
function memoriesOf({ memories, instances }: Design['top'], prefix = ''): string[] {
  return [
    ...memories.map(({ name }) => prefix + name),
    ...instances.flatMap(({ name, module }) => memoriesOf(module, `${prefix}${name}.`)),
  ];
}

/**
 * Runs a random design gated, ungated and on the interpreter. Inputs change rarely, and runs are of several cycles, so that parts of the
 * design, and now and then all of it, come to rest.
 */
function compareRuns(seed: number, rounds: number, options: RandomDesignOptions): void {
  const design = randomDesign(seed, options);
  const random = new Random(seed ^ 0x6a7e);
  using gated = embedded(design, { gating: 'always' });
  using plain = embedded(design, { gating: 'never' });
  const reference = new ReferenceInterpreter(design);
  const ports = [...gated.ports.values()];
  const memories = memoriesOf(design.top);
  for (let round = 0; round < rounds; round++) {
    for (const port of ports) {
      if (port.direction === 'output' || random.chance(0.8)) continue;
      const value = port.name === 'rst' ? BigInt(random.chance(0.1)) : random.bits(port.width);
      for (const simulation of [gated, plain, reference]) {
        if (simulation instanceof ReferenceInterpreter) simulation.set(port.name, value);
        else set(simulation, port.name, value);
      }
    }
    const cycles = random.pick([1, 1, 2, 3, 7]);
    gated.step(cycles);
    plain.step(cycles);
    for (let i = 0; i < cycles; i++) reference.step();
    const where = `seed ${seed}, round ${round}`;
    for (const { name, direction } of ports) {
      if (direction === 'input') continue;
      expect(get(plain, name), `${where}, ungated, output ${name}`).toBe(reference.get(name));
      expect(get(gated, name), `${where}, gated, output ${name}`).toBe(reference.get(name));
    }
  }
  for (const path of memories) {
    const words = reference.memory(path);
    const view = gated.memory(path);
    words.forEach((value, index) => {
      expect(word(view, index), `seed ${seed}, memory ${path}, word ${index}`).toBe(value);
    });
  }
}

/** The first seed; set HDL_RANDOM_SEED to look at others. */
const first = Number(process.env.HDL_RANDOM_SEED ?? 1);

test.each([
  { name: 'of any width', count: 120, options: {} },
  { name: 'of at most 8 bits', count: 60, options: { maxWidth: 8 } },
  { name: 'that are larger', count: 12, options: { expressions: 250 } },
])('random designs $name are the same gated, ungated and interpreted', ({ count, options }) => {
  for (let seed = first; seed < first + count; seed++) compareRuns(seed, 15, options);
});
