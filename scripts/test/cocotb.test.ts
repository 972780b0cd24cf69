import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type CocotbResult, runCocotb } from '@hdl/cocotb-bridge';
import { failure } from '@hdl/cocotb-bridge/vitest';
import { beforeAll, describe, expect, test } from 'vitest';
import { rulesInFile } from '../src/cocotb/rules.ts';
import { suites } from '../src/cocotb/suites.ts';

const folder = fileURLToPath(new URL('../../rtl/cocotb/', import.meta.url));
const suite = suites.find(({ name }) => name === 'endpoint');
const files = suite?.files.map(file => `${folder}${file}`) ?? [];
const rules = new Map(files.flatMap(file => [...rulesInFile(file)]));

/** Some of the cases of `npm run cocotb`, which runs all of them, on all designs: those of one design that take little time, and that catch planted bugs. */
const short = [
  'root_complex_enumerates_it',
  'its_bars_are_sized_and_placed',
  'memory_takes_writes_and_reads_of_any_size',
  'reads_are_split_at_the_completion_boundary',
  'completions_carry_the_attributes_of_their_requests',
  'msix_vectors_can_be_masked',
  'it_takes_completions_split_as_small_as_can_be',
  'it_reaches_addresses_above_4_gib',
  'without_bus_master_enable_nothing_is_sent',
  'memory_space_disabled_answers_nothing',
  'poisoned_writes_are_not_used',
  'malformed_requests_are_dropped_and_told',
];

describe("cocotbext-pcie's root complex judges our endpoint", () => {
  const results = new Map<string, CocotbResult>();
  beforeAll(async () => {
    if (!suite) throw new RangeError('there is no suite of the endpoint');
    const { make, parameters } = suite;
    // Icarus needs no compiler, and these cases are short.
    const simulator = spawnSync('iverilog', ['-V']).error ? 'verilator' : 'icarus';
    const only = new RegExp(`\\.(${short.join('|')})$`);
    const all = await runCocotb(make, { tests: files, parameters, only, simulator, visible: 'ports', waves: 'never' });
    for (const result of all) results.set(result.name, result);
  }, 600_000);

  for (const name of short)
    test(`${rules.get(name)?.join(' ')}: ${name.replaceAll('_', ' ')}`, () => {
      const result = results.get(name);
      expect(result, `${name} did not run`).toBeDefined();
      if (result && !result.passed) throw failure(result);
    });
});

test('every file of Python tests belongs to a design, and tests have names of their own', () => {
  const all = suites.flatMap(({ files }) => files.map(file => [...rulesInFile(`${folder}${file}`).keys()]));
  expect(all.every(names => names.length > 0)).toBe(true);
  for (const { files } of suites) {
    const names = files.flatMap(file => [...rulesInFile(`${folder}${file}`).keys()]);
    expect(new Set(names).size).toBe(names.length);
  }
});
