import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Counter } from '../../../hdl/test/lang/examples.ts';
import { parseResults, runCocotb, type Simulator, testNames } from '../src/index.ts';
import { failure } from '../src/vitest.ts';

const tests = fileURLToPath(new URL('test_counter.py', import.meta.url));
const counter = () => new Counter({ width: 3 });

const simulators: readonly Simulator[] = spawnSync('iverilog', ['-V']).error ? ['verilator'] : ['icarus', 'verilator'];
const failing = 'expects_too_much';

test.each(simulators)('Python tests run on the emitted Verilog under %s, and each result comes back', {
  timeout: 600_000,
}, async simulator => {
  const results = await runCocotb(counter, { tests, simulator, waves: 'never' });
  expect(results.map(r => [r.name, r.module, r.passed])).toEqual([
    ['counts_enabled_cycles_and_wraps', 'test_counter', true],
    ['holds_while_it_is_not_enabled', 'test_counter', true],
    [failing, 'test_counter', false],
  ]);
  expect(results.map(r => r.simulated)).toEqual([95, 65, 5]);
});

test('what fails tells where, why, what the log says, and has a waveform', async () => {
  const results = await runCocotb(counter, { tests, only: /too_much/ });
  expect(results).toHaveLength(1);
  const [result] = results;
  if (!result) throw new Error('no result');
  const line = readFileSync(tests, 'utf8')
    .split('\n')
    .findIndex(text => text.includes('== 5'));
  expect(result.location).toEqual({ file: tests, line: line + 1 });
  expect(result.message).toMatch(/^assert .* == 5/);
  expect(result.lines?.[0]).toContain(`running test_counter.${failing}`);
  const { waveform = '', log = '' } = result;
  expect(readFileSync(waveform).length).toBeGreaterThan(100);
  const error = failure(result);
  expect(error.message).toContain(`The waveform: ${waveform}`);
  expect(error.stack).toContain(`at ${failing} (${tests}:${line + 1}:1)`);
  rmSync(dirname(waveform), { recursive: true });
  rmSync(dirname(log), { recursive: true });
});

test('tests can be chosen, the seed goes through, and what passes has no log', async () => {
  const said: string[] = [];
  const results = await runCocotb(counter, { tests, only: /wraps/, seed: 5, onLine: text => said.push(text) });
  expect(results.map(({ passed, log }) => [passed, log])).toEqual([[true, undefined]]);
  expect(said.join('\n')).toContain('Seeding Python random module with 5');
});

test('the names of tests are known without a simulation', async () => {
  expect(await testNames(counter, tests)).toEqual(['counts_enabled_cycles_and_wraps', 'holds_while_it_is_not_enabled', failing]);
});

test('a test file that is not there is told', async () => {
  await expect(runCocotb(counter, { tests: 'nowhere.py' })).rejects.toThrow(/there is no test file .*nowhere\.py/);
});

test('reports are read with their messages', () => {
  const properties =
    '<properties><property name="line" value="7" /><property name="sim_time_duration" value="40.0" /></properties>';
  const xml = `<testsuites><testsuite><testcase classname="m" name="good" time="0.1">${properties}</testcase><testcase classname="m" name="bad"><failure message="a &lt; b&#10;no" type="E">File "/t/m.py", line 9, in bad</failure></testcase><testcase name="left"><skipped /></testcase></testsuite></testsuites>`;
  expect(parseResults(xml, ['/t/m.py'])).toMatchObject([
    { name: 'good', passed: true, message: '', location: { file: '/t/m.py', line: 7 }, seconds: 0.1, simulated: 40 },
    { name: 'bad', passed: false, message: 'a < b\nno', location: { file: '/t/m.py', line: 9 } },
  ]);
});
