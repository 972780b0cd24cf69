import { expect, test } from 'vitest';
import { elaborationCost } from './elaboration-cost.ts';
import { LargeDesign, largeDesign } from './large-design.ts';

test('the design of the speed aim has 2,000 registers and about 20,000 nodes, and each step is measured', () => {
  const cost = elaborationCost(() => new LargeDesign(largeDesign));
  expect(cost.registers).toBe(2000);
  expect(Math.round(cost.nodes / 5000)).toBe(4);
  expect(cost.total).toBeCloseTo(cost.elaborate + cost.share + cost.emit, 5);
  // Far above what it takes: a step that has become quadratic is seen, a busy machine is not.
  expect(cost.total).toBeLessThan(10);
});
