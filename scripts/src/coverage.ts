import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Coverage } from '@hdl/ts-hdl';
import { $, glob } from 'zx';
import { writeHtml } from './coverage/html.ts';
import { coveragePage, totals } from './coverage/page.ts';
import { pointsOf } from './coverage/points.ts';
import { UsageError } from './errors.ts';
import { writeWhole } from './files.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface CoverageOptions {
  /** Test files, or parts of their names, with commas between them. */
  readonly only?: string;
  /** Folder for the source with its lines coloured. */
  readonly html?: string;
}

/** Tests in which RTL runs. */
const tests = ['rtl/test', 'firmware/test', 'sim/testbench/test'];

/**
 * `npm run coverage`: runs the tests of the RTL, tells what they exercise of it, and writes docs/coverage.md if all of them ran.
 * @returns the exit code: 0 if the tests passed. @throws UsageError if none of them simulates RTL.
 */
export async function coverage(options: CoverageOptions): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'coverage-'));
  try {
    const chosen = options.only?.split(',') ?? tests;
    const shell = $({ cwd: root, stdio: 'inherit', nothrow: true, env: { ...process.env, P2P_COVERAGE: folder } });
    const { exitCode } = await shell`npx vitest run ${chosen}`;
    const runs = await glob('*.json', { cwd: folder, absolute: true });
    if (runs.length === 0) throw new UsageError(`no simulation ran in ${chosen.join(', ')}: name tests of the RTL.`);
    let sum = new Coverage({ signals: [], decisions: [], states: [] });
    for (const run of runs.sort()) sum = Coverage.merge(sum, Coverage.parse(readFileSync(run, 'utf8')));
    const files = pointsOf(sum, root);
    for (const { name, all, due } of totals(files)) {
      process.stdout.write(`${name}: ${all.covered} of ${all.total}; without what is explained ${due.covered} of ${due.total}\n`);
    }
    if (options.html !== undefined) writeHtml(files, root, resolve(options.html));
    if (options.only === undefined && exitCode === 0) writeWhole(join(root, 'docs/coverage.md'), coveragePage(files));
    return exitCode ?? 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
