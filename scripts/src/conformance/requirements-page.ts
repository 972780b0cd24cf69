import type { Mutant } from '../mutants/mutant.ts';
import { mutantNames, testLink } from './page.ts';
import { type Requirement, requirements } from './requirements.ts';
import type { Proof } from './titles.ts';

const mails: { readonly [mail: string]: string } = {
  M0: 'M0: memory for peers as a device',
  M1: 'M1: helpers, buffers that move, who brings devices together',
  M2: 'M2: who answers, how addresses are made, virtual machines, domains',
  M3: 'M3: peers’ memory in programs',
  M4: 'M4: providers and clients, distances, directions',
};

function row({ number, text }: Requirement, proofs: readonly Proof[], mutants: readonly Mutant[]): string {
  const tests = proofs.filter(({ rules }) => rules.some(rule => rule === number)).map(testLink);
  return `| ${number} | ${text} | ${tests.join('<br>') || '**open**'} | ${mutantNames(mutants, number)} |`;
}

/** The page docs/requirements.md. */
export function requirementsPage(proofs: readonly Proof[], mutants: readonly Mutant[]): string {
  const all: readonly Requirement[] = requirements;
  const tested = new Set<string>(proofs.flatMap(({ rules }) => rules));
  const none = all.filter(({ number }) => !tested.has(number));
  const lines = [
    '# Requirements',
    '',
    'Five mails of Linux kernel developers are behind this project; what they ask for is numbered here by mail. This page is made by `npm run conformance`, as is',
    '[`conformance.md`](conformance.md), from the results of the tests: a test names the requirements that it shows at the start of its title. Mutants are',
    'bugs against the requirement that `npm run mutants` plants, and which its tests have to notice.',
    '',
    `${all.length - none.length} of ${all.length} requirements have a test.`,
    `Open: ${none.map(({ number }) => number).join(' ') || 'none'}.`,
  ];
  for (const [mail, title] of Object.entries(mails)) {
    lines.push('', `## ${title}`, '', '| | requirement | tests | mutants |', '|---|---|---|---|');
    lines.push(...all.filter(({ number }) => number.startsWith(`${mail}-`)).map(each => row(each, proofs, mutants)));
  }
  return `${lines.join('\n')}\n`;
}
