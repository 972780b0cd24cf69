import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  const key = createHash('sha256')
    .update(JSON.stringify([files, tests, simulator, seed]))
    .digest('hex')
    .slice(0, 16);
  const folder = join(cacheFolder(), 'cocotb', `${design.top.name}-${key}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
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
  return found;
}

const entities: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#10;': '\n' };

/** Reads cocotb's own JUnit report. */
export function parseResults(xml: string): CocotbResult[] {
  return [...xml.matchAll(/<testcase [^>]*\bname="([^"]*)"[^>]*?(?:\/>|>(.*?)<\/testcase>)/gs)].map(
    ([, name = '', body = '']) => {
      const failure = /<(?:failure|error)\b(?:[^>]*?\bmessage="([^"]*)")?/.exec(body);
      const message = (failure?.[1] ?? '').replace(/&(?:amp|lt|gt|quot|#10);/g, entity => entities[entity] ?? entity);
      return { name, passed: failure === null, message: failure && message === '' ? 'the test failed' : message };
    },
  );
}
