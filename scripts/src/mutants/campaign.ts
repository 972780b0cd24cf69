import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../errors.ts';
import type { Mutant } from './mutant.ts';
import { type Outcome, outcomeOf } from './outcome.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');

/** Seconds after which the tests of a mutant are taken to hang. */
const patience = 300;

export interface MutantResult {
  readonly mutant: Mutant;
  readonly outcome: Outcome;
  readonly seconds: number;
}

/** Tests that name one of the rules of a mutant are those that have to notice it; of one without rules, all of its files. */
function titles(mutant: Mutant | undefined): string[] {
  if (!mutant || mutant.rules.length === 0 || mutant.caught === 'check') return [];
  return ['--testNamePattern', `\\b(?:${mutant.rules.join('|')})\\b`];
}

/** Runs tests with a mutant, or without any. */
async function run(tests: readonly string[], mutant: Mutant | undefined): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'mutant-'));
  const output = join(folder, 'results.json');
  const loaded = join(folder, 'loaded');
  try {
    // vitest.config.ts plants what these name.
    const env = { ...process.env, P2P_MUTANT: mutant ? JSON.stringify(mutant) : '', P2P_MUTANT_LOADED: loaded };
    const args = ['--no-file-parallelism', '--reporter', 'json', '--outputFile', output, ...titles(mutant)];
    const child = spawn(process.execPath, [vitest, 'run', ...args, ...tests], {
      cwd: root,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    let said = '';
    child.stderr.on('data', chunk => {
      said += chunk;
    });
    let hung = false;
    const stop = () => {
      hung = true;
      // With its workers: they are in the group that it leads.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    };
    // Without a mutant all tests run, which takes longer, and each has a limit of its own.
    const timer = mutant && setTimeout(stop, patience * 1000);
    await new Promise<void>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', () => resolve());
    });
    clearTimeout(timer);
    if (hung) return { kind: 'error', message: `the tests did not end in ${patience} s: give them a limit of cycles` };
    if (!existsSync(output)) return { kind: 'error', message: `the tests did not run: ${said.trim().split('\n').at(-1)}` };
    return outcomeOf(readFileSync(output, 'utf8'), mutant === undefined || existsSync(loaded));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Plants the mutants one by one, `workers` at a time, and runs the tests of each. The sources stay as they are: the change is made when a test loads them.
 * @throws UsageError if the tests fail without any mutant: what they then catch means nothing.
 */
export async function campaign(
  mutants: readonly Mutant[],
  options: { readonly workers: number; readonly onResult: (result: MutantResult) => void },
): Promise<readonly MutantResult[]> {
  const clean = await run([...new Set(mutants.flatMap(m => m.tests))], undefined);
  if (clean.kind !== 'survived') {
    const why = clean.kind === 'caught' ? `failed: ${clean.by.map(titles => titles.join(': ')).join('; ')}` : clean.message;
    throw new UsageError(`the tests have to pass before mutants are planted: ${why}`);
  }
  const results: MutantResult[] = [];
  const queue = [...mutants];
  const work = async () => {
    for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
      const begin = performance.now();
      const outcome = await run(mutant.tests, mutant);
      const result = { mutant, outcome, seconds: (performance.now() - begin) / 1000 };
      results.push(result);
      options.onResult(result);
    }
  };
  await Promise.all(Array.from({ length: options.workers }, work));
  return mutants.flatMap(mutant => results.filter(r => r.mutant === mutant));
}
