import { expect, test } from 'vitest';
import { difference, sum } from './sums.ts';

test('adds', () => {
  expect(sum(2, 3)).toBe(5);
});

test('subtracts something', () => {
  expect(difference(3, 0)).toBe(3);
});
