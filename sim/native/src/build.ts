import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { SimulationError } from '@hdl/ts-hdl';
import { findCompiler, inCache, lastLines, once, processor, run, type Task } from '@hdl/verilator-wrapper/tools';
import type { CFile } from './c-source.ts';

/** The compiler cannot be used, or failed: what happened and what to do. */
export class NativeError extends SimulationError {}

/** Flags of every compilation. Loads and stores of different sizes meet in one memory, and deep expressions are usual. */
const flags = ['-x', 'c', '-std=c11', '-O2', '-march=native', '-fPIC', '-fvisibility=hidden', '-fno-strict-aliasing', '-w'];
const clangFlags = ['-fbracket-depth=4096'];

/**
 * Compiles files of C, several at a time, to a shared library in the cache, or finds it there. @returns its path.
 * @throws NativeError if there is no compiler or it fails.
 */
export function* buildLibrary(name: string, files: readonly CFile[], log: (line: string) => void): Task<string> {
  const compiler = yield* findCompiler();
  const all = compiler.version.includes('clang') ? [...flags, ...clangFlags] : flags;
  const key = createHash('sha256')
    .update(JSON.stringify([files, compiler.version, all, processor]))
    .digest('hex')
    .slice(0, 24);
  const home = inCache('native', key);
  const library = join(home, 'model.so');
  yield* once(
    home,
    () => existsSync(library),
    function* (staging) {
      log(`compiling ${name} with ${compiler.command} (kept for the next time)`);
      for (const { name: file, text } of files) writeFileSync(join(staging, file), text);
      const units = files.map(file => file.name).filter(file => file.endsWith('.c'));
      // The largest first, so that none of them is left over at the end.
      const size = (unit: string) => files.find(file => file.name === unit)?.text.length ?? 0;
      const compile = yield* run({
        file: 'xargs',
        args: ['-0', '-n', '1', '-P', `${availableParallelism()}`, compiler.command, ...all, '-c'],
        folder: staging,
        input: units.toSorted((a, b) => size(b) - size(a)).join('\0'),
      });
      check(name, 'The C compiler', compile);
      const objects = units.map(unit => unit.replace(/c$/, 'o'));
      check(
        name,
        'The linker',
        yield* run({ file: compiler.command, args: ['-shared', '-o', 'model.so', ...objects], folder: staging }),
      );
    },
  );
  return library;
}

function check(design: string, tool: string, { status, output }: { status: number | undefined; output: string }): void {
  if (status === 0) return;
  throw new NativeError(
    `${tool} ${status === undefined ? 'did not run to its end' : 'failed'} on ${design}. The end of what it said:\n${lastLines(output, 20)}\n` +
      `Set CXX to another compiler, or use the embedded engine, which needs none.`,
  );
}
