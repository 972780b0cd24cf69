/** The SystemRDL compiler and PeakRDL in an environment of their own, made when it is first wanted. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const requirements = join(import.meta.dirname, 'requirements.txt');

/** The folder of the environment, with pinned versions checked by hash. @throws Error that says what is missing. */
function environment(): string {
  const key = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const cache = resolve(process.env.P2P_CACHE || join(import.meta.dirname, '../../../.cache'));
  const home = join(cache, 'tools', `rdl-${key}`);
  if (existsSync(home)) return home;
  const staging = `${home}.${process.pid}`;
  mkdirSync(dirname(home), { recursive: true });
  try {
    execFileSync('python3', ['-m', 'venv', staging], { stdio: 'pipe' });
    const options = ['--disable-pip-version-check', '--quiet', '--no-deps', '--require-hashes', '-r', requirements];
    execFileSync(join(staging, 'bin', 'python3'), ['-m', 'pip', 'install', ...options], { stdio: 'pipe' });
    // Another process may have been faster; its environment is as good.
    if (!existsSync(home)) renameSync(staging, home);
  } catch (cause) {
    if (existsSync(home)) return home;
    throw new Error(
      'the SystemRDL compiler could not be set up: Python 3.11 or newer with venv, and the package index, are needed',
      { cause },
    );
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  return home;
}

export interface RdlField {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  readonly sw: string;
  readonly reset: number | null;
  readonly onwrite: string | null;
  readonly pulse: boolean;
  readonly hwclr: boolean;
  readonly told: boolean;
}
export interface Rdl {
  readonly name: string;
  readonly registers: readonly { readonly name: string; readonly offset: number; readonly fields: readonly RdlField[] }[];
  readonly memories: readonly { readonly name: string; readonly offset: number; readonly bytes: number }[];
  /** What `peakrdl dump` prints: a line for each register. */
  readonly dump: string;
}

/** What the compiler finds in a SystemRDL text. @throws Error with its messages if it does not like it. */
export function compileRdl(text: string): Rdl {
  const home = environment();
  const folder = mkdtempSync(join(tmpdir(), 'rdl-'));
  try {
    const file = join(folder, 'map.rdl');
    writeFileSync(file, text);
    const run = (args: readonly string[]) =>
      execFileSync(join(home, 'bin', 'python3'), args, { encoding: 'utf8', stdio: 'pipe' });
    const found = JSON.parse(run([join(import.meta.dirname, 'rdl.py'), file])) as Omit<Rdl, 'dump'>;
    return { ...found, dump: run(['-m', 'peakrdl', 'dump', file]) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
