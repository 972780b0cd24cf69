import { expect, test } from 'vitest';
import { embedded } from '../../src/engine/embedded.ts';
import { Random } from '../random.ts';
import { type RandomDesignOptions, randomDesign } from '../random-design.ts';
import { ReferenceInterpreter } from '../reference-interpreter.ts';
import { get, set } from './ports.ts';

/** Runs a random design on the engine and the interpreter with the same random inputs and compares all outputs. */
function compareRuns(seed: number, cycles: number, options: RandomDesignOptions): void {
  const design = randomDesign(seed, options);
  const random = new Random(seed ^ 0x5eed);
  using simulation = embedded(design);
  const reference = new ReferenceInterpreter(design);
  const ports = [...simulation.ports.values()];
  const compare = (moment: string) => {
    for (const port of ports)
      if (port.direction === 'output')
        expect(get(simulation, port.name), `seed ${seed}, ${moment}, output ${port.name}`).toBe(reference.get(port.name));
  };
  for (let cycle = 0; cycle < cycles; cycle++) {
    for (const port of ports) {
      if (port.direction === 'output' || random.chance(0.3)) continue;
      const value = port.name === 'rst' ? BigInt(random.chance(0.1)) : random.bits(port.width);
      set(simulation, port.name, value);
      reference.set(port.name, value);
    }
    if (random.chance(0.2)) {
      simulation.settle();
      reference.settle();
      compare(`settled before edge ${cycle}`);
    }
    simulation.step();
    reference.step();
    compare(`after edge ${cycle}`);
  }
}

/** The first seed; set HDL_RANDOM_SEED to look at others. */
const first = Number(process.env.HDL_RANDOM_SEED ?? 1);

test.each([
  { name: 'of any width', count: 200, options: {} },
  { name: 'of at most 8 bits', count: 60, options: { maxWidth: 8 } },
  { name: 'that are larger', count: 15, options: { expressions: 250 } },
])('random designs $name behave as the interpreter says', ({ count, options }) => {
  for (let seed = first; seed < first + count; seed++) compareRuns(seed, 12, options);
});
