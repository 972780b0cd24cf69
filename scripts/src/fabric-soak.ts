import { type Engine, embedded } from '@hdl/ts-hdl';
import pc from 'picocolors';
import { engineByName } from './engines.ts';
import { UsageError } from './errors.ts';
import { FabricBench, SoakFailure, type Totals } from './fabric-soak/bench.ts';
import { type Epoch, play } from './fabric-soak/epoch.ts';
import type { FabricSoakParams } from './fabric-soak/harness.ts';
import { fabricNames, soakedTopology } from './fabric-soak/plan.ts';

export interface FabricSoakOptions {
  readonly tlps: number;
  /** Of the first epoch; the next ones count on. */
  readonly seed: number;
  /** TLPs of an epoch: from one reset to the next. */
  readonly epoch: number;
  /** `full` or `small`. */
  readonly fabric: string;
  readonly width: number;
  readonly payload: number;
  /** `least`, `usual`, or `both`: every eighth epoch has the least. */
  readonly credits: string;
  readonly engine: string;
  /** Where the waveform of a failure goes. */
  readonly waves: string;
}

/** Cycles before a failure that the waveform shows. */
const before = 1500;
/** After so many cycles an epoch ends, also if it has fewer TLPs than it should: where all of them have to go through one link. */
const cycles = 60_000;
/** With both, epochs whose seed is a multiple of it have the least credits. */
const leastEvery = 8;
/** Milliseconds from one line of progress to the next. */
const pace = 20_000;

type Credits = FabricSoakParams['credits'];

/** The fabrics of a run, one for each kind of credits. */
class Fabrics implements Disposable {
  private readonly kinds: readonly Credits[];
  private readonly benches: ReadonlyMap<Credits, FabricBench>;

  constructor(params: Omit<FabricSoakParams, 'credits'>, kinds: readonly Credits[], engine: Engine) {
    this.kinds = kinds;
    this.benches = new Map(kinds.map(credits => [credits, new FabricBench({ ...params, credits }, engine)]));
  }

  /** Where the epoch of this seed is played. */
  of(seed: number): FabricBench {
    const [first = 'usual', other = first] = this.kinds;
    const bench = this.benches.get(seed % leastEvery === 0 ? other : first);
    if (!bench) throw new RangeError('a run has at least one kind of credits');
    return bench;
  }
  get cycles(): number {
    return [...this.benches.values()].reduce((sum, bench) => sum + bench.cycles, 0);
  }

  [Symbol.dispose](): void {
    for (const bench of this.benches.values()) bench[Symbol.dispose]();
  }
}

/**
 * `p2p soak-fabric`: random traffic of all agents of a two-level fabric to all others, generated and checked in hardware. The same options give the same traffic.
 * A run that begins with the seed that another one told last has other traffic, so that the TLPs of both add up.
 * @returns the exit code: 0, or 1 if something was found wrong. @throws UsageError for options that do not go.
 */
