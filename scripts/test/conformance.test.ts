import { describe, expect, test } from 'vitest';
import { conformancePage } from '../src/conformance/page.ts';
import { requirements } from '../src/conformance/requirements.ts';
import { requirementsPage } from '../src/conformance/requirements-page.ts';
import { rules } from '../src/conformance/rules.ts';
import { proofs, rulesOf, type TestResult } from '../src/conformance/titles.ts';

test('every rule stands once, in order', () => {
  const numbers: readonly string[] = rules.map(rule => rule.number);
  const key = (number: string) => Number.parseInt(number.slice(1), 10) + (number.charCodeAt(number.length - 1) % 97) / 100;
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(numbers).toEqual(numbers.toSorted((a, b) => key(a) - key(b)));
});

describe('titles', () => {
  test.each([
    ['C54 C55: splits at the boundary', ['C54', 'C55']],
    ['C70a: credits', ['C70a']],
    ['splits at the boundary (C54)', []],
    ['C54 splits: at the boundary', []],
    ['C pointer: moves', []],
    ['M1-5 C70a: stays', ['M1-5', 'C70a']],
    ['M1-5 stays: where it is', []],
  ])('%j', (title, numbers) => {
    expect(rulesOf(title)).toEqual(numbers);
  });

  test('a number that no rule has is an error', () => {
    expect(() => rulesOf('C54 C101: never heard of')).toThrow(
      "there is no rule C101, which the test 'C54 C101: never heard of' names",
    );
    expect(() => rulesOf('M4-17: more')).toThrow("there is no requirement M4-17, which the test 'M4-17: more' names");
  });
});

const result = (line: number, titles: readonly string[], state: TestResult['state'] = 'passed'): TestResult => ({
  ...{ file: 'rtl/test/some.test.ts', line, titles, state },
});

describe('proofs', () => {
  test('cases of one test are one proof, with what their titles share', () => {
    const cases = [8, 16].flatMap(width =>
      [1, 12].map(rate => result(7, [`${width} bits`, `C54 C55: splits at the boundary, rate ${rate}`])),
    );
    expect(proofs([result(3, ['no rule']), ...cases])).toEqual([
      { rules: ['C54', 'C55'], file: 'rtl/test/some.test.ts', title: '… bits: splits at the boundary, rate …', cases: 4 },
    ]);
    const kinds = ['a read', 'a masked write'].map(kind => result(9, [`C8: ${kind} is done`]));
    expect(proofs(kinds)).toMatchObject([{ title: 'a … is done', cases: 2 }]);
  });

  test('rules of a group hold for its tests; whole titles are not cut', () => {
    const title = 'C92: interrupts';
    expect(proofs([result(9, [title, 'C81: off']), result(5, [title, 'on'])])).toMatchObject([
      { rules: ['C92'], title: 'interrupts: on', cases: 1 },
      { rules: ['C92', 'C81'], title: 'interrupts: off', cases: 1 },
    ]);
  });

  test.each(['failed', 'skipped', 'pending'] as const)('a test that was %s proves nothing', state => {
    expect(proofs([result(1, ['C5: a']), result(1, ['C5: b'], state), result(2, ['C6: c'], state)])).toEqual([]);
  });
});

test('the page shows tests and mutants of a rule, what is open, and what is not for us', () => {
  const mutant = { area: 'endpoint', file: 'a.ts', text: 'x', replacement: 'y', tests: [] } as const;
  const page = conformancePage(proofs([result(1, ['C5: planned | cut 1']), result(1, ['C5: planned | cut 2'])]), [
    { ...mutant, name: 'crosses', rules: ['C4', 'C5'] },
  ]);
  const rowOf = (number: string) => page.split('\n').find(line => line.startsWith(`| ${number} |`));
  expect(rowOf('C5')).toBe(
    '| C5 | No request crosses a boundary of 4 KiB | endpoint | [some](../rtl/test/some.test.ts): planned \\| cut … (2 cases) | `crosses` |',
  );
  expect(rowOf('C4')).toMatch(/\| endpoint \| \*\*open\*\* \| `crosses` \|$/);
  expect(rowOf('C100')).toMatch(/\| –: there are no virtual functions: .* \| – \| {2}\|$/);
  expect(page).toContain(`\n1 of ${rules.length - 1} rules have a test.`);
  expect(page).toMatch(/\nOpen: C1 C2 C3 C4 C6 C7 /);
  expect(page.split('\n').filter(line => /^\| C\d/.test(line)).length).toBe(rules.length);
});

test('all requirements of the five mails are there, in order', () => {
  const count = { M0: 16, M1: 25, M2: 16, M3: 9, M4: 16 };
  const expected = Object.entries(count).flatMap(([mail, last]) => Array.from({ length: last }, (_, i) => `${mail}-${i + 1}`));
  expect(requirements.map(({ number }) => number)).toEqual(expected);
});

test('the page of requirements shows tests, and what has none', () => {
  const page = requirementsPage(
    proofs([result(1, ['M4-11: found']), result(2, ['M0-2: no flags']), result(3, ['M0-9: waits'], 'failed')]),
    [{ area: 'host', file: 'a.ts', text: 'x', replacement: 'y', tests: [], name: 'lost', rules: ['M0-9'] }],
  );
  const rowOf = (number: string) => page.split('\n').find(line => line.startsWith(`| ${number} |`));
  expect(rowOf('M4-11')).toMatch(/\| \[some\]\(\.\.\/rtl\/test\/some\.test\.ts\): found \| {2}\|$/);
  expect(rowOf('M0-2')).toMatch(/: no flags \| {2}\|$/);
  expect(rowOf('M0-9')).toMatch(/\| \*\*open\*\* \| `lost` \|$/);
  expect(page).toContain('\n2 of 82 requirements have a test.\nOpen: M0-1 M0-3 M0-4 ');
});
