import { expect, test } from 'vitest';
import { embeddedBenches } from './bench.ts';
import { examples } from './examples.ts';
import { properties } from './properties.ts';

const open = embeddedBenches();

test.each(properties.map(each => [each.example, each.holds, each] as const))('%s: %s', (_, __, { check }) => {
  check(open, { numRuns: 100, seed: 1 });
});

test('every example has a property', () => {
  const covered = new Set(properties.map(({ example }) => example));
  expect(examples.map(({ name }) => name).filter(name => !covered.has(name))).toEqual([]);
});
