import type { Bins } from './bins.ts';
import { allBins, type Bin, binText, impossible, routes, types, whyNot } from './cross.ts';

/** The part of the page about combinations: hits by type and route, those that nothing hit, and those that there cannot be, by rule. */
export function binsSection(bins: Bins): string[] {
  const all = allBins();
  const possible = all.filter(bin => !whyNot(bin));
  const holes = bins.holes();
  const share = (list: readonly Bin[]) => {
    const hit = list.filter(bin => bins.of(bin) > 0).length;
    return list.length === 0 ? '' : hit === list.length ? `${hit}` : `**${hit} / ${list.length}**`;
  };
  const ruled = impossible.map(rule => ({ rule, count: all.filter(bin => whyNot(bin) === rule).length }));
  const covered = possible.length - holes.length;
  return [
    '## Functional coverage of the switch',
    '',
    'TLP type × route × access control × error, as `scripts/src/coverage/bins/cross.ts` has them. A TLP counts when a campaign has compared all that became of it',
    'with what the reference says (`scripts/src/faults/switch-reference.ts`): every field and byte where it came out, the completion that refuses it, or the error bit',
    'that it alone set while it came out nowhere.',
    '',
    `**${covered} of ${possible.length}** combinations that there can be were seen (${(Math.floor((1000 * covered) / possible.length) / 10).toFixed(1)} %).`,
    '',
    'By type and route; access control and errors are counted inside:',
    '',
    `| | ${routes.join(' | ')} |`,
    `|---|${routes.map(() => '---').join('|')}|`,
    ...types.map(type => {
      const cells = routes.map(route => share(possible.filter(bin => bin.type === type && bin.route === route)));
      return `| ${type} | ${cells.join(' | ')} |`;
    }),
    '',
    'Not seen, for which the campaign is too short or a test is missing:',
    '',
    ...(holes.length === 0 ? ['Nothing.'] : holes.map(bin => `- ${binText(bin)}`)),
    '',
    `Of ${all.length} combinations in all, ${all.length - possible.length} cannot be; each is counted at the first rule that says so, and a TLP that is one ends the run with an error:`,
    '',
    ...ruled.map(({ rule, count }) => `- ${rule.why} (${count})`),
    '',
  ];
}
