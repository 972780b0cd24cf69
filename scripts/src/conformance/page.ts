import type { Mutant } from '../mutants/mutant.ts';
import { type Rule, rules } from './rules.ts';
import type { Proof } from './titles.ts';

/** The chapters of the page by the number of the last rule in them. */
const chapters: readonly (readonly [title: string, last: number])[] = [
  ['TLP formats', 16],
  ['Configuration routing', 27],
  ['Windows and decode', 39],
  ['Routing', 44],
  ['Completions', 59],
  ['Ordering', 66],
  ['Flow control, tags, errors in data', 71],
  ['Access control services', 80],
  ['Enables and resets', 86],
  ['Error reporting and interrupts', 93],
  ['Optional features', 100],
];

const numberOf = (rule: Rule) => Number.parseInt(rule.number.slice(1), 10);
const cell = (text: string) => text.replaceAll('|', '\\|');
const fileName = (path: string) => path.replace(/^.*\//, '').replace(/\.test\.ts$/, '');

/** A test that proves something, with its file. */
export const testLink = ({ file, title, cases }: Proof): string =>
  `[${fileName(file)}](../${file}): ${cell(title)}${cases > 1 ? ` (${cases} cases)` : ''}`;

/** The bugs that are planted against a rule or a requirement. */
export const mutantNames = (mutants: readonly Mutant[], number: string): string =>
  mutants
    .filter(mutant => mutant.rules.some(each => each === number))
    .map(({ name }) => `\`${name}\``)
    .join(' ');

function row(rule: Rule, proofs: readonly Proof[], mutants: readonly Mutant[]): string {
  const tests = proofs.filter(proof => proof.rules.some(number => number === rule.number)).map(testLink);
  const planted = mutantNames(mutants, rule.number);
  const applies = 'not' in rule.applies ? `–: ${rule.applies.not}` : rule.applies.join(', ');
  const shown = tests.length > 0 ? tests.join('<br>') : 'not' in rule.applies ? '–' : '**open**';
  return `| ${rule.number} | ${cell(rule.text)} | ${applies} | ${shown} | ${planted} |`;
}

/** The page docs/conformance.md. */
export function conformancePage(proofs: readonly Proof[], mutants: readonly Mutant[]): string {
  const all: readonly Rule[] = rules;
  const proved = new Set<string>(proofs.flatMap(proof => proof.rules));
  const open = all.filter(rule => !('not' in rule.applies) && !proved.has(rule.number));
  const wanted = all.filter(rule => !('not' in rule.applies));
  const lines = [
    '# Conformance',
    '',
    'This page is made by `npm run conformance` from the results of the tests: a test names the rules that it proves at the start of its title. The last column',
    'names the bugs against the rule that `npm run mutants` plants, and which its tests have to notice. What is **open** has no test.',
    '',
    `${wanted.length - open.length} of ${wanted.length} rules have a test. Where a rule applies to several places, the names of the files tell which of them a test is about.`,
    `Open: ${open.map(rule => rule.number).join(' ') || 'none'}.`,
  ];
  let first = 0;
  for (const [title, last] of chapters) {
    const here = all.filter(rule => numberOf(rule) > first && numberOf(rule) <= last);
    lines.push('', `## ${title}`, '', '| | rule | applies to | tests | mutants |', '|---|---|---|---|---|');
    lines.push(...here.map(rule => row(rule, proofs, mutants)));
    first = last;
  }
  return `${lines.join('\n')}\n`;
}
