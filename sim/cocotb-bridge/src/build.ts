import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { VerilogFile } from '@hdl/ts-hdl';
import { cacheFolder, environment, pythonEnvironment, runScript, type Simulator } from './environment.ts';
import { CocotbError } from './errors.ts';
import { run } from './process.ts';

export interface BuildRequest {
  readonly files: readonly VerilogFile[];
  readonly top: string;
  readonly simulator: Simulator;
  /** All signals can be read and written by their paths, or only the ports of the top module: that makes large designs several times faster. */
  readonly visible: 'all' | 'ports';
  /** The simulation can record a waveform, which makes it slower. */
  readonly waves: boolean;
  readonly onLine?: ((line: string) => void) | undefined;
}

/**
 * What the C++ compiler does to what Verilator writes: much more would take longer than it saves in a run of Python tests. The run-time library
 * asserts that its atomic numbers need no lock, which clang++ leaves to a library that may be missing.
 */
const makeVariables = ['OPT_FAST=-O1', 'OPT_SLOW=-O0', 'OPT_GLOBAL=-O1\\ -DNDEBUG'];

/** So many simulations are kept; the one used longest ago goes first. */
const kept = 40;

/**
 * The folder of a compiled simulation: one that was made for the same Verilog before, or a new one.
 * @throws CocotbError if the simulator refuses the design: its last lines, and where the log is.
 */
export async function buildSimulation(request: BuildRequest): Promise<string> {
  const { files, top, simulator, visible, waves, onLine } = request;
  const python = pythonEnvironment();
  const env = environment(python, simulator, makeVariables);
  const tools = [python, simulator, waves, env.VERILATOR_ROOT, makeVariables];
  const key = hash([files, top, visible, tools]);
  const builds = join(cacheFolder(), 'cocotb', 'builds');
  const home = join(builds, `${top}-${key}`);
  if (existsSync(home)) {
    const now = new Date();
    utimesSync(home, now, now);
    return home;
  }
  const staging = `${home}.${process.pid}.${staged++}`;
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  for (const { name, text } of files) writeFileSync(join(staging, name), text);
  const controls = simulator === 'verilator' && visible === 'ports' ? [join(staging, 'visible.vlt')] : [];
  for (const control of controls) writeFileSync(control, portsOnly(top));
  const job = join(staging, 'job.json');
  writeFileSync(
    job,
    JSON.stringify({
      simulator,
      sources: files.map(({ name }) => join(staging, name)),
      controls,
      top,
      build: staging,
      runtime: join(cacheFolder(), 'cocotb', `runtime-${hash(tools)}`),
      waves,
      arguments:
        simulator === 'verilator'
          ? ['-Wno-fatal', '--output-split', '20000', ...(controls.length > 0 ? ['--no-public-flat-rw'] : [])]
          : [],
    }),
  );
  const log = join(staging, 'build.log');
  const code = await run({
    file: join(python, 'bin', 'python3'),
    args: [runScript, 'build', job],
    folder: staging,
    env,
    log,
    onLine,
  });
  if (code !== 0) {
    const last = readFileSync(log, 'utf8').trim().split('\n').slice(-15).join('\n');
    throw new CocotbError(`${simulator} refused ${top}. The last lines:\n${last}\nThe whole log: ${log}`);
  }
  // Another process may have been faster; its simulation is as good.
  if (existsSync(home)) rmSync(staging, { recursive: true, force: true });
  else renameSync(staging, home);
  prune(builds);
  return home;
}

const hash = (what: unknown) => createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 16);

const portsOnly = (top: string) => `\`verilator_config\npublic_flat_rw -module "${top}" -var "*"\n`;

/** Builds of this process that were begun. */
let staged = 0;

/** A build that failed keeps its log for a day. */
const day = 24 * 3600 * 1000;

function prune(builds: string): void {
  const [begun, done] = [true, false].map(wanted => readdirSync(builds).filter(name => /\.\d+\.\d+$/.test(name) === wanted));
  for (const name of begun ?? [])
    if (Date.now() - statSync(join(builds, name)).mtimeMs > day) rmSync(join(builds, name), { recursive: true, force: true });
  const byAge = (done ?? []).map(name => ({ name, used: statSync(join(builds, name)).mtimeMs })).sort((a, b) => b.used - a.used);
  for (const { name } of byAge.slice(kept)) rmSync(join(builds, name), { recursive: true, force: true });
}
