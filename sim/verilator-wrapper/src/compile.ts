import { appendFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { inCache, once } from './cache.ts';
import { VerilatorError } from './errors.ts';
import { keyOf } from './key.ts';
import { run, type Task } from './task.ts';
import { lastLines } from './text.ts';
import type { Toolchain } from './toolchain.ts';

/** Flags of every compilation. Verilator's headers make warnings that say nothing about the design. */
export const compilerFlags = [
  '-std=c++17',
  '-march=native',
  '-fPIC',
  '-fvisibility=hidden',
  '-w',
  '-DVM_COVERAGE=0',
  '-DVM_SC=0',
  '-DVM_TRACE_FST=0',
  // Our own `vl_finish`, `vl_stop` and `vl_fatal`: see `shimSource`.
  '-DVL_USER_FINISH',
  '-DVL_USER_STOP',
  '-DVL_USER_FATAL',
];

/** Tools run, and their output, go to this file; an error quotes its end. */
export interface Log {
  readonly file: string;
}

/** Runs a tool. @throws VerilatorError with its last lines and the place of the log if it fails. */
export function* runTool(
  what: string,
  log: Log,
  command: { file: string; args: readonly string[]; folder: string; env?: Readonly<Record<string, string>>; input?: string },
): Task<void> {
  const { status, output } = yield* run(command);
  appendFileSync(log.file, `$ ${command.file} ${command.args.join(' ')}\n${output}\n`);
  if (status === 0) return;
  const how = status === undefined ? 'did not run to its end' : 'failed';
  throw new VerilatorError(`${what} ${how}. The end of what it said:\n${lastLines(output, 20)}\nAll of it is in ${log.file}`);
}

/** A C++ file and how much work the compiler shall put into it. */
interface CppFile {
  readonly path: string;
  readonly optimize: '-O2' | '-O0';
}

/** Compiles files to objects of the same names in `folder`, several at a time. */
function* compileFiles(
  files: readonly CppFile[],
  folder: string,
  flags: readonly string[],
  log: Log,
  tools: Toolchain,
): Task<void> {
  // The largest first, so that none of them is left over at the end.
  const bySize = files.toSorted((a, b) => statSync(b.path).size - statSync(a.path).size);
  yield* runTool('The C++ compiler', log, {
    file: 'xargs',
    args: ['-0', '-n', '3', '-P', `${availableParallelism()}`, tools.compiler.command, ...flags],
    folder,
    input: bySize.map(({ path, optimize }) => `${optimize}\0-c\0${path}\0`).join(''),
  });
}

/** The lists of files that Verilator writes beside a model. */
function listed(classes: string, name: string): string[] {
  const body = new RegExp(`^${name} \\+= \\\\\\n((?:.*\\\\\\n)*)`, 'm').exec(classes)?.[1] ?? '';
  return body.split(/[\s\\]+/).filter(word => word !== '');
}

/**
 * Compiles what Verilator wrote to `folder`, with the shim beside it, to the shared library `library`. Verilator's run-time library is compiled once for all
 * models and kept in the cache. Its own makefile is not used: the PyPI package's is incomplete.
 */
export function* compileModel(
  folder: string,
  prefix: string,
  library: string,
  trace: boolean,
  log: Log,
  tools: Toolchain,
): Task<void> {
  const include = join(tools.verilator.root, 'include');
  const flags = [
    ...compilerFlags,
    `-I${include}`,
    `-I${join(include, 'vltstd')}`,
    `-DVM_TRACE=${Number(trace)}`,
    `-DVM_TRACE_VCD=${Number(trace)}`,
  ];
  const classes = readFileSync(join(folder, `${prefix}_classes.mk`), 'utf8');
  const list = (...names: readonly string[]) => names.flatMap(name => listed(classes, name));
  const runtime = yield* compileRuntime(list('VM_GLOBAL_FAST', 'VM_GLOBAL_SLOW'), include, flags, log, tools);
  const fast = [...list('VM_CLASSES_FAST', 'VM_SUPPORT_FAST'), 'shim'];
  const slow = list('VM_CLASSES_SLOW', 'VM_SUPPORT_SLOW');
  const file = (name: string) => join(folder, `${name}.cpp`);
  const files: CppFile[] = [
    ...fast.map(name => ({ path: file(name), optimize: '-O2' as const })),
    ...slow.map(name => ({ path: file(name), optimize: '-O0' as const })),
  ];
  yield* compileFiles(files, folder, flags, log, tools);
  const objects = [...fast, ...slow].map(name => `${name}.o`);
  const args = ['-shared', '-Wl,-Bsymbolic', '-o', library, ...objects, ...runtime, '-lpthread'];
  yield* runTool('The linker', log, { file: tools.compiler.command, args, folder });
}

/** @returns the objects of Verilator's run-time library. */
function* compileRuntime(
  names: readonly string[],
  include: string,
  flags: readonly string[],
  log: Log,
  tools: Toolchain,
): Task<readonly string[]> {
  const home = inCache('verilator', `runtime-${keyOf([names, flags, tools])}`);
  const objects = names.map(name => join(home, `${basename(name)}.o`));
  yield* once(
    home,
    () => objects.every(object => existsSync(object)),
    staging =>
      compileFiles(
        names.map(name => ({ path: join(include, `${name}.cpp`), optimize: '-O2' })),
        staging,
        flags,
        log,
        tools,
      ),
  );
  return objects;
}
