import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { drivesOf, drivesTable, measureDrives } from './bench/drives.ts';
import { saturatedWorkload, sparseWorkload } from './bench/fabric.ts';
import { fabricSizes, measureSizes, sizeTable } from './bench/fabric-size.ts';
import { measureStartup, type Startup, startupTable } from './bench/startup.ts';
import { syntheticWorkload } from './bench/synthetic.ts';
import { type Figure, measure, type Workload } from './bench/workload.ts';
import { UsageError } from './errors.ts';
import { writeWhole } from './files.ts';

/** What can be measured, by the name that `--only` takes. */
export const workloadNames = ['synthetic', 'saturated', 'sparse', 'startup', 'sizes', 'drives'] as const;
export type WorkloadName = (typeof workloadNames)[number];

export interface BenchOptions {
  /** Bytes of the file that is copied in the saturated workload. */
  readonly bytes: number;
  /** Cycles of the synthetic workload. */
  readonly cycles: number;
  /** TLPs of the sparse workload, and of each fabric of `sizes`. */
  readonly tlps: number;
  /** Rounds in which all variants run in turn; the median counts. */
  readonly rounds: number;
  /** Names of workloads, comma between them; all by default. */
  readonly only?: string;
  /** Icarus Verilog and Amaranth's simulator too, on the synthetic design. */
  readonly peers?: boolean;
  readonly json?: string;
  /** Numbers of endpoints of the fabrics whose cost is measured, comma between them; all by default. */
  readonly endpoints?: string;
  /** Of `drives`: numbers of drives, comma between them, all by default; bytes of a command; bytes of all drives in each direction. */
  readonly drives?: string;
  readonly block: number;
  readonly total: number;
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/**
 * `npm run bench`: the synthetic design, the default fabric with saturated links, and the default fabric with little to do; each on all engines driven
 * from TypeScript, beside the same verilated model with the same traffic in a bare C++ loop. Then what passes before a first cycle, or before the
 * Verilog of a large design is there. @returns the exit code.
 * @throws UsageError for a workload that does not exist.
 */
export async function bench(options: BenchOptions): Promise<number> {
  const names = chosen(options.only);
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const file = join(folder, 'random.bin');
  try {
    writeFileSync(file, randomBytes(options.bytes));
    const results: { workload: Workload; figures: readonly Figure[] }[] = [];
    for (const name of names) {
      if (name === 'startup' || name === 'sizes' || name === 'drives') continue;
      const workload = await prepare(name, file, options);
      const figures = await measure(workload, options.rounds);
      process.stdout.write(`${tableOf(workload, figures)}\n${workload.note}\n\n`);
      results.push({ workload, figures });
    }
    const startup = names.includes('startup') ? measureStartup(options.rounds) : [];
    for (const subject of startup) process.stdout.write(`${startupTable(subject)}\n\n`);
    const sizes = names.includes('sizes') ? await measureSizes(sizesOf(options.endpoints), sizeLoad(options), say) : [];
    if (sizes.length > 0) process.stdout.write(`${sizeTable(sizes)}\n\n`);
    const load = { drives: drivesOf(options.drives), bs: options.block, bytes: options.total };
    const drives = names.includes('drives') ? await measureDrives(load, say) : [];
    if (drives.length > 0) process.stdout.write(`${drivesTable(drives)}\n\n`);
    process.stdout.write(`median of ${options.rounds} rounds, variants in turn\n`);
    if (options.json !== undefined)
      writeWhole(
        options.json,
        `${JSON.stringify({ ...report(results, startup, options), ...(sizes.length > 0 && { sizes }), ...(drives.length > 0 && { drives }) }, null, 2)}\n`,
      );
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function chosen(only: string | undefined): readonly WorkloadName[] {
  // The large fabrics and the long jobs take many minutes.
  if (only === undefined) return workloadNames.filter(name => name !== 'sizes' && name !== 'drives');
  return only.split(',').map(name => {
    const known = workloadNames.find(n => n === name);
    if (!known)
      throw new UsageError(`there is no workload '${name}': choose ${workloadNames.join(', ')}, with commas between them.`);
    return known;
  });
}

const say = (line: string) => void process.stderr.write(`${line}\n`);

/** @throws UsageError for a number that is not measured. */
function sizesOf(wanted: string | undefined): readonly number[] {
  if (wanted === undefined) return fabricSizes;
  return wanted.split(',').map(text => {
    const known = fabricSizes.find(size => `${size}` === text);
    if (known === undefined)
      throw new UsageError(
        `a fabric of ${text} endpoints is not measured: choose ${fabricSizes.join(', ')}, with commas between them.`,
      );
    return known;
  });
}

const sizeLoad = ({ cycles, tlps }: BenchOptions) => ({ cycles, tlps });

function prepare(
  name: Exclude<WorkloadName, 'startup' | 'sizes' | 'drives'>,
  file: string,
  options: BenchOptions,
): Promise<Workload> | Workload {
  switch (name) {
    case 'synthetic':
      return syntheticWorkload(options.cycles, options.peers ?? false, say);
    case 'saturated':
      return saturatedWorkload(file, options.bytes, say);
    case 'sparse':
      return sparseWorkload(options.tlps, say);
  }
}

function rowsOf(figures: readonly Figure[]) {
  const base = median(figures[0]?.cps ?? []);
  return figures.map(({ name, cps }) => ({
    variant: name,
    cycles_per_second: Math.round(median(cps)),
    least: Math.round(Math.min(...cps)),
    most: Math.round(Math.max(...cps)),
    ratio: median(cps) / base,
  }));
}

function tableOf({ title }: Workload, figures: readonly Figure[]): string {
  const table = new Table({
    head: [title, 'cycles/s', 'min', 'max', 'ratio'],
    colAligns: ['left', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const r of rowsOf(figures))
    table.push([r.variant, ...[r.cycles_per_second, r.least, r.most].map(n => n.toLocaleString('en-US')), r.ratio.toFixed(2)]);
  return table.toString();
}

function report(
  results: readonly { workload: Workload; figures: readonly Figure[] }[],
  startup: readonly Startup[],
  { bytes, cycles, tlps, rounds }: BenchOptions,
) {
  return {
    schema: 'p2p-bench',
    version: 2,
    cpu: cpus()[0]?.model ?? '',
    bytes,
    cycles,
    tlps,
    rounds,
    workloads: results.map(({ workload, figures }) => ({
      title: workload.title,
      note: workload.note,
      variants: rowsOf(figures),
    })),
    startup,
  };
}
