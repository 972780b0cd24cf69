import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inCache, once, stagingOf } from './cache.ts';
import { type ClockPlan, clocksOf } from './clocks.ts';
import { compileModel, type Log } from './compile.ts';
import { VerilatorError } from './errors.ts';
import { filesRead, hashesOf, type Inputs, inputsOf } from './inputs.ts';
import { keyOf } from './key.ts';
import type { BuildOptions, CoverageKind, MemoryName, WaveformFormat } from './options.ts';
import type { Port } from './ports.ts';
import { shimSource } from './shim.ts';
import { runBlocking, runInBackground, type Task } from './task.ts';
import { type Toolchain, toolchain, versionsOf } from './toolchain.ts';
import { portsIn, prefix, verilate } from './verilate.ts';

/** A compiled model in the cache. */
export interface Build {
  /** The shared library. */
  readonly library: string;
  readonly top: string;
  /** All ports but the clocks, in the order of their words. */
  readonly ports: readonly Port[];
  /** Names of the clocks. */
  readonly clocks: readonly string[];
  readonly memories: readonly MemoryName[];
  /** The waveform that it can write; absent if none. */
  readonly trace?: WaveformFormat;
  readonly coverage: readonly CoverageKind[];
  readonly savable: boolean;
}

/** Waveforms have every signal, however wide, and no memories. */
const traceFlags = ['--trace-max-width', '0', '--trace-max-array', '1'];

/**
 * Verilates and compiles a design to a shared library, or finds it in the cache under the hash of its files and texts, options, tools and processor.
 * @throws VerilatorError with Verilator's messages, or with what is wrong in the options.
 */
export function build(options: BuildOptions): Build {
  return runBlocking(buildTask(options));
}

/** As `build`, while this thread goes on with other work: an event loop that stands still for a minute makes test runners and users nervous. */
export function buildInBackground(options: BuildOptions): Promise<Build> {
  return runInBackground(buildTask(options));
}

function* buildTask(options: BuildOptions): Task<Build> {
  const { log = () => {}, ...settings } = options;
  const inputs = inputsOf(options);
  check(options);
  const tools = yield* toolchain({ install: true, log });
  const request = keyOf([settings, inputs.fromDisk && inputs, versionsOf(tools)]);
  const home = inCache('verilator', yield* homeOf(request, options, inputs, tools));
  const description = join(home, 'build.json');
  yield* once(
    home,
    () => existsSync(description),
    function* (staging) {
      log(
        `compiling ${options.top} with Verilator ${tools.verilator.version} and ${tools.compiler.command} (kept for the next time)`,
      );
      const result = yield* make(options, inputs, tools, staging, home);
      rmSync(join(staging, 'obj'), { recursive: true });
      writeFileSync(join(staging, 'build.json'), JSON.stringify(result));
    },
  );
  return JSON.parse(readFileSync(description, 'utf8')) as Build;
}

function check({ savable, coverage, threads = 1 }: BuildOptions): void {
  if (savable && kindsOf(coverage).length > 0)
    throw new VerilatorError('Verilator cannot build a model with both coverage and savable: make two models.');
  if (!Number.isInteger(threads) || threads < 1)
    throw new VerilatorError(`'threads' is a whole number from 1 up, not ${threads}.`);
}

const kindsOf = (coverage: BuildOptions['coverage'] = false): readonly CoverageKind[] =>
  coverage === true ? ['line', 'toggle'] : coverage === false ? [] : coverage;

const formatOf = (trace: BuildOptions['trace'] = false): WaveformFormat | undefined =>
  trace === true ? 'vcd' : trace === false ? undefined : trace;

/**
 * The name in the cache for what is asked for: files that Verilator reads are part of it, those found through others as well. Which ones these are is kept
 * from the last time; where it is not known, or where nothing is found by what is known, a short run of Verilator tells.
 */
