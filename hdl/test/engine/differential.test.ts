import { expect, test } from 'vitest';
import type { ClockTimings } from '../../src/engine/clock-schedule.ts';
import { embedded } from '../../src/engine/embedded.ts';
import { clockedDomains } from '../../src/engine/single-clock.ts';
import { Random } from '../random.ts';
import { type RandomDesignOptions, randomDesign, resetKinds } from '../random-design.ts';
import { ReferenceInterpreter } from '../reference-interpreter.ts';
import { get, set } from './ports.ts';

/** The first seed; set HDL_RANDOM_SEED to look at others. */
const first = Number(process.env.HDL_RANDOM_SEED ?? 1);

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

/** Two clocks and every pair of kinds of reset, with timings that drift, coincide and divide. */
const timings = [
  { clk: { period: 2 }, other_clk: { period: 2 } },
  { clk: { period: 3 }, other_clk: { period: 5, phase: 1 } },
  { clk: { period: 4, phase: 7 }, other_clk: { period: 2 } },
  { clk: { period: 7, phase: 2 }, other_clk: { period: 1, phase: 9 } },
];

test.each(
  resetKinds.flatMap(a => resetKinds.map(b => [`${a.kind} ${a.active}, ${b.kind} ${b.active}`, a, b] as const)),
)('random designs with two clocks, resets %s', (_, a, b) => {
  for (let seed = first; seed < first + 16; seed++) {
    const design = randomDesign(seed, { maxWidth: 70, expressions: 25, resets: [a, b] });
    const clocks = clockedDomains(design.top).map(({ clock }) => clock);
    const timing: ClockTimings = timings[seed % timings.length] ?? {};
    const given = Object.fromEntries(Object.entries(timing).filter(([name]) => clocks.includes(name)));
    const random = new Random(seed);
    using simulation = embedded(design, { clocks: given });
    const reference = new ReferenceInterpreter(design, given, clocks);
    const ports = [...simulation.ports.values()];
    for (let cycle = 0; cycle < 25; cycle++) {
      for (const port of ports) {
        if (port.direction === 'output' || random.chance(0.3)) continue;
        const value = /rst/.test(port.name)
          ? BigInt(random.chance(port.name.endsWith('_n') ? 0.85 : 0.15))
          : random.bits(port.width);
        set(simulation, port.name, value);
        reference.set(port.name, value);
      }
      if (random.chance(0.3)) {
        simulation.settle();
        reference.settle();
      } else {
        simulation.step();
        reference.step();
      }
      for (const port of ports)
        if (port.direction === 'output')
          expect(get(simulation, port.name), `seed ${seed}, cycle ${cycle}, output ${port.name}`).toBe(reference.get(port.name));
    }
  }
});

test.each([
  { name: 'of any width', count: 200, options: {} },
  { name: 'of at most 8 bits', count: 60, options: { maxWidth: 8 } },
  { name: 'that are larger', count: 15, options: { expressions: 250 } },
])('random designs $name behave as the interpreter says', ({ count, options }) => {
  for (let seed = first; seed < first + count; seed++) compareRuns(seed, 12, options);
});
