import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CocotbError, type CocotbResult, runCocotb, type Simulator } from '@hdl/cocotb-bridge';
import Table from 'cli-table3';
import pc from 'picocolors';
import { rulesInFile } from './cocotb/rules.ts';
import { type Suite, suites } from './cocotb/suites.ts';
import { UsageError } from './errors.ts';

export interface CocotbCommand {
  /** Names of suites, commas between them. */
  readonly only?: string;
  readonly simulator: string;
  readonly seed: number;
  /** Failed cases run again for a waveform. */
  readonly waves?: boolean;
}

/** Where the Python tests are. */
const folder = fileURLToPath(new URL('../../rtl/cocotb/', import.meta.url));

/**
 * `npm run cocotb`: cocotbext-pcie's models judge the Verilog of our endpoint, switch and fabric. Prints a table of all cases.
 * @returns the exit code: 0 if every case passed. @throws UsageError for an unknown name, and if cocotb or the simulator cannot be had.
 */
export async function cocotb(command: CocotbCommand): Promise<number> {
  if (command.simulator !== 'verilator' && command.simulator !== 'icarus')
    throw new UsageError(`there is no simulator '${command.simulator}' here: choose from verilator, icarus.`);
  const judged: Judged[] = [];
  for (const suite of chosen(command.only)) {
    const began = performance.now();
    process.stdout.write(`${pc.bold(suite.name)}: ${suite.subject}\n`);
    const results = await run(suite, command, command.simulator);
    judged.push({ suite, results, seconds: (performance.now() - began) / 1000 });
    for (const result of results.filter(({ passed }) => !passed)) process.stdout.write(told(result));
  }
  process.stdout.write(`\n${casesTable(judged)}\n\n${suitesTable(judged)}\n`);
  const all = judged.flatMap(({ results }) => results);
  const failed = all.filter(({ passed }) => !passed).length;
  process.stdout.write(
    failed === 0 ? pc.green(`${all.length} cases passed, 0 failed\n`) : pc.red(`${failed} of ${all.length} cases failed\n`),
  );
  return failed === 0 ? 0 : 1;
}

interface Judged {
  readonly suite: Suite;
  readonly results: readonly CocotbResult[];
  readonly seconds: number;
}

function chosen(only: string | undefined): readonly Suite[] {
  if (only === undefined) return suites;
  return only.split(',').map(name => {
    const found = suites.find(suite => suite.name === name);
    if (!found) throw new UsageError(`there is no suite '${name}': choose from ${suites.map(s => s.name).join(', ')}.`);
    return found;
  });
}

async function run({ make, parameters, files }: Suite, { seed, waves = false }: CocotbCommand, simulator: Simulator) {
  try {
    return await runCocotb(make, {
      tests: files.map(file => `${folder}${file}`),
      simulator,
      seed,
      parameters,
      visible: 'ports',
      waves: waves ? 'failures' : 'never',
      onLine: line => {
        if (/ (passed|failed)$/.test(line) && line.includes('cocotb.regression'))
          process.stdout.write(line.endsWith('passed') ? '.' : 'x');
        if (line.includes('** TESTS=')) process.stdout.write('\n');
      },
    });
  } catch (error) {
    if (error instanceof CocotbError) throw new UsageError(error.message);
    throw error;
  }
}

function told({ name, module, message, location, log, waveform }: CocotbResult): string {
  const place = location ? ` (${relative(process.cwd(), location.file)}:${location.line})` : '';
  const more = [log && `  log: ${log}`, waveform && `  waveform: ${waveform}`].filter(line => line !== undefined);
  return `${pc.red('✗')} ${module}.${name}${place}\n  ${message.split('\n')[0]}\n${more.map(line => `${line}\n`).join('')}`;
}

const style = () => ({ head: process.stdout.isTTY ? ['bold'] : [], border: [], compact: true });

function casesTable(judged: readonly Judged[]): string {
  const table = new Table({
    head: ['', 'suite', 'case', 'rules', 'cycles', 's'],
    colAligns: ['right', 'left', 'left', 'left', 'right', 'right'],
    style: style(),
  });
  let number = 0;
  for (const { suite, results } of judged) {
    const rules = new Map(suite.files.flatMap(file => [...rulesInFile(`${folder}${file}`)]));
    for (const { name, passed, simulated, seconds } of results)
      table.push([
        ++number,
        suite.name,
        `${passed ? pc.green('✓') : pc.red('✗')} ${name.replaceAll('_', ' ')}`,
        rules.get(name)?.join(' ') ?? '',
        Math.round(simulated / nanosecondsPerCycle).toLocaleString('en-US'),
        seconds.toFixed(1),
      ]);
  }
  return table.toString();
}

/** As `start` of the ports' classes has it. */
const nanosecondsPerCycle = 4;

function suitesTable(judged: readonly Judged[]): string {
  const table = new Table({
    head: ['suite', 'cases', 'passed', 's with build'],
    colAligns: ['left', 'right', 'right', 'right'],
    style: style(),
  });
  for (const { suite, results, seconds } of judged)
    table.push([suite.name, results.length, results.filter(({ passed }) => passed).length, seconds.toFixed(0)]);
  return table.toString();
}
