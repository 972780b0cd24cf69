import { expect, test } from 'vitest';
import { embeddedBench } from './bench.ts';
import { examples } from './examples.ts';
import { properties } from './properties.ts';

test.each(properties.map(each => [each.example, each.holds, each] as const))('%s: %s', (_, __, { check }) => {
  check(embeddedBench, { numRuns: 100, seed: 1 });
});

test('every example has a property', () => {
  const covered = new Set(properties.map(({ example }) => example));
  expect(examples.map(({ name }) => name).filter(name => !covered.has(name))).toEqual([]);
});
