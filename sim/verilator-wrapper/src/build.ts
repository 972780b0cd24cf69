import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inCache, once } from './cache.ts';
import { compileModel, type Log, runTool } from './compile.ts';
import { VerilatorError } from './errors.ts';
import { keyOf } from './key.ts';
import { type Port, portsOfHeader } from './ports.ts';
import { shimSource } from './shim.ts';
import { runBlocking, runInBackground, type Task } from './task.ts';
import { type Toolchain, toolchain, versionsOf } from './toolchain.ts';

/** A Verilog file by its name without folders; names that do not end in `.v` or `.sv` are only there to be included by others. */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

/** A memory that JavaScript shall see, in every instance of its module. */
export interface MemoryName {
  /** The Verilog module that declares it. */
  readonly module: string;
  readonly name: string;
}

export interface BuildOptions {
  readonly sources: readonly SourceFile[];
  /** Name of the top module. */
  readonly top: string;
  /** Name of the clock; a top module without such an input is combinational. `clk` by default. */
  readonly clock?: string;
  /** Values of the top module's parameters as Verilog literals: `8`, `16'h12`, `"text"`. */
  readonly parameters?: Readonly<Record<string, string | number>>;
  /**
   * The memories that `memory(path)` of the simulation finds; none by default. Verilator reads each of them anew in every evaluation, since it may have been
   * written from outside.
   */
  readonly memories?: readonly MemoryName[];
  /** Names of ports in the order that the simulation shall have them, after those that are not named; by default the order of Verilator's header. */
  readonly portOrder?: readonly string[];
  /** Builds in what writes a waveform; such a model is slower even where it writes none. */
  readonly trace?: boolean;
  /** Further options of Verilator. */
  readonly flags?: readonly string[];
  /** Gets a line per longer step; nothing is said of a model that is found in the cache. */
  readonly log?: (line: string) => void;
}

/** A compiled model in the cache. */
export interface Build {
  /** The shared library. */
  readonly library: string;
  readonly top: string;
  /** All ports but the clock, in the order of their words. */
  readonly ports: readonly Port[];
  readonly memories: readonly MemoryName[];
  readonly trace: boolean;
}

const prefix = 'Vmodel';

/**
 * Everything starts from 0 and nothing else is ever unknown, as on the other engines. Warnings are the linter's business: they go to the log. Functions are
 * split so that several files can be compiled at a time.
 */
const verilatorFlags =
  '--cc -O3 --x-assign 0 --x-initial 0 --no-assert --no-timing -Wno-fatal --output-split 20000 --output-split-cfuncs 2000';

/** Waveforms have every signal, however wide, and no memories; a cycle is 1 ns. */
const traceFlags = '--trace-vcd --trace-max-width 0 --trace-max-array 1 --timescale-override 1ns/1ns';

/**
 * Verilates and compiles a design to a shared library, or finds it in the cache under the hash of its sources, options, tools and processor.
 * @throws VerilatorError with the end of the tool's output and the place of its log.
 */
export function build(options: BuildOptions): Build {
  return runBlocking(buildTask(options));
}

/** As `build`, while this thread goes on with other work: an event loop that stands still for a minute makes test runners and users nervous. */
export function buildInBackground(options: BuildOptions): Promise<Build> {
  return runInBackground(buildTask(options));
}

function* buildTask(options: BuildOptions): Task<Build> {
  const { log = () => {}, ...inputs } = options;
  const tools = yield* toolchain({ install: true, log });
  const home = inCache('verilator', keyOf([inputs, versionsOf(tools)]));
  const description = join(home, 'build.json');
  yield* once(
    home,
    () => existsSync(description),
    function* (staging) {
      log(
        `compiling ${options.top} with Verilator ${tools.verilator.version} and ${tools.compiler.command} (kept for the next time)`,
      );
      const result = yield* make(options, tools, staging, home);
      rmSync(join(staging, 'obj'), { recursive: true });
      writeFileSync(join(staging, 'build.json'), JSON.stringify(result));
    },
  );
  return JSON.parse(readFileSync(description, 'utf8')) as Build;
}

/** Makes the library in `staging`, which will be called `home`. The log stands beside it, so that it is there after a failure as well. */
function* make(options: BuildOptions, tools: Toolchain, staging: string, home: string): Task<Build> {
  const { sources, top, clock = 'clk', memories = [], parameters = {}, trace = false, flags = [] } = options;
  const log: Log = { file: `${home}.log` };
  writeFileSync(log.file, '');
  const folder = join(staging, 'verilog');
  mkdirSync(folder);
  for (const { name, text } of sources) {
    if (!/^[\w.-]+$/.test(name))
      throw new VerilatorError(`'${name}' is no name of a source file: letters, digits, '_', '.', '-' make one.`);
    writeFileSync(join(folder, name), text);
  }
  writeFileSync(join(folder, 'memories.vlt'), visibility(memories));
  const files = sources.map(source => source.name).filter(name => /\.s?v$/.test(name));
  yield* runTool('Verilator', log, {
    file: tools.verilator.command,
    args: [
      ...verilatorFlags.split(' '),
      ...(trace ? traceFlags.split(' ') : []),
      ...flags,
      ...Object.entries(parameters).map(([name, value]) => `-G${name}=${value}`),
      ...['--prefix', prefix, '--top-module', top, '--Mdir', '../obj', 'memories.vlt'],
      ...files,
    ],
    folder,
    env: tools.verilator.env,
  });
  const obj = join(staging, 'obj');
  const all = portsOfHeader(readFileSync(join(obj, `${prefix}.h`), 'utf8'));
  const clockPort = all.find(port => port.name === clock && port.direction === 'input');
  const others = all.filter(port => port !== clockPort);
  const ports = ordered(others, options.portOrder ?? [], top);
  writeFileSync(join(obj, 'shim.cpp'), shimSource({ prefix, ports, clock: clockPort?.member, top, trace }));
  yield* compileModel(obj, prefix, '../model.so', log, tools);
  return { library: join(home, 'model.so'), top, ports, memories, trace };
}

/** Makes memories reachable without a mark in the Verilog. */
function visibility(memories: readonly MemoryName[]): string {
  const lines = memories.map(({ module, name }) => `public_flat_rw -module "${module}" -var "${name}"`);
  return ['`verilator_config', ...lines, ''].join('\n');
}

function ordered(ports: readonly Port[], order: readonly string[], top: string): readonly Port[] {
  const named = order.map(name => {
    const port = ports.find(candidate => candidate.name === name);
    if (port) return port;
    throw new VerilatorError(`The module ${top} has no port '${name}'; its ports are ${ports.map(p => p.name).join(', ')}.`);
  });
  return [...ports.filter(port => !named.includes(port)), ...named];
}
