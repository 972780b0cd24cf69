import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pc from 'picocolors';
import { $, glob } from 'zx';
import { conformancePage } from './conformance/page.ts';
import { requirementsPage } from './conformance/requirements-page.ts';
import { type Proof, proofs, type TestResult } from './conformance/titles.ts';
import { writeWhole } from './files.ts';
import { mutants } from './mutants/planted/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** The pages that are made of the tests' results. */
const pages: readonly { readonly name: string; readonly text: (proved: readonly Proof[]) => string }[] = [
  { name: 'conformance.md', text: proved => conformancePage(proved, mutants) },
  { name: 'requirements.md', text: proved => requirementsPage(proved, mutants) },
];
const pathOf = (name: string) => join(root, 'docs', name);

/** Full names of tests that name a rule or a requirement, in their own title or in that of a group. */
const namesRule = '(^| )(C\\d+[a-z]?|M\\d-\\d+): ';

/** Test files that may have such tests: they name a rule, or make titles from lists of rules. */
async function filesWithRules(): Promise<string[]> {
  const files = await glob('**/test/**/*.test.ts', { cwd: root, ignore: ['**/node_modules/**', '.cache/**'] });
  return files.filter(file => /\b(C\d+[a-z]?|M\d-\d+): |\.rules\.join\(/.test(readFileSync(join(root, file), 'utf8')));
}

/** Runs tests; `use` gets their results, which are gone afterwards. @returns the exit code of the tests. */
export async function withResults(args: readonly string[], use: (results: readonly TestResult[]) => void): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
  const path = join(folder, 'results.json');
  try {
    const shell = $({ cwd: root, stdio: 'inherit', nothrow: true, env: { ...process.env, P2P_CONFORMANCE: path } });
    const { exitCode } = await shell`npx vitest run ${[...args]}`;
    if (existsSync(path)) use(JSON.parse(readFileSync(path, 'utf8')));
    return exitCode ?? 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * `npm run conformance`: runs the tests that name rules and requirements and writes docs/conformance.md and docs/requirements.md: a test that failed proves nothing.
 * @returns the exit code: 0 if they passed.
 */
export async function conformance(): Promise<number> {
  return withResults([...(await filesWithRules()), '-t', namesRule], results => {
    const proved = proofs(results);
    for (const { name, text } of pages) writeWhole(pathOf(name), text(proved));
  });
}

/** What is wrong with the pages after all tests ran with these results; undefined if nothing is. */
export function pageComplaint(results: readonly TestResult[]): string | undefined {
  const proved = proofs(results);
  const wrong = pages.filter(
    ({ name, text }) => !existsSync(pathOf(name)) || readFileSync(pathOf(name), 'utf8') !== text(proved),
  );
  if (wrong.length === 0) return undefined;
  const names = wrong.map(({ name }) => `docs/${name}`).join(' and ');
  return `${pc.red('error')}: ${names} ${wrong.length > 1 ? 'are' : 'is'} not what these tests give: run npm run conformance and look at what changed.`;
}
