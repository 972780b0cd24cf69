import { expect, test } from 'vitest';
import { embedded } from '../../src/engine/embedded.ts';
import type { Gating } from '../../src/engine/machine.ts';
import { clockedDomains } from '../../src/engine/single-clock.ts';
import type { Design } from '../../src/ir/ir.ts';
import { Random } from '../random.ts';
import { type RandomDesignOptions, randomDesign, resetKinds } from '../random-design.ts';
import { Comparison } from './comparison.ts';
import {
  arithmetic,
  assign,
  compare,
  concat,
  constant,
  design,
  ModuleBuilder,
  memoryRead,
  mux,
  read,
  slice,
  unary,
  when,
  write,
} from './ir-builder.ts';
import { get, set, setWord, word } from './ports.ts';

/** The first seed; set HDL_RANDOM_SEED to look at others. */
const first = Number(process.env.HDL_RANDOM_SEED ?? 1);

/** A design on the interpreter and on the embedded engine with these settings. */
function comparison(seed: number, tree: Design, ...modes: readonly Gating[]): Comparison {
  return new Comparison(
    seed,
    tree,
    modes.map(gating => embedded(tree, { gating })),
  );
}

const sizes: readonly { name: string; count: number; options: RandomDesignOptions }[] = [
  { name: 'of any width', count: 100, options: {} },
  { name: 'of at most 8 bits', count: 60, options: { maxWidth: 8 } },
  { name: 'that are larger', count: 12, options: { expressions: 250 } },
];

// Inputs change rarely, and runs are of several cycles: so parts of a design, and now and then all of it, come to rest.
test.each(sizes)('random designs $name are the same gated and interpreted', ({ count, options }) => {
  for (let seed = first; seed < first + count; seed++) {
    const random = new Random(seed);
    const run = comparison(seed, randomDesign(seed, options), 'always');
    for (let round = 0; round < 12; round++) {
      run.drive(0.2);
      run.step(random.pick([1, 1, 2, 3, 7]));
    }
    run.compareMemories();
  }
});

test('random designs whose memories are written from outside are the same gated and interpreted', () => {
  for (let seed = first; seed < first + 60; seed++) {
    const random = new Random(seed);
    const run = comparison(seed, randomDesign(seed, { maxWidth: 40 }), 'always');
    for (let round = 0; round < 12; round++) {
      if (random.chance(0.4)) run.drive(0.1);
      run.writeMemory();
      run.step(random.pick([1, 2, 5]));
    }
    run.compareMemories();
  }
});

test('random designs stop in the same cycle gated, ungated and interpreted', () => {
  let ran = 0;
  for (let seed = first; seed < first + 40; seed++) {
    const tree = randomDesign(seed, { maxWidth: 12 });
    if (!Comparison.withAttention(tree)) continue;
    ran++;
    const run = comparison(seed, tree, 'always', 'early', 'never');
    for (let round = 0; round < 10; round++) {
      run.drive(0.3);
      run.run(9);
      if (round % 3 === 0) run.step(1);
    }
  }
  expect(ran).toBeGreaterThan(10);
});

test('random designs with two clocks and all kinds of reset are the same gated and ungated', () => {
  for (let seed = first; seed < first + 48; seed++) {
    const random = new Random(seed);
    const resets = [random.pick(resetKinds), random.pick(resetKinds)] as const;
    const tree = randomDesign(seed, { maxWidth: 70, expressions: 25, resets });
    const clocks = Object.fromEntries(clockedDomains(tree.top).map(({ clock }, i) => [clock, { period: 2 + i, phase: 1 + i }]));
    using gated = embedded(tree, { clocks, gating: 'always' });
    using plain = embedded(tree, { clocks, gating: 'never' });
    for (let round = 0; round < 20; round++) {
      for (const { name, direction, width } of gated.ports.values()) {
        if (direction === 'output' || random.chance(0.8)) continue;
        const value = random.bits(width);
        for (const simulation of [gated, plain]) set(simulation, name, value);
      }
      const cycles = random.pick([0, 1, 1, 4]);
      for (const simulation of [gated, plain]) simulation.step(cycles);
      for (const { name, direction } of gated.ports.values())
        if (direction === 'output') expect(get(gated, name), `seed ${seed}, round ${round}, ${name}`).toBe(get(plain, name));
    }
  }
});

test('a busy design is left to plain code and taken back, with the same results', () => {
  // Busy for 100 cycles of 1,000: a window of gated code, then thousands of cycles of plain code.
  const top = new ModuleBuilder('Busy');
  const busy = top.input('busy', 1);
  const registers = Array.from({ length: 40 }, (_, i) => top.register(`r${i}`, 60));
  registers.forEach((register, i) => {
    const before = read(registers[(i + 39) % 40] ?? register);
    const mixed = arithmetic('add', arithmetic('mul', before, constant(60, 6364136223846793005n)), constant(60, i + 1));
    top.body.push(when(busy, [assign(register, arithmetic('xor', mixed, read(register)))]));
    top.output(`out${i}`, read(register));
  });
  const tree = design(top.build());
  using early = embedded(tree, { gating: 'early' });
  using never = embedded(tree, { gating: 'never' });
  for (let round = 0; round < 60; round++) {
    for (const simulation of [early, never]) {
      set(simulation, 'busy', round % 7 === 0 || round > 40 ? 1 : 0);
      simulation.step(round % 5 === 0 ? 3000 : 100);
    }
    for (let i = 0; i < 40; i++) expect(get(early, `out${i}`), `round ${round}`).toBe(get(never, `out${i}`));
  }
});

