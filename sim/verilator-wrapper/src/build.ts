import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { inCache, locked } from './cache.ts';
import { VerilatorError } from './errors.ts';
import { type Port, portsOfHeader } from './ports.ts';
import { shimSource } from './shim.ts';
import { findToolchain, type Toolchain } from './toolchain.ts';

export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

/** A memory that JavaScript shall see. */
export interface MemoryRequest {
  /** Instance names from below the top module to the memory, joined by dots: `source.ring`. */
  readonly path: string;
  /** The Verilog module that declares it. */
  readonly module: string;
  readonly width: number;
  readonly depth: number;
}

export interface BuildOptions {
  readonly sources: readonly SourceFile[];
  /** Name of the top module. */
  readonly top: string;
  /** Name of the clock port; a design without it is purely combinational. `clk` by default. */
  readonly clock?: string;
  /** Values of the top module's parameters, as Verilog literals. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly memories?: readonly MemoryRequest[];
  /** Builds the tracing code in; such a model is a quarter slower even while it does not trace. */
  readonly trace?: boolean;
  /** Gets a line when something is built rather than found. */
  readonly log?: (line: string) => void;
}

/** A compiled model on disk. */
export interface Build {
  readonly library: string;
  readonly ports: readonly Port[];
  readonly clock: string | undefined;
  readonly memories: readonly MemoryRequest[];
}

const prefix = 'Vmodel';

/** `x-assign` and `x-initial` 0: everything starts from 0, as on the other engines. */
const verilatorFlags = [
  '--cc',
  '-O3',
  '--x-assign',
  '0',
  '--x-initial',
  '0',
  '--no-assert',
  '--no-timing',
  '-Wno-fatal',
  '-Wno-lint',
  '-Wno-style',
];
const compilerFlags = ['-std=c++17', '-O2', '-march=native', '-fPIC', '-fvisibility=hidden', '-w'];

/**
 * Verilates and compiles a design to a shared library, or finds it in the cache: the key is the sources, the options, the tools' versions and the CPU.
 * @throws VerilatorError with the tool's last lines and the place of its log.
 */
export function build(options: BuildOptions): Build {
  const { log = () => {} } = options;
  const toolchain = findToolchain({ install: true, log });
  const home = inCache('verilator', keyOf(options, toolchain));
  const manifest = join(home, 'build.json');
  if (!existsSync(manifest)) {
    locked(`${home}.lock`, () => {
      if (existsSync(manifest)) return;
      log(`compiling ${options.top} for Verilator (kept for the next run)`);
      compile(options, toolchain, home);
    });
  }
  return JSON.parse(readFileSync(manifest, 'utf8')) as Build;
}

function keyOf(options: BuildOptions, { verilator, compiler }: Toolchain): string {
  const { sources, top, clock, parameters, memories, trace } = options;
  const shim = shimSource({ prefix, ports: [], clock: undefined, memories: [], trace: false });
  const inputs = [
    sources,
    top,
    clock,
    parameters,
    memories,
    trace ?? false,
    verilator.version,
    compiler.version,
    verilatorFlags,
    compilerFlags,
    shim,
    cpu(),
  ];
  return createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 24);
}

/** What `-march=native` depends on. */
function cpu(): string {
  try {
    return /^flags\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0] ?? '';
  } catch {
    return process.arch;
  }
}

