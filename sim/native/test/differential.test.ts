import { embedded } from '@hdl/ts-hdl';
import { expect, test } from 'vitest';
import { Comparison } from '../../../hdl/test/engine/comparison.ts';
import { Random } from '../../../hdl/test/random.ts';
import { type RandomDesignOptions, randomDesign } from '../../../hdl/test/random-design.ts';
import { native } from '../src/index.ts';
import { merged } from './merged.ts';

/** The first seed; set HDL_RANDOM_SEED to look at others. */
const first = Number(process.env.HDL_RANDOM_SEED ?? 1);

const sizes: readonly { name: string; count: number; options: RandomDesignOptions }[] = [
  { name: 'of any width', count: 12, options: { expressions: 30 } },
  { name: 'of at most 8 bits', count: 20, options: { maxWidth: 8 } },
  { name: 'that are larger', count: 2, options: { expressions: 250 } },
];

// One library per test, and all kinds of gating on it.
test.each(sizes)('random designs $name behave as the interpreter says', ({ count, options }) => {
  const tree = merged(Array.from({ length: count }, (_, i) => randomDesign(first + i, options)));
  const random = new Random(first);
  const engines = [
    embedded(tree, { gating: 'never' }),
    ...(['always', 'auto', 'never'] as const).map(gating => native(tree, { gating })),
  ];
  const run = new Comparison(first, tree, engines);
  for (let round = 0; round < 20; round++) {
    run.drive(round < 10 ? 0.7 : 0.1);
    if (round % 4 === 3) run.writeMemory();
    run.step(random.pick([1, 1, 2, 3]));
  }
  run.compareMemories();
});

test('random designs stop in the same cycle', () => {
  const tree = merged(Array.from({ length: 4 }, (_, i) => randomDesign(first + i, { maxWidth: 12 })));
  expect(Comparison.withAttention(tree)).toBe(true);
  const engines = (['always', 'never'] as const).map(gating => native(tree, { gating }));
  const run = new Comparison(first, tree, engines);
  for (let round = 0; round < 30; round++) {
    run.drive(0.3);
    run.run(9);
    if (round % 3 === 0) run.step(1);
  }
});
