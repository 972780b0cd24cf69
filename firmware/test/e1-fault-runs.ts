/**
 * Random faults while a remote host writes and reads drives by way of a card's memory, as many as wanted: `npx tsx firmware/test/e1-fault-runs.ts --runs 10000 --seed 1`.
 * What is checked stands at `FaultRuns`; the tests do some of each kind (`e1-faults.test.ts`).
 */
import { parseArgs } from 'node:util';
import { embedded } from '@hdl/ts-hdl';
import { verilator } from '@hdl/verilator-wrapper';
import { type FaultKind, FaultRuns, faultKinds } from './e1-faults.ts';

/** Runs on one fabric; a new one then, so that a run that fails can be repeated in short time. */
const perFabric = 500;
/** How much longer the same commands may take after all these faults: the phase of links and polls, and nothing that has leaked. */
const slack = 1.05;

interface Tally {
  runs: number;
  struck: number;
  commands: number;
  failed: number;
  reconnected: number;
}

async function batch(
  engine: Parameters<typeof FaultRuns.start>[0],
  first: number,
  runs: number,
  tallies: ReadonlyMap<FaultKind, Tally>,
): Promise<number> {
  using faults = await FaultRuns.start(engine);
  const before = await faults.reference();
  const free = faults.freeMemory;
  for (let i = 0; i < runs; i++) {
    try {
      const run = await faults.run(first + i);
      const tally = tallies.get(run.kind);
      if (!tally) continue;
      tally.runs++;
      tally.struck += Number(run.struck);
      tally.commands += run.commands;
      tally.failed += run.failed;
      tally.reconnected += Number(run.reconnected);
    } catch (error) {
      throw new Error(`run with seed ${first + i}: repeat it with --seed ${first} --runs ${i + 1}`, { cause: error });
    }
  }
  const after = await faults.reference();
  if (after > before * slack)
    throw new Error(`after runs ${first} to ${first + runs - 1} commands take ${after} cycles, not ${before}`);
  if (faults.freeMemory !== free)
    throw new Error(
      `after runs ${first} to ${first + runs - 1} drivers keep memory: ${faults.freeMemory} bytes are free, not ${free}`,
    );
  return faults.cycles;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      engine: { type: 'string', default: 'embedded' },
    },
  });
  const [runs, seed] = [Number(values.runs), Number(values.seed)];
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs is a whole number from 1, not ${values.runs}`);
  if (!Number.isInteger(seed)) throw new Error(`--seed is a whole number, not ${values.seed}`);
  if (values.engine !== 'verilator' && values.engine !== 'embedded')
    throw new Error(`--engine is verilator or embedded, not ${values.engine}`);
  const engine = values.engine === 'verilator' ? verilator : embedded;
  const tallies = new Map<FaultKind, Tally>(
    faultKinds.map(kind => [kind, { runs: 0, struck: 0, commands: 0, failed: 0, reconnected: 0 }]),
  );
  let cycles = 0;
  for (let done = 0; done < runs; done += perFabric) {
    cycles += await batch(engine, seed + done, Math.min(perFabric, runs - done), tallies);
    process.stderr.write(`${Math.min(runs, done + perFabric)} of ${runs} runs\n`);
  }
  process.stdout.write('fault | runs | struck | commands | ended with an error | connections made again\n');
  for (const [kind, { runs: count, struck, commands, failed, reconnected }] of tallies)
    process.stdout.write(`${kind} | ${count} | ${struck} | ${commands} | ${failed} | ${reconnected}\n`);
  const cpu = process.cpuUsage();
  process.stdout.write(
    `${runs} runs, seed ${seed}, ${values.engine}: ${cycles} cycles, ${((cpu.user + cpu.system) / 1e6).toFixed(0)} s of CPU time; no hang, no wrong byte, nothing leaked\n`,
  );
}

main().catch((error: unknown) => {
  const text = (of: unknown): string =>
    of instanceof Error ? `${of.message}${of.cause ? `\n  ${text(of.cause)}` : ''}` : String(of);
  process.stderr.write(`${text(error)}\n`);
  process.exitCode = 1;
});
