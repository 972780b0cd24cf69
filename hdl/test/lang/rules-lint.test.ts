import { expect, test } from 'vitest';
import { hasIcarus, icarusLint, verilatorLint, yosysLint } from '../../../scripts/test/lint.ts';
import { checked, elaborate, emitVerilog } from '../../src/index.ts';
import { Rules, secondWidth } from './rules-module.ts';

test.each([1, 2, 7, 33, 64])('the Verilog of every operator at width %i is free of warnings', async W => {
  const files = emitVerilog(checked(elaborate(() => new Rules({ W, C: secondWidth(W) })).design));
  expect(await verilatorLint(files, 'Rules')).toBe('');
  if (hasIcarus()) expect(await icarusLint(files, 'Rules')).toBe('');
  if (W === 7) expect(await yosysLint(files, 'Rules')).toBe('');
});
