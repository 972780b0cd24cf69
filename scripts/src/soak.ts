import { readFileSync } from 'node:fs';
import Table from 'cli-table3';
import pc from 'picocolors';
import { engineByName } from './engines.ts';
import { UsageError } from './errors.ts';
import { writeWhole } from './files.ts';
import { randomBatch } from './soak/generate.ts';
import { type Batch, batchText, parseBatch } from './soak/operation.ts';
import { type Failure, Player } from './soak/player.ts';
import { shrink } from './soak/shrink.ts';

export interface SoakOptions {
  readonly tlps: number;
  readonly seed: number;
  readonly width: number;
  readonly engine: string;
  /** Operations of a batch: from one reset to the next. */
  readonly operations: number;
  /** A file with a batch that is played instead. */
  readonly replay?: string;
  /** Where a failing batch goes. */
  readonly out: string;
  /** Seconds that a failing batch is made smaller. */
  readonly shrink: number;
}

/**
 * `npm run soak`: random traffic, good and bad, on an endpoint and its firmware, which a reference model watches. The same options give the same
 * traffic. @returns the exit code: 0, or 1 for a mismatch or a hang.
 * @throws UsageError for a width or an engine that there is not, or a file that cannot be played.
 */
export async function soak(options: SoakOptions): Promise<number> {
  if (![64, 128, 256, 512].includes(options.width)) throw new UsageError(`--width is 64, 128, 256 or 512, not ${options.width}.`);
  const batch = options.replay === undefined ? undefined : replayed(options.replay);
  const engine = await engineByName(options.engine).load();
  using player = new Player(batch?.width ?? options.width, engine);
  if (batch) {
    const failure = player.play(batch);
    say(failure ? `${pc.red('fails')}: ${told(failure)}` : 'nothing is wrong with it');
    return failure ? 1 : 0;
  }
  return await run(player, options);
}

async function run(player: Player, options: SoakOptions): Promise<number> {
  const { tlps, seed, width, operations } = options;
  say(`random traffic of seed ${seed}, ${width} bits, ${options.engine}`);
  const start = performance.now();
  const startCycle = player.bench.cycle;
  const startCpu = process.cpuUsage();
  const sent = () => [...player.counts.values()].reduce((sum, count) => sum + count, 0);
  let next = start + 10_000;
  let failed: { readonly batch: Batch; readonly failure: Failure } | undefined;
  let batches = 0;
  for (; sent() < tlps && !failed; batches++) {
    const batch = randomBatch(seed + batches, width, operations);
    const failure = player.play(batch);
    if (failure) failed = { batch, failure };
    if (performance.now() < next) continue;
    next += 10_000;
    const rate = sent() / ((performance.now() - start) / 1000);
    process.stderr.write(`${sent()} of ${tlps} TLPs, ${rate.toFixed(0)} per second\n`);
  }
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(startCpu);
  say(countTable(player.counts));
  const total = sent();
  const cycles = player.bench.cycle - startCycle;
  const rate = `${(total / seconds).toFixed(0)} per second (${((total / (user + system)) * 1e6).toFixed(0)} per second of CPU time)`;
  say(`${total} TLPs in ${batches} batches, ${cycles} cycles, ${seconds.toFixed(1)} s: ${rate}`);
  say(`${failed && !failed.failure.hang ? 1 : 0} mismatches, ${failed?.failure.hang ? 1 : 0} hangs`);
  if (!failed) return 0;

  say(`${pc.red('seed')} ${seed + batches - 1}: ${told(failed.failure)}`);
  const small = await shrink(player, failed.batch, options.shrink, size => process.stderr.write(`${size} operations\n`));
  const { batch, failure } = small ?? failed;
  writeWhole(options.out, batchText(batch));
  say(`made small, ${batch.operations.length} operations: ${told(failure)}`);
  for (const operation of batch.operations.slice(0, 20)) say(`  ${JSON.stringify(operation)}`);
  say(`kept in ${options.out}: npm run soak -- --replay ${options.out}`);
  return 1;
}

const say = (text: string) => process.stdout.write(`${text}\n`);
const told = ({ index, cycle, message }: Failure) => `operation ${index}, cycle ${cycle}: ${message}`;

function replayed(path: string): Batch {
  try {
    return parseBatch(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`${path} cannot be played: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

function countTable(counts: ReadonlyMap<string, number>): string {
  const table = new Table({
    head: ['TLPs', 'sent'],
    style: { head: process.stdout.isTTY ? ['bold'] : [], border: [], compact: true },
    colAligns: ['left', 'right'],
  });
  for (const [kind, count] of [...counts].sort(([, a], [, b]) => b - a)) table.push([kind, count]);
  return table.toString();
}
