import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findToolchain } from '@hdl/verilator-wrapper';
import { CocotbError } from './errors.ts';

/** Simulators that cocotb can drive here. */
export type Simulator = 'icarus' | 'verilator';

const requirements = fileURLToPath(new URL('../requirements.txt', import.meta.url));

/** Where tools and builds are kept: `P2P_CACHE`, or `.cache` at the root of the project. */
export const cacheFolder = (): string =>
  resolve(process.env.P2P_CACHE || fileURLToPath(new URL('../../../.cache', import.meta.url)));

/** Icarus where it is installed, because it builds in no time; else Verilator. */
export const defaultSimulator = (): Simulator => (spawnSync('iverilog', ['-V']).error ? 'verilator' : 'icarus');

/** The folder of the Python environment with the pinned cocotb; made when it is first wanted. @throws CocotbError that says what is missing. */
export function pythonEnvironment(): string {
  const key = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const home = join(cacheFolder(), 'tools', `cocotb-${key}`);
  if (existsSync(home)) return home;
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
    execFileSync(join(staging, 'bin', 'python3'), pip, { stdio: 'pipe' });
    // Another process may have been faster; its environment is as good.
    if (!existsSync(home)) renameSync(staging, home);
  } catch (error) {
    if (existsSync(home)) return home;
    const said =
      error instanceof Error && 'stderr' in error && error.stderr
        ? String(error.stderr).trim().split('\n').slice(-3).join(' ')
        : String(error);
    throw new CocotbError(
      `cocotb could not be set up: ${said}. Python 3.10 to 3.13 with venv, and access to the Python package index, are needed.`,
    );
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  return home;
}

/** Builds, runs and lists: see the file. */
export const runScript = fileURLToPath(new URL('run.py', import.meta.url));

/** The folder of Python's side of this package. */
const runtime = fileURLToPath(new URL('../python', import.meta.url));

/** Folders in which Python looks for modules. */
export const pythonPath = (...folders: readonly string[]): string => [...folders, runtime].join(':');

/** Environment variables for a run. The pinned Verilator's makefile leaves the language standard, the thread library and
 * precompiled headers open. */
export function environment(python: string, simulator: Simulator, makeVariables: readonly string[] = []): NodeJS.ProcessEnv {
  const path = [join(python, 'bin')];
  // Nothing is to be written beside the tests.
  const env: NodeJS.ProcessEnv = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', COCOTB_ANSI_OUTPUT: '0' };
  if (simulator === 'verilator') {
    const { verilator, compiler } = findToolchain({ install: true, log: () => {} });
    path.push(dirname(verilator.command));
    env.VERILATOR_ROOT = verilator.root;
    const standard = '-std=c++20';
    env.MAKEFLAGS = [
      `CFG_CXXFLAGS_STD_NEWEST=${standard}`,
      `CFG_CXXFLAGS_STD=${standard}`,
      'CFG_LDLIBS_THREADS=-lpthread',
      'CFG_CXXFLAGS_PCH_I=-include',
      `CXX=${compiler.command}`,
      `LINK=${compiler.command}`,
      ...makeVariables,
    ].join(' ');
  }
  env.PATH = [...path, process.env.PATH].join(':');
  return env;
}
