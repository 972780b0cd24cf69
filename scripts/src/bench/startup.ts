import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import type { StepTimes } from './startup-steps.ts';

/** What is measured, by its title. */
const subjects = [
  { name: 'fabric', title: 'first cycle of the default fabric on `embedded`' },
  { name: 'switch', title: 'Verilog of a switch with 32 ports' },
] as const;

/** How V8 runs: as Node starts it, and as the commands of this project do. */
const settings = [
  { name: 'node', title: 'node' },
  { name: 'late', title: 'as here' },
] as const;

/** The step that the aim for a switch leaves out. */
const checking = 'checked';

/** One step, or several together. */
export interface StartupRow {
  readonly step: string;
  /** `node` or `as here`: see `optimiseLate`. */
  readonly setting: string;
  /** Median of the rounds, in seconds: of all threads, and of the clock. */
  readonly cpu: number;
  readonly wall: number;
  /** Least and most CPU seconds. */
  readonly least: number;
  readonly most: number;
}

/** What it takes from a loaded program to the first result. */
export interface Startup {
  readonly title: string;
  readonly rows: readonly StartupRow[];
}

/** Measures all subjects, each in `rounds` fresh processes, settings in turn. */
export function measureStartup(rounds: number): Startup[] {
  return subjects.map(({ name, title }) => {
    const runs = settings.map(() => [] as StepTimes[]);
    for (let round = 0; round < rounds; round++)
      settings.forEach((setting, i) => {
        runs[i]?.push(run(name, setting.name));
      });
    return { title, rows: settings.flatMap((setting, i) => rowsOf(setting.title, runs[i] ?? [])) };
  });
}

function run(subject: string, setting: string): StepTimes {
  const script = fileURLToPath(new URL('./startup-steps.ts', import.meta.url));
  const loader = import.meta.resolve('tsx');
  const printed = execFileSync(process.execPath, ['--import', loader, script, subject, setting], { encoding: 'utf8' });
  return JSON.parse(printed) as StepTimes;
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

function rowsOf(setting: string, runs: readonly StepTimes[]): StartupRow[] {
  const steps = Object.keys(runs[0] ?? {});
  const row = (step: string, parts: readonly string[]): StartupRow => {
    const sum = (times: StepTimes, what: 'cpu' | 'wall') => parts.reduce((total, part) => total + (times[part]?.[what] ?? 0), 0);
    const cpu = runs.map(times => sum(times, 'cpu'));
    const wall = median(runs.map(times => sum(times, 'wall')));
    return { step, setting, cpu: median(cpu), wall, least: Math.min(...cpu), most: Math.max(...cpu) };
  };
  const counted = steps.filter(step => step !== checking);
  const all = counted.length < steps.length ? `all but '${checking}'` : 'together';
  return [...steps.map(step => row(step, [step])), row(all, counted)];
}

/** The figures as a table. */
export function startupTable({ title, rows }: Startup): string {
  const table = new Table({
    head: [title, 'V8', 'CPU s', 'min', 'max', 'wall s'],
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const { step, setting, cpu, least, most, wall } of rows)
    table.push([step, setting, ...[cpu, least, most, wall].map(seconds => seconds.toFixed(2))]);
  return table.toString();
}
