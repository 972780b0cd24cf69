import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { checked, elaborate, emitVerilog, type Module, type VerilogFile } from '@hdl/ts-hdl';
import { buildSimulation } from './build.ts';
import {
  cacheFolder,
  defaultSimulator,
  environment,
  pythonEnvironment,
  pythonPath,
  runScript,
  type Simulator,
} from './environment.ts';
import { CocotbError } from './errors.ts';
import { run } from './process.ts';
import { pythonClass } from './python-class.ts';
import { type CocotbResult, parseResults } from './results.ts';

export interface CocotbOptions {
  /** The Python file with `@cocotb.test()` functions, or several with names of their own. Modules beside them can be imported. */
  readonly tests: string | readonly string[];
  /** Icarus where it is installed, else Verilator. */
  readonly simulator?: Simulator;
  /** cocotb's random seed; 1 by default, so that a run can be repeated. */
  readonly seed?: number;
  /** What `hdl_cocotb.parameters()` gives the tests: anything that JSON has. */
  readonly parameters?: unknown;
  /** `+name=value` on the simulator's command line; `true` for `+name`. Python reads them with `hdl_cocotb.plusarg`. */
  readonly plusargs?: Readonly<Record<string, string | number | true>>;
  /** Further folders with Python modules. */
  readonly pythonPath?: readonly string[];
  /** Only tests whose name matches. */
  readonly only?: RegExp;
  /** Failed tests run again, with the same seed, to record a waveform of them alone (`failures`, the default), or not. */
  readonly waves?: 'failures' | 'never';
  /** What Python can reach under Verilator: `all` signals, or only the `ports` of the top module, which makes large designs several times faster. */
  readonly visible?: 'all' | 'ports';
  /** Told each line that the simulator or a compiler says. */
  readonly onLine?: (line: string) => void;
}

/**
 * Runs Python tests on the Verilog of the design that `make` describes, under cocotb 2.1. The Python class of its ports is written for the tests: module
 * `counter_ports` with class `Counter` for a module `Counter` (`pythonClass`). A simulation of the same Verilog is compiled once and kept.
 * @returns the tests in their order. @throws CocotbError if cocotb or the simulator cannot be had, the build fails, or no test ran; HdlError and DesignError
 * for a wrong design.
 */
export async function runCocotb(make: MakeModule, options: CocotbOptions): Promise<CocotbResult[]> {
  const { simulator = defaultSimulator() } = options;
  const tests = filesOf(options.tests);
  const { dut, design } = elaborate(make);
  const subject: Subject = {
    top: design.top.name,
    files: emitVerilog(checked(design)),
    ports: pythonClass(dut, design),
    simulator,
    tests,
    options,
  };
  // A folder of its own, so that runs at the same time do not disturb each other; it stays only if there is something to look into.
  const folder = runFolder(subject.top);
  const results = await runTests(subject, folder, false);
  const failed = results.filter(({ passed }) => !passed);
  if (failed.length === 0) rmSync(folder, { recursive: true, force: true });
  if (failed.length === 0 || options.waves === 'never') return results;
  const told: CocotbResult[] = [];
  for (const result of results) {
    const waveform = result.passed ? undefined : await recorded(subject, result);
    told.push(waveform ? { ...result, waveform } : result);
  }
  return told;
}

/** The names of the tests in a file for a design, as `runCocotb` gives them. @throws CocotbError if Python cannot import it. */
export async function testNames(
  make: MakeModule,
  tests: string,
  options: Pick<CocotbOptions, 'pythonPath' | 'parameters'> = {},
): Promise<string[]> {
  const files = filesOf(tests);
  const { dut, design } = elaborate(make);
  const folder = runFolder('names');
  writePorts(folder, design.top.name, pythonClass(dut, design));
  const job = join(folder, 'job.json');
  writeFileSync(job, JSON.stringify({ module: basename(tests, '.py') }));
  const lines: string[] = [];
  const env = { ...process.env, ...pythonVariables(files, folder, options) };
  const code = await python('names', folder, job, env, line => lines.push(line));
  rmSync(folder, { recursive: true, force: true });
  if (code !== 0) throw new CocotbError(`Python cannot import ${tests}:\n${lines.slice(-15).join('\n')}`);
  return JSON.parse(lines.at(-1) ?? '[]');
}

/** Makes the module that is tested. */
export type MakeModule = () => Module<never> | Module<unknown>;

interface Subject {
  readonly top: string;
  readonly files: readonly VerilogFile[];
  /** The Python class of the ports. */
  readonly ports: string;
  readonly simulator: Simulator;
  readonly tests: readonly string[];
  readonly options: CocotbOptions;
}

/** Absolute paths of test files. @throws CocotbError for one that is not there. */
function filesOf(tests: string | readonly string[]): string[] {
  const files = (typeof tests === 'string' ? [tests] : tests).map(file => resolve(file));
  for (const file of files) if (!existsSync(file)) throw new CocotbError(`there is no test file ${file}`);
  return files;
}

