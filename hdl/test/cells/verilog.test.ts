import { expect, test } from 'vitest';
import { hasIcarus, icarusLint, verilatorLint, yosysLint } from '../../../scripts/test/lint.ts';
import { checked, diagnose, elaborate, emitText, emitVerilog } from '../../src/index.ts';
import { examples } from './examples.ts';
import { oneTop } from './one-top.ts';

/** One example of each cell. */
const kept = examples.filter(({ cell }, i) => examples.findIndex(each => each.cell === cell) === i);

test.each(
  kept.map(({ cell, make }) => [cell.name, make] as const),
)('the Verilog of %s is as a person would write it', async (name, make) => {
  await expect(emitText(checked(elaborate(make).design))).toMatchFileSnapshot(`verilog/${name}.v`);
});

test('the checks of the language find nothing, not even what only deserves a warning', () => {
  expect(
    examples.flatMap(({ name, make }) => diagnose(elaborate(make).design).map(({ message }) => `${name}: ${message}`)),
  ).toEqual([]);
});

const files = emitVerilog(oneTop(examples));

test('Verilator -Wall has nothing to say', async () => {
  expect(await verilatorLint(files, 'AllCells')).toBe('');
});

test.skipIf(!hasIcarus())('Icarus -Wall has nothing to say', async () => {
  expect(await icarusLint(files, 'AllCells')).toBe('');
});

test('Yosys check -assert has nothing to say', async () => {
  expect(await yosysLint(files, 'AllCells')).toBe('');
});