/** Time stamps: a free-running counter that is noted when asked, and a sum that nobody looks at. */
function timeStamps(width: number): Design {
  const top = new ModuleBuilder('TimeStamps');
  const take = top.input('take', 1);
  const [time, down, noted, age] = (['time', 'down', 'noted', 'age'] as const).map(name => top.register(name, width, 0n));
  if (!time || !down || !noted || !age) throw new Error('four registers');
  top.body.push(
    assign(time, arithmetic('add', read(time), constant(width, 1))),
    assign(down, arithmetic('sub', read(down), constant(width, 3))),
    when(take, [assign(noted, read(time)), assign(age, arithmetic('sub', read(time), read(noted)))]),
  );
  for (const register of [time, down, noted, age]) top.output(`${register.name}_out`, read(register));
  return design(top.build());
}

test.each([1, 8, 13, 32, 48, 64])('counters of %i bits advance while time is skipped', width => {
  using simulation = embedded(timeStamps(width), { gating: 'always' });
  const wrap = (value: bigint) => BigInt.asUintN(width, value);
  const begin = performance.now();
  simulation.step(1_000_000_000);
  expect(performance.now() - begin).toBeLessThan(500);
  expect(get(simulation, 'time_out')).toBe(wrap(1_000_000_000n));
  expect(get(simulation, 'down_out')).toBe(wrap(-3_000_000_000n));
  set(simulation, 'take', 1);
  simulation.step();
  set(simulation, 'take', 0);
  expect(get(simulation, 'noted_out')).toBe(wrap(1_000_000_000n));
  simulation.step(499_999_999);
  set(simulation, 'take', 1);
  simulation.step(2);
  expect(get(simulation, 'noted_out')).toBe(wrap(1_500_000_001n));
  expect(get(simulation, 'age_out')).toBe(1n);
  set(simulation, 'rst', 1);
  simulation.step(5);
  expect(get(simulation, 'time_out')).toBe(0n);
  set(simulation, 'rst', 0);
  simulation.step(100);
  expect(get(simulation, 'time_out')).toBe(wrap(100n));
});

test('a counter that something waits for is not skipped', () => {
  const top = new ModuleBuilder('Timer');
  const count = top.register('count', 20);
  const fired = top.register('fired', 8);
  top.body.push(
    assign(count, arithmetic('add', read(count), constant(20, 1))),
    when(compare('eq', read(count), constant(20, 5000)), [assign(fired, arithmetic('add', read(fired), constant(8, 1)))]),
  );
  top.output('attention', compare('eq', slice(read(count), 0, 12), constant(12, 77)));
  top.output('fired_out', read(fired));
  using simulation = embedded(design(top.build()), { gating: 'always' });
  expect(simulation.run(1_000_000)).toBe(77);
  expect(simulation.run(10)).toBe(0);
  simulation.step(5001 - 77);
  expect(get(simulation, 'fired_out')).toBe(1n);
  simulation.step(2 ** 20);
  expect(get(simulation, 'fired_out')).toBe(2n);
});

test('a write that goes on is done in every cycle, whoever else writes', () => {
  const top = new ModuleBuilder('Held');
  const [enable, data, other] = [top.input('enable', 1), top.input('data', 8), top.input('other', 1)];
  const memory = top.memory('bytes', 8, 4);
  const seen = top.register('seen', 8);
  top.body.push(
    when(enable, [write(memory, constant(2, 1), data)]),
    when(other, [write(memory, constant(2, 1), unary('not', data))]),
    assign(seen, memoryRead(memory, constant(2, 1))),
  );
  top.output('out', concat(read(seen), mux(other, data, constant(8, 0))));
  using simulation = embedded(design(top.build()), { gating: 'always' });
  const view = simulation.memory('bytes');
  set(simulation, 'enable', 1);
  set(simulation, 'data', 0x5a);
  simulation.step(3);
  expect(word(view, 1)).toBe(0x5an);
  set(simulation, 'other', 1);
  simulation.step();
  expect(word(view, 1)).toBe(0xa5n);
  set(simulation, 'other', 0);
  simulation.step();
  expect(word(view, 1)).toBe(0x5an);
  setWord(view, 1, 7n);
  simulation.step(2);
  expect(word(view, 1)).toBe(0x5an);
  expect(get(simulation, 'out')).toBe(0x5a00n);
});
