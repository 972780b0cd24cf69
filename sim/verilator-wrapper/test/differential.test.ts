import { embedded, type ir, type Simulation } from '@hdl/ts-hdl';
import { expect, test } from 'vitest';
import { gatherShared } from '../../../hdl/test/differential/gather-shared.ts';
import { Random } from '../../../hdl/test/random.ts';
import { type RandomDesignOptions, randomDesign } from '../../../hdl/test/random-design.ts';
import { prepareVerilator, verilator } from '../src/index.ts';
import { get, set } from './designs.ts';

/** Paths of all memories. */
function memories(module: ir.Module, path = ''): string[] {
  const own = module.memories.map(({ name }) => `${path}${name}`);
  return [...own, ...module.instances.flatMap(instance => memories(instance.module, `${path}${instance.name}.`))];
}

async function compareRuns(first: number, count: number, cycles: number, options: RandomDesignOptions): Promise<void> {
  const design = gatherShared(Array.from({ length: count }, (_, i) => randomDesign(first + i, options)));
  // These run for some cycles: compiling is what takes the time.
  const built = { optimize: false };
  await prepareVerilator(design, built);
  const random = new Random(first);
  using expected = embedded(design);
  using actual = verilator(design, built);
  const ports = [...expected.ports.values()];
  expect([...actual.ports.keys()]).toEqual(ports.map(port => port.name));
  const values = (simulation: Simulation) =>
    [...simulation.ports.values()].filter(port => port.direction === 'output').map(port => `${port.name} ${get(port)}`);
  const compare = (moment: string) => expect(values(actual), `seeds from ${first}, ${moment}`).toEqual(values(expected));
  const paths = memories(design.top);
  compare('at the start');
  for (let cycle = 0; cycle < cycles; cycle++) {
    for (const port of ports) {
      if (port.direction === 'output' || random.chance(0.3)) continue;
      const value = port.name.endsWith('_rst') ? BigInt(random.chance(0.1)) : random.bits(port.width);
      for (const simulation of [expected, actual]) set(simulation.ports.get(port.name) ?? port, value);
    }
    if (random.chance(0.3) && paths.length > 0) {
      const path = random.pick(paths);
      const { width, depth } = expected.memory(path);
      const word = random.below(depth);
      const value = random.bits(width);
      for (const simulation of [expected, actual]) {
        const { bytes, stride } = simulation.memory(path);
        for (let i = 0; i < stride; i++) bytes[word * stride + i] = Number((value >> BigInt(8 * i)) & 0xffn);
      }
    }
    if (random.chance(0.3)) {
      for (const simulation of [expected, actual]) simulation.settle();
      compare(`settled before edge ${cycle}`);
    }
    const steps = random.chance(0.2) ? random.below(5) : 1;
    for (const simulation of [expected, actual]) simulation.step(steps);
    compare(`after edge ${cycle}`);
  }
  for (const path of paths) {
    const words = (simulation: Simulation) => {
      const { bytes, stride, depth, width } = simulation.memory(path);
      return Array.from({ length: depth }, (_, i) => [...bytes.subarray(i * stride, i * stride + Math.ceil(width / 8))]);
    };
    expect(words(actual), `seeds from ${first}, memory ${path}`).toEqual(words(expected));
  }
}

const first = Number(process.env.HDL_RANDOM_SEED ?? 1);

test.each([
  { name: 'of any width', count: 16, options: {} },
  { name: 'of at most 8 bits', count: 12, options: { maxWidth: 8 } },
])('random designs $name behave alike on both engines', async ({ count, options }) => {
  await compareRuns(first, count, 40, options);
});
