import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Engine } from '@hdl/ts-hdl';
import pc from 'picocolors';
import { engineByName } from './engines.ts';
import { UsageError } from './errors.ts';
import { endpointFaults } from './faults/endpoint.ts';
import { limits } from './faults/limits.ts';
import { faultsPage } from './faults/page.ts';
import { type CampaignOutcome, type CampaignReport, injected, joined } from './faults/report.ts';
import { endpointSigns, switchSigns } from './faults/signs.ts';
import { switchFaults } from './faults/switch.ts';
import { writeWhole } from './files.ts';

export interface FaultsOptions {
  /** Faults of the endpoint, and of the switch. */
  readonly endpoint: number;
  readonly switch: number;
  readonly seed: number;
  readonly width: number;
  readonly engine: string;
  /** `endpoint` or `switch`: that alone. */
  readonly only?: string;
  /** Where a batch of the endpoint that fails is kept. */
  readonly out: string;
  /** Seconds that it is made smaller. */
  readonly shrink: number;
  /** The page; docs/faults.md by default. */
  readonly page?: string;
  /** Where the counts go as data. */
  readonly json?: string;
  /** Files with such data, commas between them: the page is made of them, and nothing is run. */
  readonly measured?: string;
}

/** The page with what became of the faults. */
export const faultsPath: string = fileURLToPath(new URL('../../docs/faults.md', import.meta.url));

type Told = Pick<CampaignReport, 'title' | 'about' | 'signs' | 'isolation'>;
interface Campaign extends Told {
  readonly name: 'endpoint' | 'switch';
  readonly play: (options: FaultsOptions, engine: Engine, tell: (faults: number) => void) => Promise<CampaignOutcome>;
}

const campaigns: readonly Campaign[] = [
  {
    name: 'endpoint',
    title: 'The endpoint',
    about: [
      'An `Endpoint` of three functions with its link, its DMA and its firmware, as `npm run soak` has it (docs/testing.md): the reference model there, written from the',
      'specification, says of every TLP what has to come of it. Faults come from the host at the other end of the link.',
    ],
    signs: endpointSigns,
    isolation: false,
    play: ({ endpoint, seed, width, shrink }, engine, tell) =>
      endpointFaults({ faults: endpoint, seed, width, shrink, engine, tell }),
  },
  {
    name: 'switch',
    title: 'The switch',
    about: [
      'A `Switch` with four downstream ports; behind the first one is a device that sends what it likes, as hostile firmware with hardware of its own could: our endpoints let no',
      'firmware choose requester IDs or tags. The host and the three other devices have traffic among each other and with it. In two of three batches access control isolates the device: of',
      'what it sends nothing may come out at another downstream port but completions with relaxed ordering, which PCI Express does not redirect. A model written from the',
      'specification (`scripts/src/faults/switch-reference.ts`) says where each TLP has to come out, what it is answered with and which error the port logs; every field and byte is compared.',
    ],
    signs: switchSigns,
    isolation: true,
    play: async ({ switch: faults, seed, width }, engine, tell) => switchFaults({ faults, seed, width, engine, tell }),
  },
];

/**
 * `npm run faults`: brings faults into the hardware, counts by class what tells of them, and writes docs/faults.md if all campaigns ran. The same options give the
 * same faults. @returns the exit code: 0, or 1 if something was wrong, hung or went unnoticed. @throws UsageError for a width, an engine or a campaign that there is not.
 */
export async function faults(options: FaultsOptions): Promise<number> {
  if (![64, 128, 256, 512].includes(options.width)) throw new UsageError(`--width is 64, 128, 256 or 512, not ${options.width}.`);
  if (options.measured !== undefined) {
    writeWhole(options.page ?? faultsPath, faultsPage(joined(measured(options.measured)), limits));
    return 0;
  }
  const chosen = campaigns.filter(({ name }) => options.only === undefined || options.only === name);
  if (chosen.length === 0) throw new UsageError(`there is no campaign '${options.only}': choose endpoint or switch.`);
  const engine = await engineByName(options.engine).load();
  const reports: CampaignReport[] = [];
  for (const campaign of chosen) {
    const report = await run(campaign, options, engine);
    if (!report) return 1;
    reports.push(report);
  }
  if (options.json !== undefined) writeWhole(options.json, `${JSON.stringify(reports, undefined, 1)}\n`);
  const page = options.page ?? (options.only === undefined ? faultsPath : undefined);
  if (page !== undefined) writeWhole(page, faultsPage(reports, limits));
  return 0;
}

async function run(campaign: Campaign, options: FaultsOptions, engine: Engine): Promise<CampaignReport | undefined> {
  const { name, play, ...told } = campaign;
  const { seed, width } = options;
  const wanted = options[name];
  say(`faults of the ${name}, seed ${seed}, ${width} bits, ${options.engine}`);
  const cpu = process.cpuUsage();
  let next = performance.now() + 10_000;
  const outcome = await play(options, engine, count => {
    if (performance.now() < next) return;
    next += 10_000;
    process.stderr.write(`${count} of ${wanted} faults\n`);
  });
  const { rows, batches, tlps, cycles, failure } = outcome;
  const plain = `--seed ${seed} --width ${width} --engine ${options.engine}`;
  if (failure) {
    say(`${pc.red('seed')} ${failure.seed}: ${failure.message}${failure.hang ? ' (a hang)' : ''}`);
    if (failure.batch !== undefined) {
      writeWhole(options.out, failure.batch);
      say(`kept in ${options.out}: npm run soak -- --replay ${options.out}`);
    } else say(`again: npm run faults -- --only ${name} --${name} 1 --seed ${failure.seed} --width ${width}`);
    return undefined;
  }
  const { user, system } = process.cpuUsage(cpu);
  const seconds = ((user + system) / 1e6).toFixed(0);
  const many = (value: number) => value.toLocaleString('en');
  const figures = `seeds ${seed} to ${seed + batches - 1}, ${many(tlps)} TLPs in ${many(cycles)} cycles and ${seconds} s of CPU time`;
  say(`${many(injected(rows))} faults, none of them unnoticed: ${figures}`);
  return { ...told, rows, runs: [{ figures, command: `npm run faults -- --only ${name} --${name} ${wanted} ${plain}` }] };
}

/** Reports that were kept. @throws UsageError for a file that has none. */
function measured(paths: string): readonly CampaignReport[] {
  return paths.split(',').flatMap(path => {
    try {
      const reports: unknown = JSON.parse(readFileSync(path, 'utf8'));
      if (Array.isArray(reports) && reports.every(isReport)) return reports;
    } catch (error) {
      throw new UsageError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
    }
    throw new UsageError(`${path} has no counts: name a file that npm run faults -- --json FILE has written.`);
  });
}

const isReport = (value: unknown): value is CampaignReport =>
  typeof value === 'object' && value !== null && ['title', 'about', 'rows', 'signs', 'runs'].every(key => key in value);

const say = (text: string) => process.stdout.write(`${text}\n`);
