import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultTopology } from '@hdl/pcie-rtl';
import { type EngineFunction, harnessDesign, softwareMemories } from '@hdl/testbench';
import { embedded, type ir, type Simulation } from '@hdl/ts-hdl';
import { Recorder, verilator } from '@hdl/verilator-wrapper';
import Table from 'cli-table3';
import { runCopies } from './copy-run.ts';
import { width } from './emit.ts';
import type { EngineName } from './engines.ts';
import { writeWhole } from './files.ts';

export interface BenchOptions {
  /** Bytes of the file that is copied. */
  readonly bytes: number;
  /** Rounds in which all variants run in turn; the median counts. */
  readonly rounds: number;
  readonly json?: string;
}

interface Figure {
  readonly variant: string;
  /** Simulated cycles per second of wall time, one figure per round. */
  readonly cps: readonly number[];
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/**
 * `npm run bench`: the main job (enumeration, three copies, reading back) on the default fabric, side by side: both engines driven from TypeScript,
 * and the same verilated model with the same traffic in a bare C++ loop. @returns the exit code.
 */
export async function bench(options: BenchOptions): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const file = join(folder, 'random.bin');
  try {
    writeFileSync(file, randomBytes(options.bytes));
    const figures = await measure(file, options.rounds);
    report(figures, options);
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(file: string, rounds: number): Promise<readonly Figure[]> {
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const model = (design: ir.Design) => verilator(design, { log: say, memories: softwareMemories(defaultTopology()) });

  // What JavaScript does to the model in one job, to do it again without JavaScript.
  let recorder: Recorder | undefined;
  const record: EngineFunction = design => {
    recorder = new Recorder(model(design));
    return recorder;
  };
  const { cycles } = await job(file, 'verilator', record);
  if (!recorder) throw new Error('nothing was recorded');
  const recording = recorder.recording();
  const design = harnessDesign(defaultTopology(), width);

  const variants: readonly (readonly [string, () => Promise<number>])[] = [
    ['bare C++ loop', async () => bareLoop(model(design), recording, cycles)],
    ['verilator, from TypeScript', async () => cps(await job(file, 'verilator', model))],
    ['embedded, from TypeScript', async () => cps(await job(file, 'embedded', embedded))],
  ];
  const figures = variants.map(([variant]) => ({ variant, cps: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const [i, [, run]] of variants.entries()) figures[i]?.cps.push(await run());
  }
  return figures;
}

interface Job {
  readonly cycles: number;
  readonly seconds: number;
}

const cps = ({ cycles, seconds }: Job) => cycles / seconds;

async function job(file: string, name: EngineName, create: EngineFunction): Promise<Job> {
  let seconds = 0;
  const {
    total_cycles,
    flows,
    file: copied,
  } = await runCopies({
    file,
    topology: defaultTopology(),
    engine: { name, create },
    clockHz: 250e6,
    width,
    onTime: s => {
      seconds = s;
    },
  });
  if (flows.some(f => f.sha256 !== copied.sha256)) throw new Error(`a copy on the engine ${name} differs from the file`);
  return { cycles: total_cycles, seconds };
}

/** The recorded traffic again; that it is the same shows in the link counters. */
function bareLoop(
  simulation: ReturnType<typeof verilator>,
  recording: ReturnType<Recorder['recording']>,
  cycles: number,
): number {
  using model = simulation;
  const nanoseconds = model.replay(recording);
  if (recording.cycles !== cycles) throw new Error(`the recording has ${recording.cycles} cycles, the run had ${cycles}`);
  if (rootTlps(model) === 0) throw new Error('the replay moved nothing');
  return recording.cycles / (nanoseconds / 1e9);
}

const rootTlps = (model: Simulation) => model.ports.get('counters_0_down_posted')?.words[0] ?? 0;

function report(figures: readonly Figure[], options: BenchOptions): void {
  const base = median(figures[0]?.cps ?? []);
  const rows = figures.map(f => {
    const rate = median(f.cps);
    return {
      variant: f.variant,
      cycles_per_second: Math.round(rate),
      least: Math.round(Math.min(...f.cps)),
      most: Math.round(Math.max(...f.cps)),
      ratio: rate / base,
    };
  });
  const table = new Table({
    head: ['default fabric, main job', 'cycles/s', 'min', 'max', 'ratio'],
    colAligns: ['left', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const r of rows)
    table.push([r.variant, ...[r.cycles_per_second, r.least, r.most].map(n => n.toLocaleString('en-US')), r.ratio.toFixed(2)]);
  const file = `${options.bytes.toLocaleString('en-US')} bytes`;
  process.stdout.write(
    `${table}\nmedian of ${options.rounds} rounds, variants in turn; a file of ${file}, copied three ways and read back\n`,
  );
  if (options.json !== undefined) {
    const data = {
      schema: 'p2p-bench',
      version: 1,
      cpu: cpus()[0]?.model ?? '',
      bytes: options.bytes,
      rounds: options.rounds,
      variants: rows,
    };
    writeWhole(options.json, `${JSON.stringify(data, null, 2)}\n`);
  }
}