const writePorts = (folder: string, top: string, ports: string) => writeFileSync(join(folder, `${snake(top)}_ports.py`), ports);

function runFolder(name: string): string {
  const runs = join(cacheFolder(), 'cocotb', 'runs');
  mkdirSync(runs, { recursive: true });
  return mkdtempSync(join(runs, `${name}-`));
}

/** What Python is told by its environment. */
const pythonVariables = (
  tests: readonly string[],
  folder: string,
  { pythonPath: further = [], parameters = {} }: Pick<CocotbOptions, 'pythonPath' | 'parameters'>,
): NodeJS.ProcessEnv => ({
  PYTHONPATH: pythonPath(...new Set(tests.map(file => dirname(file))), folder, ...further),
  PYTHONDONTWRITEBYTECODE: '1',
  HDL_COCOTB_PARAMETERS: JSON.stringify(parameters),
});

function python(
  command: 'test' | 'names',
  folder: string,
  job: string,
  env: NodeJS.ProcessEnv,
  onLine?: (line: string) => void,
): Promise<number | undefined> {
  const file = join(pythonEnvironment(), 'bin', 'python3');
  return run({ file, args: [runScript, command, job], folder, env, log: join(folder, 'log.txt'), onLine });
}

/** Runs the tests that `only` of the options lets through, in `folder`. */
async function runTests(subject: Subject, folder: string, waves: boolean): Promise<CocotbResult[]> {
  const { top, simulator, ports, files, tests, options } = subject;
  const { seed = 1, plusargs = {}, only, visible = 'all', onLine } = options;
  const build = await buildSimulation({ files, top, simulator, visible, waves, onLine });
  writePorts(folder, top, ports);
  // What the Verilog reads at run time lies where it runs.
  for (const { name, text } of files) writeFileSync(join(folder, name), text);
  const results = join(folder, 'results.xml');
  const job = join(folder, 'job.json');
  writeFileSync(
    job,
    JSON.stringify({
      simulator,
      top,
      build,
      module: tests.map(file => basename(file, '.py')),
      folder,
      results,
      seed,
      plusargs: [
        ...Object.entries(plusargs).map(([name, value]) => (value === true ? `+${name}` : `+${name}=${value}`)),
        ...(waves && simulator === 'icarus' ? [`+dumpfile_path=${join(folder, `${top}.fst`)}`] : []),
      ],
      filter: only?.source ?? null,
      waves,
    }),
  );
  const env = { ...environment(pythonEnvironment(), simulator), ...pythonVariables(tests, folder, options) };
  await python('test', folder, job, env, onLine);
  const log = join(folder, 'log.txt');
  const said = readFileSync(log, 'utf8');
  const found = existsSync(results) ? parseResults(readFileSync(results, 'utf8'), tests) : [];
  if (found.length === 0) {
    const last = said.trim().split('\n').slice(-15).join('\n');
    throw new CocotbError(
      `no test of ${tests.join(', ')} ran under ${simulator}. The last lines:\n${last}\nThe whole log: ${log}`,
    );
  }
  return found.map(result => (result.passed ? result : { ...result, log, lines: linesOf(said, result) }));
}

/** The waveform of one test, which runs again for it; undefined if the simulator did not write one. */
async function recorded(subject: Subject, { module, name }: CocotbResult): Promise<string | undefined> {
  const { top, simulator, options } = subject;
  const folder = runFolder(top);
  const only = new RegExp(`^${literally(`${module}.${name}`)}$`);
  await runTests({ ...subject, options: { ...options, only } }, folder, true);
  const written = join(folder, simulator === 'icarus' ? `${top}.fst` : 'dump.vcd');
  if (!existsSync(written)) return undefined;
  const waveform = join(folder, `${name.replace(/\W+/g, '-')}${simulator === 'icarus' ? '.fst' : '.vcd'}`);
  copyFileSync(written, waveform);
  rmSync(written);
  return waveform;
}

/** The lines of a log that belong to a test: from its beginning to that of the next one. */
function linesOf(log: string, { module, name }: CocotbResult): string[] {
  const lines = log.split('\n');
  const start = lines.findIndex(line => line.includes(`running ${module}.${name} `));
  if (start < 0) return [];
  const next = lines.findIndex((line, i) => i > start && /running [\w.]+\.\S+ .*\(\d+\/\d+\)|^\S*\s*\S*\s+\*{20}/.test(line));
  return lines.slice(start, next < 0 ? undefined : next);
}

/** What matches this text and nothing else. */
const literally = (text: string) => text.replace(/[.*+?^$()[\]{}|\\/]/g, '\\$&');

/** `MyModule` as a Python module's name. */
const snake = (name: string) => name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toLowerCase();
