import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { emitVerilog, type ir } from '@hdl/ts-hdl';
import { cacheFolder, defaultSimulator, environment, pythonEnvironment, type Simulator } from './environment.ts';
import { CocotbError } from './errors.ts';

export interface CocotbOptions {
  /** The Python file with `@cocotb.test()` functions. */
  readonly tests: string;
  /** Icarus where it is installed, else Verilator. */
  readonly simulator?: Simulator;
  /** cocotb's random seed; 1 by default, so that a run can be repeated. */
  readonly seed?: number;
}

/** What became of one Python test. */
export interface CocotbResult {
  readonly name: string;
  readonly passed: boolean;
  /** Why it failed, as Python says it; empty if it passed. */
  readonly message: string;
}

const script = fileURLToPath(new URL('run.py', import.meta.url));

/**
 * Runs Python tests on the Verilog of a checked design, under cocotb 2.1.
 * @returns the tests in their order. @throws CocotbError if cocotb or the simulator cannot be had, the build fails, or no test ran.
 */
export function runCocotb(design: ir.Design, options: CocotbOptions): CocotbResult[] {
  const { tests, simulator = defaultSimulator(), seed = 1 } = options;
  if (!existsSync(tests)) throw new CocotbError(`there is no test file ${tests}`);
  const python = pythonEnvironment();
  const files = emitVerilog(design);
  const runs = join(cacheFolder(), 'cocotb');
  mkdirSync(runs, { recursive: true });
  // A folder of its own, so that runs at the same time do not disturb each other; it stays only if there is something to look into.
  const folder = mkdtempSync(join(runs, `${design.top.name}-`));
  for (const file of files) writeFileSync(join(folder, file.name), file.text);
  copyFileSync(tests, join(folder, basename(tests)));

  const results = join(folder, 'results.xml');
  const job = {
    simulator,
    sources: files.map(file => join(folder, file.name)),
    top: design.top.name,
    build: join(folder, 'build'),
    module: basename(tests, '.py'),
    folder,
    results,
    seed,
  };
  writeFileSync(join(folder, 'job.json'), JSON.stringify(job, null, 2));
  const done = spawnSync(join(python, 'bin', 'python3'), [script, join(folder, 'job.json')], {
    cwd: folder,
    encoding: 'utf8',
    env: environment(python, simulator),
    maxBuffer: 2 ** 28,
  });
  const said = `${done.stdout ?? ''}${done.stderr ?? ''}`;
  const log = join(folder, 'log.txt');
  writeFileSync(log, said);
  const found = existsSync(results) ? parseResults(readFileSync(results, 'utf8')) : [];
  if (found.length === 0) {
    const last = said.trim().split('\n').slice(-15).join('\n');
    throw new CocotbError(`no test of ${tests} ran under ${simulator}. The last lines:\n${last}\nThe whole log: ${log}`);
  }
  if (found.every(({ passed }) => passed)) rmSync(folder, { recursive: true, force: true });
  return found;
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The text of an XML attribute. */
function unescaped(text: string): string {
  return text.replace(/&(?:#(\d+)|(\w+));/g, (entity, code?: string, name = '') =>
    code === undefined ? (named[name] ?? entity) : String.fromCodePoint(Number(code)),
  );
}

/** Reads cocotb's own JUnit report. Tests that were skipped are left out. */
export function parseResults(xml: string): CocotbResult[] {
  return [...xml.matchAll(/<testcase [^>]*\bname="([^"]*)"[^>]*?(?:\/>|>(.*?)<\/testcase>)/gs)]
    .filter(([, , body = '']) => !/<skipped\b/.test(body))
    .map(([, name = '', body = '']) => {
      const failure = /<(?:failure|error)\b(?:[^>]*?\bmessage="([^"]*)")?/.exec(body);
      const message = unescaped(failure?.[1] ?? '');
      return {
        name: unescaped(name),
        passed: failure === null,
        message: failure && message === '' ? 'the test failed' : message,
      };
    });
}
