import { fileURLToPath } from 'node:url';
import type { Engine } from '@hdl/ts-hdl';
import pc from 'picocolors';
import { engineByName } from './engines.ts';
import { UsageError } from './errors.ts';
import { endpointFaults } from './faults/endpoint.ts';
import { endpointFlips } from './faults/endpoint-flips.ts';
import { endpointUnprotected } from './faults/endpoint-unprotected.ts';
import { limits } from './faults/limits.ts';
import { faultsPage } from './faults/page.ts';
import { type CampaignOutcome, type CampaignReport, injected } from './faults/report.ts';
import { endpointSigns, flipSigns, switchSigns } from './faults/signs.ts';
import { switchFaults } from './faults/switch.ts';
import { switchFlips } from './faults/switch-flips.ts';
import { switchUnprotected } from './faults/switch-unprotected.ts';
import { writeWhole } from './files.ts';

export interface FaultsOptions {
  /** Faults of the endpoint, and of the switch. */
  readonly endpoint: number;
  readonly switch: number;
  /** Bits that flip in memories of the switch, and of the endpoint; and those that nothing protects, of each kind. */
  readonly flips: number;
  readonly buffers: number;
  readonly unprotected: number;
  readonly seed: number;
  readonly width: number;
  readonly engine: string;
  /** `endpoint`, `switch`, `flips`, `buffers` or `unprotected`: that alone. */
  readonly only?: string;
  /** Where a batch of the endpoint that fails is kept. */
  readonly out: string;
  /** Seconds that it is made smaller. */
  readonly shrink: number;
  /** The page; docs/faults.md by default. */
  readonly page?: string;
}

/** The page with what became of the faults. */
export const faultsPath: string = fileURLToPath(new URL('../../docs/faults.md', import.meta.url));

type Told = Pick<CampaignReport, 'title' | 'about' | 'signs' | 'isolation'>;
interface Campaign extends Told {
  readonly name: 'endpoint' | 'switch' | 'flips' | 'buffers';
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
  {
    name: 'flips',
    title: 'Bits that flip in memories of the switch',
    about: [
      'The same switch with good traffic from all links to all others, all of it with digests (TD = 1); links are slow to take, so that much waits. In the middle of it one random bit flips in a random word that',
      'holds a beat of a TLP on its way: in the block RAM of the queues of an ingress, in the FIFO of an egress, in the memory of the broadcaster. Wires behind the switch carry each header once.',
      'The TLP has to come in its place, as it was sent or with this one bit altered; then the digest is computed anew, without the RTL, and has to be wrong, or what else a receiver looks at. All other TLPs',
      'have to be right to the last bit, no port may log an error, and traffic goes on. After a flip in format, type or length the batch ends soon: who takes such a TLP frees other credits than were used, and it takes a reset of the link to put that right.',
      'No bits of *Beyond the hardware* are among these.',
    ],
    signs: flipSigns,
    isolation: false,
    play: async ({ flips: faults, seed, width }, engine, tell) => switchFlips({ faults, seed, width, engine, tell }),
  },
  {
    name: 'buffers',
    title: 'Bits that flip in receive buffers of the endpoint',
    about: [
      'The same endpoint, function 0 of which checks digests. The host sends writes, reads, AtomicOps and configuration requests with digests while nothing leaves the endpoint, until requests wait at',
      'the host: then one random bit flips in a random word of the receive buffers of the link end, mostly of one that waits. The reference hears of the request as it was sent, or with this bit altered if the',
      'endpoint told of an error; everything has to be as it says then: status bits, header logs, messages, completions, and at the end the memory. Posted TLPs never wait there (the consumption guarantee), nor do completions.',
    ],
    signs: flipSigns,
    isolation: false,
    play: async ({ buffers: faults, seed, width }, engine, tell) => endpointFlips({ faults, seed, width, engine, tell }),
  },
];

/**
 * `npm run faults`: brings faults into the hardware, counts by class what tells of them, and writes docs/faults.md if all campaigns ran. The same options give the
 * same faults. @returns the exit code: 0, or 1 if something was wrong, hung or went unnoticed. @throws UsageError for a width, an engine or a campaign that there is not.
 */
export async function faults(options: FaultsOptions): Promise<number> {
  if (![64, 128, 256, 512].includes(options.width)) throw new UsageError(`--width is 64, 128, 256 or 512, not ${options.width}.`);
  const chosen = campaigns.filter(({ name }) => options.only === undefined || options.only === name);
  const rest = options.only === undefined || options.only === 'unprotected';
  if (chosen.length === 0 && !rest)
    throw new UsageError(`there is no campaign '${options.only}': choose endpoint, switch, flips, buffers or unprotected.`);
  const engine = await engineByName(options.engine).load();
  const reports: CampaignReport[] = [];
  for (const campaign of chosen) {
    const report = await run(campaign, options, engine);
    if (!report) return 1;
    reports.push(report);
  }
  const { unprotected: flips, seed, width } = options;
  if (rest) say(`bits that nothing protects, seed ${seed}, ${width} bits, ${options.engine}`);
  const counted = { flips, seed, width, engine };
  const unprotected = rest ? [...switchUnprotected(counted), ...endpointUnprotected(counted)] : [];
  for (const row of unprotected)
    say(`${row.name}: ${row.nothing} of ${flips} without effect, ${row.told} told, ${row.untold} untold, ${row.hangs} hangs`);
  const page = options.page ?? (options.only === undefined ? faultsPath : undefined);
  if (page !== undefined) writeWhole(page, faultsPage(commandOf(options), reports, unprotected, limits));
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
  return { ...told, rows, figures: sentence(figures), command: `npm run faults -- --only ${name} --${name} ${wanted} ${plain}` };
}

/** The command that makes the page. */
const commandOf = ({ endpoint, switch: switches, flips, buffers, unprotected, seed, width, engine }: FaultsOptions): string =>
  `npm run faults -- --endpoint ${endpoint} --switch ${switches} --flips ${flips} --buffers ${buffers} --unprotected ${unprotected} --seed ${seed} --width ${width} --engine ${engine}`;

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const say = (text: string) => process.stdout.write(`${text}\n`);
