import { type RequirementNumber, requirements } from './requirements.ts';
import { type RuleNumber, rules } from './rules.ts';

/** What a test can prove: a rule of the specification, or a requirement of the mails. */
export type Claim = RuleNumber | RequirementNumber;

/** A test as a run of it reports. */
export interface TestResult {
  /** Path from the root of the project. */
  readonly file: string;
  /** Where it is declared: tests of one `test.each` share it. */
  readonly line: number;
  /** Groups and title, from the outside in. */
  readonly titles: readonly string[];
  readonly state: 'passed' | 'failed' | 'skipped' | 'pending';
}

const known = new Set<string>([...rules, ...requirements].map(({ number }) => number));
const prefix = /^((?:(?:C\d+[a-z]?|M\d-\d+)\s+)*(?:C\d+[a-z]?|M\d-\d+)):\s/;

/**
 * The rules and requirements that a title names: `C54 C55: …`, `M1-5: …`.
 * @throws RangeError for a number that none has.
 */
export function rulesOf(title: string): Claim[] {
  const numbers = prefix.exec(title)?.[1]?.split(/\s+/) ?? [];
  return numbers.map(number => {
    if (!isClaim(number))
      throw new RangeError(
        `there is no ${number.startsWith('M') ? 'requirement' : 'rule'} ${number}, which the test '${title}' names`,
      );
    return number;
  });
}

const isClaim = (number: string): number is Claim => known.has(number);

/** A title without the rules that it names. */
export const withoutRules = (title: string): string => title.replace(prefix, '');

/** One test, or all cases of a `test.each`, that prove rules or requirements. */
export interface Proof {
  readonly rules: readonly Claim[];
  readonly file: string;
  /** Groups and title; of several cases the words that their titles have in common. */
  readonly title: string;
  readonly cases: number;
}

/** The proofs among tests that passed: in the order of files and lines. Others prove nothing. @throws RangeError for an unknown rule. */
export function proofs(results: readonly TestResult[]): Proof[] {
  const groups = new Map<string, TestResult[]>();
  for (const result of results) {
    const key = `${result.file}:${result.line}:${result.titles.flatMap(rulesOf).join(' ')}`;
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  return [...groups.values()]
    .filter(tests => tests.every(({ state }) => state === 'passed'))
    .map(tests => ({
      rules: [...new Set(tests[0]?.titles.flatMap(rulesOf))],
      file: tests[0]?.file ?? '',
      line: tests[0]?.line ?? 0,
      title: common(tests.map(({ titles }) => titles.map(withoutRules))),
      cases: tests.length,
    }))
    .filter(proof => proof.rules.length > 0)
    .toSorted((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1))
    .map(({ line: _, ...proof }) => proof);
}

/** What the titles of cases have in common, level by level. */
function common(cases: readonly (readonly string[])[]): string {
  const [first = []] = cases;
  return first.map((_, level) => shared(cases.map(titles => titles[level] ?? ''))).join(': ');
}

/** The words that texts begin and end with; what differs between them is an ellipsis. */
function shared(texts: readonly string[]): string {
  const [first = [], ...others] = texts.map(text => text.split(' '));
  const same = (index: number) => others.every(words => words.at(index) === first.at(index));
  if (others.every(words => words.length === first.length && words.every((_, i) => same(i)))) return first.join(' ');
  const least = Math.min(first.length, ...others.map(words => words.length));
  let head = 0;
  while (head < least && same(head)) head++;
  let tail = 0;
  while (tail < least - head && same(-1 - tail)) tail++;
  return [...first.slice(0, head), '…', ...first.slice(first.length - tail)].join(' ');
}
