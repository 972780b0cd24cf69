import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { $, glob } from 'zx';
import { Bins } from './coverage/bins/bins.ts';
import { campaigns } from './coverage/campaigns.ts';
import { Collector } from './coverage/collector.ts';
import { parseRecord, recordText } from './coverage/data.ts';
import { writeHtml } from './coverage/html.ts';
import { coveragePage, type Effort, totals } from './coverage/page.ts';
import { pointsOf } from './coverage/points.ts';
import { UsageError } from './errors.ts';
import { writeWhole } from './files.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface CoverageOptions {
  /** Test files, or parts of their names, with commas between them: these alone, and no campaigns. */
  readonly only?: string;
  /** Folder for the source with its lines coloured. */
  readonly html?: string;
  /** Folder in which what was counted is kept. */
  readonly keep?: string;
  /** Folder that was kept: nothing is run. */
  readonly measured?: string;
}

/**
 * Tests that reach what the campaigns do not, in the order of how much. Left out are those that in a run of all added nothing to these, or a few bits in minutes: other
 * whole fabrics with their software (firmware/test; engines.test.ts is minutes of Verilator's compiler), throughput and handshakes of the same blocks, and tests of software on doubles.
 */
const inRtl = `
  endpoint-engines switch-device-multicast endpoint-ecrc link-model. dma-channel host-bridge requester-table receive-throughput switch-device. link-monitor dma-atomic
  msix-table link-end receive-random switch-device-containment config- switch-device-traffic link-model-errors link-model-states dma-read dma-write dma-local
  endpoint-functions endpoint-reset endpoint-registers endpoint-completions virtual-output-queues link-receiver link-counters doorbells receive-memory receive-errors
  switch-device-links switch-registers link-model-peers receive-functions dma-single ecrc. dma-jobs media-ports multicaster
  broadcaster request-answerer job-counter dma-engine link-transmitter link-port copy-wait crossbar.`;
const tests = [
  ...inRtl
    .trim()
    .split(/\s+/)
    .map(name => `rtl/test/${name}`),
  ...['fabric.', 'fabric-host-bridge', 'copy'].map(name => `firmware/test/${name}`),
];
/** Tests on other engines count nothing. */
const here = '^(?!.*\\((verilator|native)\\))';

/**
 * `npm run coverage`: runs the tests of the RTL and some of the campaigns, tells what they exercise of it, and writes docs/coverage.md if all of them ran.
 * @returns the exit code: 0 if the tests passed. @throws UsageError if none of them simulates RTL, and Error if a campaign finds something wrong.
 */
export async function coverage(options: CoverageOptions): Promise<number> {
  const { only, keep, measured } = options;
  const folder = measured ?? keep ?? mkdtempSync(join(tmpdir(), 'coverage-'));
  try {
    const exitCode = measured === undefined ? await run(resolve(folder), only?.split(',')) : 0;
    return exitCode === 0 ? await report(resolve(folder), options) : exitCode;
  } finally {
    if (folder !== keep && folder !== measured) rmSync(folder, { recursive: true, force: true });
  }
}

/** Has tests and campaigns leave their counts in a folder. @returns the exit code. */
async function run(folder: string, only: readonly string[] | undefined): Promise<number> {
  mkdirSync(folder, { recursive: true });
  if (!only) await runCampaigns(folder);
  const shell = $({ cwd: root, stdio: 'inherit', nothrow: true, env: { ...process.env, P2P_COVERAGE: folder } });
  const { exitCode } = await shell`npx vitest run ${only ?? tests} -t ${here} --maxWorkers=1`;
  return exitCode ?? 1;
}

async function runCampaigns(folder: string): Promise<void> {
  for (const { name, play } of campaigns) {
    process.stdout.write(`${name}\n`);
    const collector = new Collector();
    const bins = new Bins();
    const before = process.cpuUsage();
    await play(collector.engine, bins);
    const sum = collector.sum();
    const { user, system } = process.cpuUsage(before);
    const record = { coverage: sum, simulations: collector.simulations, seconds: (user + system) / 1e6, bins: bins.toJSON() };
    writeFileSync(join(folder, `${name}.json`), recordText(record));
  }
}

async function report(folder: string, { only, html, measured }: CoverageOptions): Promise<number> {
  const records = await glob('*.json', { cwd: folder, absolute: true });
  if (records.length === 0)
    throw new UsageError(`no simulation ran in ${only ?? measured ?? 'these tests'}: name tests of the RTL.`);
  const collector = new Collector();
  const bins = new Bins();
  const effort: Effort = { simulations: 0, seconds: 0 };
  for (const record of records.sort()) {
    const { coverage: counted, simulations, seconds, bins: hits = {} } = parseRecord(readFileSync(record, 'utf8'));
    collector.add(counted);
    bins.add(hits);
    effort.simulations += simulations;
    effort.seconds += seconds;
  }
  const files = pointsOf(collector.sum(), root);
  for (const { name, all, due } of totals(files)) {
    process.stdout.write(`${name}: ${all.covered} of ${all.total}; without what is explained ${due.covered} of ${due.total}\n`);
  }
  if (html !== undefined) writeHtml(files, root, resolve(html));
  if (only === undefined) writeWhole(join(root, 'docs/coverage.md'), coveragePage(files, bins, effort));
  return 0;
}