function* homeOf(request: string, options: BuildOptions, inputs: Inputs, tools: Toolchain): Task<string> {
  if (!inputs.fromDisk) return request;
  const list = inCache('verilator', `${request}.files.json`);
  const known = existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as readonly string[]) : undefined;
  const hashes = known && hashesOf(known, inputs.folder);
  const home = hashes && keyOf([request, hashes]);
  if (home !== undefined && existsSync(inCache('verilator', home, 'build.json'))) return home;
  const staging = stagingOf(inCache('verilator', request));
  const log: Log = { file: inCache('verilator', `${request}.log`) };
  try {
    mkdirSync(staging, { recursive: true });
    writeFileSync(log.file, '');
    yield* verilate(options, inputs, ['--lint-only', '--MMD'], staging, log, tools);
    const read = filesRead(readFileSync(join(staging, 'obj', `${prefix}__verFiles.dat`), 'utf8'), tools.verilator.root, staging);
    const fresh = stagingOf(list);
    writeFileSync(fresh, JSON.stringify(read));
    renameSync(fresh, list);
    return keyOf([request, hashesOf(read, inputs.folder)]);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** Makes the library in `staging`, which will be called `home`. The log stands beside it, so that it is there after a failure as well. */
function* make(options: BuildOptions, inputs: Inputs, tools: Toolchain, staging: string, home: string): Task<Build> {
  const { top, memories = [], savable = false, threads = 1 } = options;
  const log: Log = { file: `${home}.log` };
  writeFileSync(log.file, '');
  const trace = formatOf(options.trace);
  const coverage = kindsOf(options.coverage);
  const timed = Object.keys(options.clocks ?? {}).length > 0;
  const extra = [
    '--cc',
    // Time in the design is time in the waveform; between the units of clocks' timing there is room for their falling edges.
    ...['--timescale-override', trace && timed ? '1ns/100ps' : '1ns/1ns'],
    ...(trace ? [`--trace-${trace}`, ...traceFlags] : []),
    ...coverage.map(kind => `--coverage-${kind}`),
    ...(savable ? ['--savable'] : []),
    ...(threads > 1 ? ['--threads', `${threads}`] : []),
  ];
  yield* verilate(options, inputs, extra, staging, log, tools);
  const obj = join(staging, 'obj');
  const all = portsIn(staging);
  const plan = clocksOf(options, all);
  const names = plan.clocks.map(({ port }) => port.name);
  const ports = ordered(
    all.filter(({ name }) => !names.includes(name)),
    options.portOrder ?? [],
    top,
  );
  const features = { trace, coverage: coverage.length > 0, savable, threads };
  writeFileSync(join(obj, 'shim.cpp'), shimSource({ prefix, ports, plan, top, ...features }));
  yield* compileModel(obj, prefix, '../model.so', options.optimize ?? true, log, tools);
  return { library: join(home, 'model.so'), top, ports, clocks: names, memories, ...(trace && { trace }), coverage, savable };
}

function ordered(ports: readonly Port[], order: readonly string[], top: string): readonly Port[] {
  const named = order.map(name => {
    const port = ports.find(candidate => candidate.name === name);
    if (port) return port;
    throw new VerilatorError(`The module ${top} has no port '${name}'; its ports are ${ports.map(p => p.name).join(', ')}.`);
  });
  return [...ports.filter(port => !named.includes(port)), ...named];
}

/** What of a model is known before C++ is compiled. */
export interface Interface {
  readonly ports: readonly Port[];
  readonly plan: ClockPlan;
}

/** The ports and clocks of a top module, by Verilator alone. @throws VerilatorError as `build` does. */
export function interfaceOf(options: BuildOptions): Interface {
  return runBlocking(interfaceTask(options));
}

function* interfaceTask(options: BuildOptions): Task<Interface> {
  const { log = () => {} } = options;
  const inputs = inputsOf(options);
  const tools = yield* toolchain({ install: true, log });
  const staging = stagingOf(inCache('verilator', keyOf([options.top, inputs])));
  const messages: Log = { file: `${staging}.log` };
  mkdirSync(dirname(staging), { recursive: true });
  writeFileSync(messages.file, '');
  try {
    yield* verilate(options, inputs, ['--cc'], staging, messages, tools);
    const ports = portsIn(staging);
    rmSync(messages.file, { force: true });
    return { ports, plan: clocksOf(options, ports) };
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}
