import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { inCache, once } from './cache.ts';
import { VerilatorError } from './errors.ts';
import { keyOf } from './key.ts';
import { run, type Task } from './task.ts';
import { lastLines } from './text.ts';
import { type Toolchain, versionsOf } from './toolchain.ts';

/** Flags of every compilation. Verilator's headers make warnings that say nothing about the design. */
const compilerFlags = [
  '-std=c++17',
  '-march=native',
  '-fPIC',
  '-fvisibility=hidden',
  '-w',
  // The run-time library asserts that its atomic numbers need no lock, which clang++ leaves to a library that may be missing.
  '-DNDEBUG',
  '-DVM_COVERAGE=0',
  '-DVM_SC=0',
  // What writes waveforms is in the run-time library of every model, and is used by those that trace.
  '-DVM_TRACE=1',
  '-DVM_TRACE_VCD=1',
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

/** C++ files that are compiled as one, and how much work the compiler shall put into them. */
interface Unit {
  readonly name: string;
  readonly files: readonly string[];
  readonly optimize: '-O2' | '-O0';
}

/** Compiles each unit to an object of its name in `folder`, several at a time. @returns the objects. */
function* compileUnits(units: readonly Unit[], folder: string, log: Log, tools: Toolchain): Task<string[]> {
  const include = join(tools.verilator.root, 'include');
  const flags = [...compilerFlags, `-I${include}`, `-I${join(include, 'vltstd')}`];
  for (const { name, files } of units)
    writeFileSync(join(folder, `${name}.cpp`), files.map(file => `#include "${file}"\n`).join(''));
  // The largest first, so that none of them is left over at the end.
  const cost = ({ files, optimize }: Unit) => bytesOf(files) * (optimize === '-O2' ? 4 : 1);
  yield* runTool('The C++ compiler', log, {
    file: 'xargs',
    args: ['-0', '-n', '3', '-P', `${availableParallelism()}`, tools.compiler.command, ...flags],
    folder,
    input: units
      .toSorted((a, b) => cost(b) - cost(a))
      .map(({ name, optimize }) => `${optimize}\0-c\0${name}.cpp\0`)
      .join(''),
  });
  return units.map(({ name }) => join(folder, `${name}.o`));
}

const bytesOf = (files: readonly string[]) => files.reduce((sum, file) => sum + statSync(file).size, 0);

/** Below this many bytes it takes longer to read Verilator's headers once more than to compile the files. */
const unitBytes = 200_000;

function units(name: string, files: readonly string[], optimize: Unit['optimize']): Unit[] {
  const groups: string[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const file of files) {
    const size = statSync(file).size;
    if (bytes + size > unitBytes) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(file);
    bytes += size;
  }
  return groups.map((group, i) => ({ name: `${name}${i}`, files: group, optimize }));
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
export function* compileModel(folder: string, prefix: string, library: string, log: Log, tools: Toolchain): Task<void> {
  const classes = readFileSync(join(folder, `${prefix}_classes.mk`), 'utf8');
  const list = (...names: readonly string[]) => names.flatMap(name => listed(classes, name));
  const runtime = yield* compileRuntime(list('VM_GLOBAL_FAST', 'VM_GLOBAL_SLOW'), log, tools);
  const paths = (names: readonly string[]) => names.map(name => join(folder, `${name}.cpp`));
  const fast = paths([...list('VM_CLASSES_FAST', 'VM_SUPPORT_FAST'), 'shim']);
  const slow = paths(list('VM_CLASSES_SLOW', 'VM_SUPPORT_SLOW'));
  const small = bytesOf(fast) + bytesOf(slow) < unitBytes;
  const all = small ? units('all', [...slow, ...fast], '-O2') : [...units('fast', fast, '-O2'), ...units('slow', slow, '-O0')];
  const objects = yield* compileUnits(all, folder, log, tools);
  const args = ['-shared', '-o', library, ...objects, ...runtime, '-lpthread'];
  yield* runTool('The linker', log, { file: tools.compiler.command, args, folder });
}

/** The files of Verilator's run-time library that most models need; with all of them always there, one set serves nearly all models. */
const usual = ['verilated', 'verilated_dpi', 'verilated_threads', 'verilated_vcd_c'];

/** @returns the objects of Verilator's run-time library. */
function* compileRuntime(needed: readonly string[], log: Log, tools: Toolchain): Task<readonly string[]> {
  const names = [...new Set([...usual, ...needed])].toSorted();
  const home = inCache('verilator', `runtime-${keyOf([names, versionsOf(tools)])}`);
  const objects = names.map(name => join(home, `${name}.o`));
  yield* once(
    home,
    () => objects.every(object => existsSync(object)),
    function* (staging) {
      const include = join(tools.verilator.root, 'include');
      const parts = names.map((name): Unit => ({ name, files: [join(include, `${name}.cpp`)], optimize: '-O2' }));
      yield* compileUnits(parts, staging, log, tools);
    },
  );
  return objects;
}
