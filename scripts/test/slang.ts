import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inCache, lastLines, once, run, runInBackground, type Task } from '@hdl/verilator-wrapper/tools';

const requirements = fileURLToPath(new URL('slang/requirements.txt', import.meta.url));
const driver = fileURLToPath(new URL('slang/slang.py', import.meta.url));

/** Warnings that are off, and why; all others are on. */
const off = {
  'case-default': 'slang wants a default where all values have an arm, too; a case that leaves values out is found by Verilator',
  'sign-conversion':
    'nets are not declared signed, so `assign y = $signed(a) >>> n` is one; what mixes signs in a computation is found by sign-compare and arith-op-mismatch',
  'unused-net':
    'unused bits are gathered in a net `_unused`, which Verilator knows by its name; what is unused beside it is found by Verilator',
};

/** How slang reads the files: as Verilog-2005, or, for the assertions that only formal tools see, as SystemVerilog. */
export type Standard = '1364-2005' | '1800-2017';

/** The command line that lints files in the current folder, once slang is set up. @throws Error that says what is missing. */
export async function slangCommand(
  files: readonly string[],
  top: string,
  defines: readonly string[],
  standard: Standard,
): Promise<readonly [command: string, args: readonly string[]]> {
  const python = join(await runInBackground(environment()), 'bin', 'python3');
  const warnings = ['-Weverything', ...Object.keys(off).map(name => `-Wno-${name}`)];
  return [python, [driver, `--std=${standard}`, ...warnings, ...defines.map(name => `-D${name}`), '--top', top, ...files]];
}

/** The Python environment with the pinned slang, in the cache; made when it is first wanted. */
function* environment(): Task<string> {
  const key = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const home = inCache('tools', `slang-${key}`);
  yield* once(
    home,
    () => existsSync(home),
    function* (staging) {
      const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-deps', '--require-hashes', '-r', requirements];
      const steps: [string, string[]][] = [
        ['python3', ['-m', 'venv', staging]],
        [join(staging, 'bin', 'python3'), pip],
      ];
      for (const [file, args] of steps) {
        const { status, output } = yield* run({ file, args });
        if (status !== 0) {
          throw new Error(
            `slang could not be set up; Python 3.11 to 3.13 with venv, and access to the Python package index, are needed. ` +
              `It said:\n${lastLines(output, 5)}`,
          );
        }
      }
    },
  );
  return home;
}
