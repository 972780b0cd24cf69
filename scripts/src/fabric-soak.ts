import { embedded } from '@hdl/ts-hdl';
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
  /** `least` or `usual`. */
  readonly credits: string;
  readonly engine: string;
  /** Where the waveform of a failure goes. */
  readonly waves: string;
}

/** Cycles before a failure that the waveform shows. */
const before = 1500;

/**
 * `p2p soak-fabric`: random traffic of all agents of a two-level fabric to all others, generated and checked in hardware. The same options give the same traffic.
 * @returns the exit code: 0, or 1 if something was found wrong. @throws UsageError for options that do not go.
 */
export async function soakFabric(options: FabricSoakOptions): Promise<number> {
  const params = paramsOf(options);
  const { tlps, seed } = options;
  using bench = new FabricBench(params, await engineByName(options.engine).load());
  say(`${bench.agents} agents, ${params.topology.switches.length} switches, ${describe(options)}`);
  const start = performance.now();
  const cpu = process.cpuUsage();
  const sums = { posted: 0, requests: 0, completions: 0, all: 0 };
  let [next, first] = [start + 10_000, seed];
  for (; sums.all < tlps; first++) {
    const epoch: Epoch = { seed: first, tlps: Math.min(options.epoch, tlps - sums.all) };
    try {
      add(sums, play(bench, epoch));
    } catch (error) {
      if (!(error instanceof SoakFailure)) throw error;
      say(`${pc.red('wrong')}, after ${sums.all} TLPs, in the epoch of seed ${first}, cycle ${error.cycle}:\n  ${error.message}`);
      say(`again: p2p soak-fabric --seed ${first} --tlps ${epoch.tlps} ${flags(options)}`);
      recordAgain(params, epoch, error.cycle, options.waves);
      return 1;
    }
    if (performance.now() < next) continue;
    next = performance.now() + 10_000;
    process.stderr.write(`${sums.all} of ${tlps} TLPs, ${rateOf(sums.all, bench.cycles, cpu)}\n`);
  }
  say(`${sums.posted} posted TLPs, ${sums.requests} requests, ${sums.completions} completions in ${first - seed} epochs`);
  say(
    `${sums.all} TLPs, ${bench.cycles} cycles, ${((performance.now() - start) / 1000).toFixed(1)} s: ${rateOf(sums.all, bench.cycles, cpu)}`,
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
const flags = ({ fabric, width, payload, credits }: FabricSoakOptions) =>
  `--fabric ${fabric} --width ${width} --payload ${payload} --credits ${credits}`;

/** @throws UsageError */
function paramsOf({ fabric, width, payload, credits }: FabricSoakOptions): FabricSoakParams {
  const name = fabricNames.find(known => known === fabric);
  if (!name) throw new UsageError(`--fabric is ${fabricNames.join(' or ')}, not ${fabric}.`);
  if (![64, 128, 256, 512].includes(width)) throw new UsageError(`--width is 64, 128, 256 or 512, not ${width}.`);
  if (![128, 256, 512].includes(payload)) throw new UsageError(`--payload is 128, 256 or 512, not ${payload}.`);
  if (credits !== 'least' && credits !== 'usual') throw new UsageError(`--credits is least or usual, not ${credits}.`);
  return { topology: soakedTopology(name), width, max_payload: payload, credits };
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