export async function soakFabric(options: FabricSoakOptions): Promise<number> {
  const params = paramsOf(options);
  const { tlps, seed } = options;
  using fabrics = new Fabrics(params, kindsOf(options), await engineByName(options.engine).load());
  say(`${params.topology.endpoints.length + 1} agents, ${params.topology.switches.length} switches, ${describe(options)}`);
  const start = performance.now();
  const cpu = process.cpuUsage();
  const sums = { posted: 0, requests: 0, completions: 0, all: 0 };
  const least = { posted: 0, requests: 0, completions: 0, all: 0 };
  const speed = () => `${((performance.now() - start) / 1000).toFixed(0)} s: ${rateOf(sums.all, fabrics.cycles, cpu)}`;
  let [next, current] = [start + pace, seed];
  for (; sums.all < tlps; current++) {
    const epoch: Epoch = { seed: current, tlps: Math.min(options.epoch, tlps - sums.all), cycles };
    const bench = fabrics.of(current);
    try {
      const totals = play(bench, epoch);
      for (const sum of bench.params.credits === 'least' ? [sums, least] : [sums]) add(sum, totals);
    } catch (error) {
      if (!(error instanceof SoakFailure)) throw error;
      say(
        `${pc.red('wrong')}, after ${sums.all} TLPs, in the epoch of seed ${current}, cycle ${error.cycle}:\n  ${error.message}`,
      );
      say(`again: p2p soak-fabric --seed ${current} --tlps ${epoch.tlps} --epoch ${epoch.tlps} ${flags(options, bench)}`);
      recordAgain(bench.params, epoch, error.cycle, options.waves);
      return 1;
    }
    if (performance.now() < next) continue;
    next = performance.now() + pace;
    process.stderr.write(
      `${sums.all} of ${tlps} TLPs, ${least.all} with the least credits, next seed ${current + 1}, ${speed()}\n`,
    );
  }
  say(`${sums.posted} posted TLPs, ${sums.requests} requests, ${sums.completions} completions in ${current - seed} epochs`);
  say(
    `${sums.all} TLPs, ${least.all} of them with the least credits, next seed ${current}, ${fabrics.cycles} cycles, ${speed()}`,
  );
  say('none lost, doubled, altered, astray or out of order; all credits came back');
  return 0;
}

const say = (text: string) => process.stdout.write(`${text}\n`);

function add(sums: { -readonly [K in keyof Totals]: Totals[K] }, more: Totals): void {
  for (const name of ['posted', 'requests', 'completions', 'all'] as const) sums[name] += more[name];
}

function rateOf(tlps: number, cycles: number, since: NodeJS.CpuUsage): string {
  const { user, system } = process.cpuUsage(since);
  const seconds = (user + system) / 1e6;
  return `${(tlps / seconds).toFixed(0)} TLPs and ${(cycles / seconds).toFixed(0)} cycles per second of CPU time`;
}

const describe = ({ width, payload, credits, engine, seed }: FabricSoakOptions) =>
  `${width} bits, payload up to ${payload} bytes, ${credits} credits, ${engine}, from seed ${seed}`;
const flags = ({ fabric, width, payload }: FabricSoakOptions, { params }: FabricBench) =>
  `--fabric ${fabric} --width ${width} --payload ${payload} --credits ${params.credits}`;

/** @throws UsageError */
function paramsOf({ fabric, width, payload }: FabricSoakOptions): Omit<FabricSoakParams, 'credits'> {
  const name = fabricNames.find(known => known === fabric);
  if (!name) throw new UsageError(`--fabric is ${fabricNames.join(' or ')}, not ${fabric}.`);
  if (![64, 128, 256, 512].includes(width)) throw new UsageError(`--width is 64, 128, 256 or 512, not ${width}.`);
  if (![128, 256, 512].includes(payload)) throw new UsageError(`--payload is 128, 256 or 512, not ${payload}.`);
  return { topology: soakedTopology(name), width, max_payload: payload };
}

/** The kinds of credits; a second one is for every eighth epoch. @throws UsageError */
function kindsOf({ credits }: FabricSoakOptions): readonly Credits[] {
  if (credits === 'both') return ['usual', 'least'];
  if (credits !== 'least' && credits !== 'usual') throw new UsageError(`--credits is least, usual or both, not ${credits}.`);
  return [credits];
}

/** Plays an epoch once more, in-process, and records what happens around its failure. */
function recordAgain(params: FabricSoakParams, epoch: Epoch, cycle: number, path: string): void {
  using bench = new FabricBench(params, embedded);
  bench.record(Math.max(0, cycle - before), path);
  try {
    play(bench, epoch);
    say('the embedded engine does not find it: there is no waveform');
  } catch (error) {
    if (!(error instanceof SoakFailure)) throw error;
    say(`the waveform of the ${Math.min(cycle, before)} cycles before it is in ${path}`);
  }
}