function compile(options: BuildOptions, toolchain: Toolchain, home: string): void {
  const staging = `${home}.new`;
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  const { verilator, compiler } = toolchain;
  const step = (name: string, command: string, args: readonly string[]) =>
    run(name, command, args, staging, `${home}.log`, verilator.env);
  rmSync(`${home}.log`, { force: true });

  for (const source of options.sources) writeFileSync(join(staging, source.name), source.text);
  writeFileSync(join(staging, 'memories.vlt'), visibility(options.memories ?? []));
  const parameters = Object.entries(options.parameters ?? {}).map(([name, value]) => `-G${name}=${value}`);
  step('Verilator', verilator.command, [
    ...verilatorFlags,
    ...(options.trace ? ['--trace-vcd'] : []),
    ...[
      '--prefix',
      prefix,
      '--top-module',
      options.top,
      '--Mdir',
      'obj',
      '--output-split',
      '8000',
      '--output-split-cfuncs',
      '1500',
      '--flatten',
    ],
    ...parameters,
    'memories.vlt',
    ...options.sources.map(s => s.name),
  ]);

  const ports = portsOfHeader(readFileSync(join(staging, 'obj', `${prefix}.h`), 'utf8'));
  const clock = ports.find(p => p.name === (options.clock ?? 'clk') && p.direction === 'input')?.name;
  const rootHeader = readFileSync(join(staging, 'obj', `${prefix}___024root.h`), 'utf8');
  const memories = options.memories ?? [];
  const shim = {
    prefix,
    ports,
    clock,
    memories: memories.map(m => ({ path: m.path, member: memberOf(options.top, m, rootHeader) })),
    trace: options.trace ?? false,
  };
  writeFileSync(join(staging, 'obj', 'shim.cpp'), shimSource(shim));

  const { own, runtime } = sourcesOf(readFileSync(join(staging, 'obj', `${prefix}_classes.mk`), 'utf8'));
  const include = join(verilator.root, 'include');
  const flags = [
    ...compilerFlags,
    `-I${include}`,
    `-I${join(include, 'vltstd')}`,
    '-Iobj',
    `-DVM_TRACE=${options.trace ? 1 : 0}`,
    '-DVM_TRACE_VCD=1',
    '-DVM_COVERAGE=0',
    '-DVM_SC=0',
  ];
  const files = [
    ...own.map(f => join('obj', `${f}.cpp`)),
    join('obj', 'shim.cpp'),
    ...runtime.map(f => join(include, `${f}.cpp`)),
  ];
  const objects = files.map((_, i) => `o${i}.o`);
  // One compiler per core; xargs stops with an error if any of them fails.
  const jobs = files.map((file, i) => `${file} ${objects[i]}`).join('\n');
  writeFileSync(join(staging, 'jobs'), `${jobs}\n`);
  const script = `xargs -P ${availableParallelism()} -n 2 sh -c '"$@"' < jobs`;
  writeFileSync(join(staging, 'compile.sh'), `exec ${compiler.command} ${flags.map(f => `'${f}'`).join(' ')} -c "$1" -o "$2"\n`);
  step('the C++ compiler', 'sh', ['-c', script.replace(`sh -c '"$@"'`, 'sh compile.sh')]);
  step('the linker', compiler.command, ['-shared', '-o', 'model.so', ...objects, '-lpthread']);

  mkdirSync(`${home}.done`, { recursive: true });
  renameSync(join(staging, 'model.so'), join(`${home}.done`, 'model.so'));
  const result: Build = { library: join(home, 'model.so'), ports: ports.filter(p => p.name !== clock), clock, memories };
  writeFileSync(join(`${home}.done`, 'build.json'), JSON.stringify(result));
  rmSync(home, { recursive: true, force: true });
  renameSync(`${home}.done`, home);
  rmSync(staging, { recursive: true, force: true });
}

/** Runs a tool; its output goes to the log. */
function run(
  name: string,
  command: string,
  args: readonly string[],
  cwd: string,
  log: string,
  env: Readonly<Record<string, string>>,
): void {
  const done = spawnSync(command, [...args], { cwd, env: { ...process.env, ...env }, encoding: 'utf8', maxBuffer: 2 ** 28 });
  const said = `${done.stdout ?? ''}${done.stderr ?? ''}`;
  appendFileSync(log, `$ ${command} ${args.join(' ')}\n${said}\n`);
  if (done.error) throw new VerilatorError(`${name} could not be started (${done.error.message}): is ${command} installed?`);
  if (done.status !== 0) {
    const last = said.trim().split('\n').slice(-20).join('\n');
    throw new VerilatorError(`${name} failed with exit code ${done.status}. Its last lines:\n${last}\nThe whole log: ${log}`);
  }
}

/** Makes the memories reachable without a mark in the Verilog. */
function visibility(memories: readonly MemoryRequest[]): string {
  const lines = new Set(memories.map(m => `public_flat_rw -module "${m.module}" -var "${m.path.split('.').at(-1)}"`));
  return ['`verilator_config', ...lines, ''].join('\n');
}

function memberOf(top: string, memory: MemoryRequest, rootHeader: string): string {
  const member = [top, ...memory.path.split('.')].join('__DOT__');
  if (!new RegExp(`\\b${member}\\b`).test(rootHeader)) {
    throw new VerilatorError(
      `the memory '${memory.path}' is not in the verilated model: check its path and that '${memory.module}' declares it`,
    );
  }
  return member;
}

/** File names without ending, as the generated list gives them: the model's own and the runtime's. */
function sourcesOf(classes: string): { readonly own: readonly string[]; readonly runtime: readonly string[] } {
  const list = (name: string) => {
    const body = new RegExp(`^${name} \\+= \\\\\\n((?:.*\\\\\\n)*)`, 'm').exec(classes)?.[1] ?? '';
    return body.split(/[\s\\]+/).filter(word => word !== '');
  };
  return {
    own: ['VM_CLASSES_FAST', 'VM_CLASSES_SLOW', 'VM_SUPPORT_FAST', 'VM_SUPPORT_SLOW'].flatMap(list),
    runtime: ['VM_GLOBAL_FAST', 'VM_GLOBAL_SLOW'].flatMap(list),
  };
}
