import type { Location } from '../ir/ir.ts';
import { placeText } from '../lang/source-text.ts';
import type { Coverage, CoverageData, Tally } from './coverage.ts';

/** A table of the modules and, below it, all that is not covered, with its place in the source. */
export function coverageText(coverage: Coverage): string {
  const rows = [
    ...coverage.modules.map(module => [module, coverage.tally(module)] as const),
    ['total', coverage.tally()] as const,
  ];
  const table = rows.map(([name, { toggle, condition, state }]) => [name, ...[toggle, condition, state].map(share)]);
  const all = [['', 'toggle', 'condition', 'state'], ...table];
  const widths = [0, 1, 2, 3].map(i => Math.max(...all.map(row => (row[i] ?? '').length)));
  const lines = all.map(row =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  );
  const missing = uncovered(coverage);
  return `${[...lines, ...(missing.length > 0 ? ['', 'not covered:', ...missing] : [])].join('\n')}\n`;
}

function share({ covered, total }: Tally): string {
  if (total === 0) return '-';
  // Never 100 % before all is covered.
  return `${covered}/${total} ${(Math.floor((1000 * covered) / total) / 10).toFixed(1)} %`;
}

/** One line per signal, decision and register that is not covered in full. */
function uncovered({ signals, decisions, states }: CoverageData): string[] {
  const lines: { readonly place: Location | undefined; readonly text: string }[] = [];
  for (const { module, name, place, width, rose, fell } of signals) {
    const all = (1n << BigInt(width)) - 1n;
    const never = [
      [all & ~rose, 'rose'],
      [all & ~fell, 'fell'],
    ] as const;
    const parts = never.flatMap(([bits, what]) => (bits === 0n ? [] : `${width > 1 ? `${ranges(bits)} ` : ''}never ${what}`));
    if (parts.length > 0) lines.push({ place, text: `${module}.${name} ${parts.join(', ')}` });
  }
  for (const { module, kind, place, ways } of decisions) {
    const never = ways.flatMap(({ way, count }) => (count > 0 ? [] : way));
    if (never.length > 0)
      lines.push({ place, text: `${module}: ${kind === 'match' ? 'match was ' : ''}never ${never.join(', ')}` });
  }
  for (const { module, name, place, states: all } of states) {
    const never = all.flatMap(({ state, cycles }) => (cycles > 0 ? [] : state));
    if (never.length > 0) lines.push({ place, text: `${module}.${name} was never ${never.join(', ')}` });
  }
  const order = (place: Location | undefined) => place?.line ?? 0;
  return lines
    .sort((a, b) => compareText(a.place?.file ?? '', b.place?.file ?? '') || order(a.place) - order(b.place))
    .map(({ place, text }) => (place ? `${placeText(place)} ${text}` : text));
}

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Bits as ranges, the highest first: `[7:4] [0]`. */
function ranges(bits: bigint): string {
  const found: string[] = [];
  const digits = [...bits.toString(2)].reverse();
  for (let high = digits.length - 1; high >= 0; high--) {
    if (digits[high] !== '1') continue;
    let low = high;
    while (digits[low - 1] === '1') low--;
    found.push(high === low ? `[${high}]` : `[${high}:${low}]`);
    high = low;
  }
  return found.join(' ');
}

/** A branch of LCOV: one of several things that may happen at a line. */
interface Branch {
  readonly line: number;
  readonly block: number;
  readonly branch: number;
  readonly count: number;
}

/**
 * Coverage as an LCOV tracefile, for genhtml and editors. Each decision is a block of branches at its line; a signal is a block of two, that all of
 * its bits have risen and that all have fallen; a state register has a branch per state. A line's count is the largest of its branches, for
 * signals 1 if any bit has changed. What has no place in the source is left out.
 */
export function lcov({ signals, decisions, states }: CoverageData): string {
  const files = new Map<string, { readonly branches: Branch[]; readonly lines: Map<number, number> }>();
  const add = (place: Location | undefined, counts: readonly number[], hits: number) => {
    if (!place) return;
    let file = files.get(place.file);
    if (!file) {
      file = { branches: [], lines: new Map() };
      files.set(place.file, file);
    }
    const { branches, lines } = file;
    const block = (branches.at(-1)?.block ?? -1) + 1;
    counts.forEach((count, branch) => {
      branches.push({ line: place.line, block, branch, count });
    });
    lines.set(place.line, Math.max(lines.get(place.line) ?? 0, hits));
  };
  for (const { place, width, rose, fell } of signals) {
    const all = (1n << BigInt(width)) - 1n;
    add(place, [rose === all ? 1 : 0, fell === all ? 1 : 0], (rose | fell) === 0n ? 0 : 1);
  }
  for (const { place, ways } of decisions) {
    const counts = ways.map(({ count }) => count);
    add(place, counts, Math.max(...counts));
  }
  for (const { place, states: all } of states) {
    const counts = all.map(({ cycles }) => cycles);
    add(place, counts, Math.max(...counts));
  }
  return [...files]
    .sort(([a], [b]) => compareText(a, b))
    .map(([file, { branches, lines }]) => record(file, branches, lines))
    .join('');
}

function record(file: string, branches: readonly Branch[], lines: ReadonlyMap<number, number>): string {
  const sorted = [...lines].sort(([a], [b]) => a - b);
  return [
    'TN:',
    `SF:${file}`,
    ...branches.toSorted((a, b) => a.line - b.line).map(b => `BRDA:${b.line},${b.block},${b.branch},${b.count}`),
    `BRF:${branches.length}`,
    `BRH:${branches.filter(({ count }) => count > 0).length}`,
    ...sorted.map(([line, count]) => `DA:${line},${count}`),
    `LF:${sorted.length}`,
    `LH:${sorted.filter(([, count]) => count > 0).length}`,
    'end_of_record',
    '',
  ].join('\n');
}
