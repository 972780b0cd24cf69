import { expect, test } from 'vitest';
import { lint } from '../../../scripts/test/lint.ts';
import { checked, elaborate, emitVerilog } from '../../src/index.ts';
import { Rules, secondWidth } from './rules-module.ts';

test.each([1, 2, 7, 33, 64])('the Verilog of every operator at width %i is free of warnings', async W => {
  const files = emitVerilog(checked(elaborate(() => new Rules({ W, C: secondWidth(W) })).design));
  expect(await lint(files, 'Rules')).toBe('');
});
