import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { campaign } from '../src/mutants/campaign.ts';
import { type Mutant, plant, staleness } from '../src/mutants/mutant.ts';
import { complaint, outcomeOf } from '../src/mutants/outcome.ts';
import { mutants } from '../src/mutants/planted/index.ts';
import { chosenMutants } from '../src/mutants.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the list', () => {
  test('every mutant fits its source', () => {
    const stale = mutants.flatMap(mutant => {
      const why = existsSync(join(root, mutant.file))
        ? staleness(mutant, readFileSync(join(root, mutant.file), 'utf8'))
        : `there is no ${mutant.file}`;
      return why === undefined ? [] : [`${mutant.name}: ${why}`];
    });
    expect(stale).toEqual([]);
  });

  test('names are unique and in kebab case, and tests exist', () => {
    expect(new Set(mutants.map(m => m.name)).size).toBe(mutants.length);
    for (const { name, tests } of mutants) {
      expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(tests.length, name).toBeGreaterThan(0);
      for (const file of tests) expect(existsSync(join(root, file)), `${name}: ${file}`).toBe(true);
    }
  });
});

const fixture: Mutant = {
  name: 'sum-subtracts',
  area: 'endpoint',
  rules: [],
  file: 'scripts/test/mutants/sums.ts',
  text: 'a + b',
  replacement: 'a - b',
  tests: ['scripts/test/mutants/sums.test.ts'],
};

test('planting replaces the text, whatever is in it, and refuses what does not fit', () => {
  expect(plant({ ...fixture, replacement: '$& b' }, '(a + b)')).toBe('($& b)');
  expect(staleness(fixture, 'a + c')).toBe('its text is not in scripts/test/mutants/sums.ts');
  expect(staleness(fixture, 'a + b, a + b')).toBe(
    'its text stands 2 times in scripts/test/mutants/sums.ts, and has to be unique',
  );
  expect(staleness({ ...fixture, replacement: 'a + b' }, 'a + b')).toBe('its replacement changes nothing');
  expect(() => plant(fixture, '')).toThrow('the mutant sum-subtracts is stale: its text is not in');
});

describe('outcomes', () => {
  const run = (...tests: readonly (readonly [status: string, message?: string])[]) =>
    JSON.stringify({
      testResults: [
        {
          name: 'some.test.ts',
          status: tests.some(([status]) => status === 'failed') ? 'failed' : 'passed',
          message: '',
          assertionResults: tests.map(([status, message], i) => ({
            ancestorTitles: ['group'],
            title: `test ${i}`,
            status,
            failureMessages: message === undefined ? [] : [message],
          })),
        },
      ],
    });
  const unloadable = JSON.stringify({
    testResults: [
      { name: 'some.test.ts', status: 'failed', message: 'SyntaxError: Unexpected token\nat x', assertionResults: [] },
    ],
  });
  const assertion = 'AssertionError: expected 1 to be 2\n    at x';

  test('a test that fails for what it finds has caught the mutant', () => {
    expect(outcomeOf(run(['passed'], ['failed', assertion], ['failed', 'Error: the packet was lost']), true)).toEqual({
      kind: 'caught',
      by: [
        ['group', 'test 1'],
        ['group', 'test 2'],
      ],
    });
    // Some tests may not build, as long as another one notices.
    expect(outcomeOf(run(['failed', 'HdlError: widths'], ['failed', assertion]), true)).toEqual({
      kind: 'caught',
      by: [['group', 'test 1']],
    });
  });

  test.each([
    'HdlError: widths differ',
    'DesignError: a latch',
    'SyntaxError: x',
    'ReferenceError: x is not defined',
  ])('what does not build is refused, not caught: %s', message => {
    expect(outcomeOf(run(['failed', `${message}\n    at x`], ['skipped']), true)).toEqual({ kind: 'refused', message });
  });

  test('a file that cannot be loaded is refused too', () => {
    expect(outcomeOf(unloadable, true)).toEqual({ kind: 'refused', message: 'SyntaxError: Unexpected token' });
  });

  test('nothing noticed, nothing loaded, nothing run', () => {
    expect(outcomeOf(run(['passed'], ['skipped']), true)).toEqual({ kind: 'survived' });
    expect(outcomeOf(run(['passed']), false)).toEqual({ kind: 'error', message: 'no test of its list uses the source' });
    expect(outcomeOf(run(['skipped']), true)).toEqual({ kind: 'error', message: 'no test ran' });
  });

  test('what is asked for', () => {
    const refused = { kind: 'refused', message: 'DesignError: a latch' } as const;
    const caught = { kind: 'caught', by: [['C4: group', 'C6: a test']] } as const;
    const plain = { rules: [] } as const;
    const check = { rules: [], caught: 'check' } as const;
    expect([complaint(plain, caught), complaint(check, refused)]).toEqual([undefined, undefined]);
    expect(complaint(plain, refused)).toBe('does not build: DesignError: a latch');
    expect(complaint(check, caught)).toMatch(/passes the checks of the language/);
    expect(complaint(plain, { kind: 'survived' })).toBe('survived: no test noticed');
    expect(complaint(check, { kind: 'survived' })).toBe('survived: no test noticed');
  });

  test('a test that names the broken rule has to notice', () => {
    const by = [['C4: group', 'C6 C7: a test'], ['another test']];
    expect(complaint({ rules: ['C4', 'C7'] }, { kind: 'caught', by })).toBeUndefined();
    expect(complaint({ rules: ['C4', 'C5', 'C8'] }, { kind: 'caught', by })).toBe('noticed, but by no test that names C5 C8');
  });
});

test('mutants are chosen by name and area', () => {
  const other: Mutant = { ...fixture, name: 'other', area: 'switch' };
  const all = [fixture, other];
  expect(chosenMutants(all, {})).toEqual(all);
  expect(chosenMutants(all, { area: 'switch' })).toEqual([other]);
  expect(chosenMutants(all, { only: 'other,sum-subtracts' })).toEqual([other, fixture]);
  expect(() => chosenMutants(all, { only: 'none' })).toThrow(/there is no mutant 'none'/);
  expect(() => chosenMutants(all, { area: 'root' })).toThrow(
    "there are no mutants of the area 'root': choose endpoint or switch.",
  );
});

test('a campaign tells what was caught, what survived and what does not build, and leaves the source alone', async () => {
  const before = readFileSync(join(root, fixture.file), 'utf8');
  const survivor: Mutant = { ...fixture, name: 'difference-forgets', text: 'a - b', replacement: 'a' };
  const broken: Mutant = { ...fixture, name: 'does-not-parse', replacement: 'a +' };
  const seen: string[] = [];
  const results = await campaign([fixture, survivor, broken], { workers: 2, onResult: r => seen.push(r.mutant.name) });
  expect(results.map(r => [r.mutant.name, r.outcome.kind])).toEqual([
    ['sum-subtracts', 'caught'],
    ['difference-forgets', 'survived'],
    ['does-not-parse', 'refused'],
  ]);
  expect(results[0]?.outcome).toEqual({ kind: 'caught', by: [['adds']] });
  expect(seen.toSorted()).toEqual(['difference-forgets', 'does-not-parse', 'sum-subtracts']);
  expect(readFileSync(join(root, fixture.file), 'utf8')).toBe(before);
});
