import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { checked, elaborate } from '@hdl/ts-hdl';
import { expect, test } from 'vitest';
import { Counter } from '../../../hdl/test/lang/examples.ts';
import { parseResults, runCocotb, type Simulator } from '../src/index.ts';

const tests = fileURLToPath(new URL('test_counter.py', import.meta.url));
const design = checked(elaborate(() => new Counter({ width: 3 })).design);

const simulators: readonly Simulator[] = spawnSync('iverilog', ['-V']).error ? ['verilator'] : ['icarus', 'verilator'];

test.each(simulators)('Python tests run on the emitted Verilog under %s, and each result comes back', simulator => {
  const results = runCocotb(design, { tests, simulator });
  expect(results.map(r => [r.name, r.passed])).toEqual([
    ['counts_enabled_cycles_and_wraps', true],
    ['holds_while_it_is_not_enabled', true],
    ['expects_too_much', false],
  ]);
  expect(results[2]?.message).toMatch(/^assert .* == 5/);
});

test('a test file that is not there is told', () => {
  expect(() => runCocotb(design, { tests: 'nowhere.py' })).toThrow('there is no test file nowhere.py');
});

test('reports are read with their messages', () => {
  const xml = `<testsuites><testsuite><testcase classname="m" name="good" time="0.1" /><testcase name="bad"><failure message="a &lt; b&#10;no" type="E">text</failure></testcase></testsuite></testsuites>`;
  expect(parseResults(xml)).toEqual([
    { name: 'good', passed: true, message: '' },
    { name: 'bad', passed: false, message: 'a < b\nno' },
  ]);
});
