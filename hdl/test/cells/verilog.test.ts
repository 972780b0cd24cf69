import { expect, test } from 'vitest';
import { hasIcarus, icarusLint, verilatorLint, yosysLint } from '../../../scripts/test/lint.ts';
import { checked, diagnose, elaborate, emitText, emitVerilog } from '../../src/index.ts';
import { gather } from '../emit/gather.ts';
import { examples } from './examples.ts';

/** One example of each cell. */
const kept = examples.filter(({ cell }, i) => examples.findIndex(each => each.cell === cell) === i);

test.each(
  kept.map(({ cell, make }) => [cell.name, make] as const),
)('the Verilog of %s is as a person would write it', async (name, make) => {
  await expect(emitText(checked(elaborate(make).design))).toMatchFileSnapshot(`verilog/${name}.v`);
});

test('the checks of the language find nothing, not even what only deserves a warning', () => {
  expect(
    examples.flatMap(({ name, make }) => diagnose(checked(elaborate(make).design)).map(({ message }) => `${name}: ${message}`)),
  ).toEqual([]);
});

const files = emitVerilog(gather(examples.map(({ make }) => elaborate(make).design)));

test('Verilator -Wall has nothing to say', async () => {
  expect(await verilatorLint(files, 'Gathered')).toBe('');
});

test.skipIf(!hasIcarus())('Icarus -Wall has nothing to say', async () => {
  expect(await icarusLint(files, 'Gathered')).toBe('');
});

test('Yosys check -assert has nothing to say', async () => {
  expect(await yosysLint(files, 'Gathered')).toBe('');
});
