import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inCache, once } from './cache.ts';
import { VerilatorError } from './errors.ts';
import { keyOf } from './key.ts';
import { type Command, type Outcome, run, type Task } from './task.ts';
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
  '-DVM_SC=0',
  // Our own `vl_finish`, `vl_stop` and `vl_fatal`: see `shimSource`.
  '-DVL_USER_FINISH',
  '-DVL_USER_STOP',
  '-DVL_USER_FATAL',
];

/** Tools run, and their output, go to this file; an error quotes its end. */
export interface Log {
  readonly file: string;
}

/** Runs a tool and notes what it says. */
export function* loggedRun(log: Log, command: Omit<Command, 'kind'>): Task<Outcome> {
  const outcome = yield* run(command);
  appendFileSync(log.file, `$ ${command.file} ${command.args.join(' ')}\n${outcome.output}\n`);
  return outcome;
}

/** Runs a tool. @throws VerilatorError with its last lines and the place of the log if it fails. */
function* runTool(what: string, log: Log, command: Omit<Command, 'kind'>): Task<void> {
  const { status, output } = yield* loggedRun(log, command);
  if (status === 0) return;
  const how = status === undefined ? 'did not run to its end' : 'failed';
  const missing = /fatal error: '?([\w/]+\.h)'?(?: file not found|: No such file)/.exec(output)?.[1];
  const advice =
    missing === 'zlib.h' ? '\nThis Verilator needs zlib to write FST: install it (Debian: zlib1g-dev), or write VCD.' : '';
  throw new VerilatorError(
    `${what} ${how}. The end of what it said:\n${lastLines(output, 20)}${advice}\nAll of it is in ${log.file}`,
  );
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
  const flags = [
    ...compilerFlags,
    ...(ownCompression(tools) ? [`-I${compression}`] : []),
    `-I${include}`,
    `-I${join(include, 'vltstd')}`,
  ];
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
const unitBytes = { '-O2': 200_000, '-O0': 3_000_000 } as const;

function units(name: string, files: readonly string[], optimize: Unit['optimize']): Unit[] {
  const groups: string[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const file of files) {
    const size = statSync(file).size;
    if (bytes + size > unitBytes[optimize]) {
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
export function* compileModel(
  folder: string,
  prefix: string,
  library: string,
  optimize: boolean,
  log: Log,
  tools: Toolchain,
): Task<void> {
  const classes = readFileSync(join(folder, `${prefix}_classes.mk`), 'utf8');
  const list = (...names: readonly string[]) => names.flatMap(name => listed(classes, name));
  const needed = list('VM_GLOBAL_FAST', 'VM_GLOBAL_SLOW');
  const runtime = yield* compileRuntime(usual, log, tools);
  for (const name of needed.filter(name => !usual.includes(name))) runtime.push(...(yield* compileRuntime([name], log, tools)));
  const paths = (names: readonly string[]) => names.map(name => join(folder, `${name}.cpp`));
  const fast = paths([...list('VM_CLASSES_FAST', 'VM_SUPPORT_FAST'), 'shim']);
  const slow = paths(list('VM_CLASSES_SLOW', 'VM_SUPPORT_SLOW'));
  const level = optimize ? '-O2' : '-O0';
  const small = bytesOf(fast) + bytesOf(slow) < unitBytes[level];
  const all = small ? units('all', [...slow, ...fast], level) : [...units('fast', fast, level), ...units('slow', slow, '-O0')];
  const objects = yield* compileUnits(all, folder, log, tools);
  const zlib = needed.includes('verilated_fst_c') && !ownCompression(tools) ? ['-lz'] : [];
  const args = ['-shared', '-o', library, ...objects, ...runtime, '-lpthread', ...zlib];
  yield* runTool('The linker', log, { file: tools.compiler.command, args, folder });
}

/** The files of Verilator's run-time library that most models need; what else a model needs is compiled and kept file by file. */
const usual: readonly string[] = ['verilated', 'verilated_dpi', 'verilated_threads', 'verilated_vcd_c'];

/** `lz4.h` and `zlib.h` of this package, which need no library. */
const compression = fileURLToPath(new URL('../include', import.meta.url));

/** Whether this Verilator's writer of FST needs no more of lz4 and zlib than this package's headers have; older ones need all of zlib. */
const ownCompression = ({ verilator }: Toolchain) => existsSync(join(verilator.root, 'include', 'fstcpp'));

/** @returns the objects of files of Verilator's run-time library. */
function* compileRuntime(names: readonly string[], log: Log, tools: Toolchain): Task<string[]> {
  const home = inCache('verilator', `runtime-${keyOf([names, versionsOf(tools)], runtimeMakers)}`);
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

const runtimeMakers = ['compile.ts', '../include/lz4.h', '../include/zlib.h'];
