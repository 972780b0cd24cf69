import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import coverageLibrary, { type CoverageMapData, type FileCoverageData, type Range } from 'istanbul-lib-coverage';
import reportLibrary from 'istanbul-lib-report';
import reports from 'istanbul-reports';
import { grouped } from './grouped.ts';
import type { FilePoints, Point } from './points.ts';

/**
 * Writes pages with the source, its lines coloured by what was exercised, into a folder. A statement is a block or a signal that moved at all; a branch is what
 * a decision may do, a state, and that all bits of the signals of a line rose, and fell.
 */
export function writeHtml(files: FilePoints, root: string, folder: string): void {
  const data: CoverageMapData = {};
  for (const [file, points] of files) {
    const path = join(root, file);
    data[path] = fileCoverage(path, points);
  }
  const context = reportLibrary.createContext({ dir: folder, coverageMap: coverageLibrary.createCoverageMap(data) });
  reports.create('html').execute(context);
}

function fileCoverage(path: string, points: readonly Point[]): FileCoverageData {
  const source = readFileSync(path, 'utf8').split('\n');
  const rangeOf = (line: number): Range => {
    const text = source[line - 1] ?? '';
    return { start: { line, column: text.length - text.trimStart().length }, end: { line, column: text.length } };
  };
  const result: FileCoverageData = { path, statementMap: {}, s: {}, branchMap: {}, b: {}, fnMap: {}, f: {} };
  const lines = grouped(points, ({ line }) => line);
  for (const [line, here] of [...lines].sort(([a], [b]) => a - b)) {
    const range = rangeOf(line);
    const key = `${line}`;
    result.statementMap[key] = range;
    result.s[key] = Math.max(...here.map(({ count }) => count));
    const toggles = here.filter(({ kind }) => kind === 'toggle');
    const least = (end: string) => Math.min(...toggles.filter(({ what }) => what.endsWith(end)).map(({ count }) => count));
    const branches = [
      ...here.filter(({ kind }) => kind === 'way' || kind === 'state').map(({ count }) => count),
      ...(toggles.length > 0 ? [least('rose'), least('fell')] : []),
    ];
    if (branches.length === 0) continue;
    result.branchMap[key] = { loc: range, type: 'cond-expr', line, locations: branches.map(() => range) };
    result.b[key] = branches;
  }
  return result;
}
