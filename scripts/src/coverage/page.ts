import type { Tally } from '@hdl/ts-hdl';
import type { Bins } from './bins/bins.ts';
import { binsSection } from './bins/section.ts';
import { campaigns } from './campaigns.ts';
import { grouped } from './grouped.ts';
import { holesOf, reasonOf } from './holes.ts';
import { type FilePoints, type Point, tally } from './points.ts';

const kinds = ['block', 'way', 'toggle', 'state'] as const;

/** Never 100 % before all is covered. */
const percent = ({ covered, total }: Tally): string =>
  total === 0 ? '' : `${(Math.floor((1000 * covered) / total) / 10).toFixed(1)} %`;
const cell = (count: Tally): string => (count.total === 0 ? '' : `${percent(count)} of ${count.total}`);

const row = (name: string, points: readonly Point[]): string =>
  `| ${name} | ${kinds.map(kind => cell(tally(points, kind))).join(' | ')} |`;

/** The figures of everything, and of what has no reason to stay as it is. */
export function totals(files: FilePoints): { readonly name: string; readonly all: Tally; readonly due: Tally }[] {
  const all = [...files].flatMap(([file, points]) => points.map(point => ({ file, point })));
  const due = all.filter(({ file, point }) => point.count > 0 || reasonOf(file, point) === undefined);
  return kinds.map(name => ({
    name,
    all: tally(
      all.map(({ point }) => point),
      name,
    ),
    due: tally(
      due.map(({ point }) => point),
      name,
    ),
  }));
}

/** What it took. */
export interface Effort {
  simulations: number;
  /** Seconds of CPU time. */
  seconds: number;
}

/** docs/coverage.md: what tests and campaigns exercise of the RTL, by its TypeScript source. */
export function coveragePage(files: FilePoints, bins: Bins, effort: Effort): string {
  const folders = [...new Set([...files.keys()].map(file => file.slice(0, file.lastIndexOf('/'))))];
  const inFolder = (folder: string) =>
    [...files].filter(([file]) => file.slice(0, file.lastIndexOf('/')) === folder).flatMap(([, points]) => points);
  const holes = [...files].flatMap(([file, points]) => holesOf(file, points));
  const open = holes.filter(({ reason }) => reason === undefined);
  const missed = open.filter(({ kind }) => kind !== 'toggle');
  const explained = grouped(
    holes.filter(hole => hole.reason !== undefined),
    ({ reason }) => reason?.text ?? '',
  );
  return [
    '# Coverage of the RTL',
    '',
    '`npm run coverage` writes this page: it runs tests of the RTL and short forms of the campaigns with every simulation in this process counting what it exercises, and joins',
    'the counts by places in the TypeScript source. Tests that are left out, and why, stand in `scripts/src/coverage.ts`. `npm run coverage -- --html FOLDER` also writes the source',
    'with its lines coloured.',
    '',
    `Campaigns: ${campaigns.map(({ name }) => name).join('; ')}. ${effort.simulations} simulations, ${Math.round(effort.seconds)} s of CPU time.`,
    '',
    '- **blocks**: bodies of `when` and of arms of `match` that were entered, what tools for Verilog call line coverage;',
    '- **ways**: whatever a decision may do: each condition 1 and 0, each arm, each side of a multiplexer;',
    '- **toggles**: bits of named signals, that each rose and that each fell. Elements of a vector are one signal, as instances of a module are. Bits that are constant in every',
    '  design that ran, tied by a parameter or because nothing else ever arrives there (`hdl/src/passes/constant-bits.ts`), are no points, nor are bits on which in no design that ran',
    '  an output, an assertion or a line of a log depends, through whatever registers, memories and modules (`hdl/src/passes/unread-bits.ts`), whether they move or not;',
    '- **states**: of registers of enumerations.',
    '',
    '| | blocks | ways | toggles | states |',
    '|---|---|---|---|---|',
    ...folders.map(folder => row(`\`${folder}\``, inFolder(folder))),
    row('**all**', [...files.values()].flat()),
    `| **without what is explained below** | ${totals(files)
      .map(({ due }) => cell(due))
      .join(' | ')} |`,
    '',
    ...binsSection(bins),
    '## Explained',
    '',
    'Points that need not be exercised, by the rules of `scripts/src/coverage/reasons.ts`; one that a test does exercise counts as exercised.',
    '',
    ...(explained.size === 0 ? ['Nothing.'] : []),
    ...[...explained].map(([text, list]) => `- ${text} (${list.reduce((sum, { what }) => sum + what.length, 0)} points)`),
    '',
    '## Open',
    '',
    'Blocks, ways and states that no test enters, and the signals with bits that do not rise, or do not fall:',
    '',
    ...(missed.length === 0 ? ['Every block, way and state is entered.'] : []),
    ...missed.map(({ file, line, module, what }) => `- [${file}:${line}](../${file}#L${line}) ${module}: ${what.join(', ')}`),
    '',
    ...toggleRows(open.filter(({ kind }) => kind === 'toggle')),
    '',
  ].join('\n');
}

/** Signals with bits that never moved, by file: there are too many for a line each. */
function toggleRows(holes: readonly { readonly file: string; readonly what: readonly string[] }[]): string[] {
  const files = grouped(holes, ({ file }) => file);
  return [...files].map(([file, list]) => {
    const names = new Set(list.flatMap(({ what }) => what.map(text => text.replace(/(\[\d+\])? (rose|fell)$/, ''))));
    const shown = [...names].slice(0, 12).map(name => `\`${name}\``);
    const points = list.reduce((sum, { what }) => sum + what.length, 0);
    return `- ${file}, ${points} points: ${shown.join(' ')}${names.size > shown.length ? ` and ${names.size - shown.length} more` : ''}`;
  });
}
