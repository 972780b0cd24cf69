import { Random } from '../soak/random.ts';
import type { FabricBench, Totals } from './bench.ts';
import type { Bridge } from './plan.ts';

/** Bits of the control register of access control. */
const Acs = { sv: 1, tb: 2, rr: 4, cr: 8, uf: 16 } as const;

/** How the switches' access control is set: what it does to the traffic of well-behaved agents is to send it another way, never to refuse it. */
export type AcsMode = 'off' | 'checks' | 'redirects' | 'mixed';

function acsOf(mode: AcsMode, random: Random): (bridge: Bridge) => number {
  switch (mode) {
    case 'off':
      return () => 0;
    case 'checks':
      return () => Acs.sv | Acs.tb;
    case 'redirects':
      return () => Acs.sv | Acs.rr | Acs.cr | Acs.uf;
    case 'mixed':
      return () => (random.next() & (Acs.sv | Acs.tb | Acs.rr | Acs.cr)) | Acs.uf;
  }
}

/** Traffic that is sent another way goes through the root link, which is the slowest of all: most epochs are without. */
const acsOfMost = ['off', 'off', 'off', 'checks', 'checks', 'checks', 'redirects', 'mixed'] as const;

/** What happens in an epoch, which follows from its seed. */
export interface Epoch {
  readonly seed: number;
  /** TLPs, at least, unless `cycles` end before. */
  readonly tlps: number;
  /** After so many cycles no more is sent; by default there is no such limit. */
  readonly cycles?: number;
  readonly acs?: AcsMode;
  /** A leaf is reset in the middle. */
  readonly reset?: boolean;
  /** Traffic goes to everybody alike, and the links between switches hold it back; else most of it is for agents of the same switch, and all links are busy. */
  readonly wide?: boolean;
  /** Most TLPs are short. */
  readonly brief?: boolean;
  /** Receivers hold much up for long; else a little, or for a short time. */
  readonly rough?: boolean;
}

/** What of an epoch its parts have to know. */
interface Mood {
  readonly wide: boolean;
  readonly rough: boolean;
}

const pick = <T>(random: Random, list: readonly [T, ...T[]]): T => list[random.below(list.length)] ?? list[0];

/** How agents send and take where nothing else is said. */
const unhindered = {
  posted_rate: 255,
  request_rate: 255,
  hot: 0,
  hot_rate: 0,
  ...Object.fromEntries(
    ['posted', 'requests', 'completions'].flatMap(name => [
      [`stall_${name}_closed`, 0],
      [`stall_${name}_burst`, 0],
    ]),
  ),
};

/** Plays an epoch. @returns what was sent, all of which came. @throws SoakFailure */
export function play(bench: FabricBench, epoch: Epoch): Totals {
  const random = new Random(epoch.seed);
  const acs = epoch.acs ?? pick(random, acsOfMost);
  const resets = epoch.reset ?? random.below(4) === 0;
  const mood = { wide: epoch.wide ?? random.below(8) === 0, rough: epoch.rough ?? random.below(8) === 0 };
  bench.restart(epoch.seed, epoch.brief ?? random.below(4) !== 0);
  bench.configure(acsOf(acs, random));
  // Nothing is left of the epoch before, so that each can be played alone.
  bench.setAll({ ...unhindered, targets: 2 ** bench.agents - 1, other_way: acs === 'mixed' ? 1 : 0, patience: 30 });
  vary(bench, mood, random);
  bench.setAll({ send_posted: 1, send_requests: 1, free: 0 });
  const last = bench.cycle + (epoch.cycles ?? Number.POSITIVE_INFINITY);
  const middle = (bench.cycle + last) / 2;
  let waits = resets;
  for (let { all } = bench.totals; all < epoch.tlps && bench.cycle < last; { all } = bench.totals) {
    bench.step(500 + random.below(3500));
    if (!mood.rough) pause(bench, random);
    vary(bench, mood, random);
    if (!waits || (all < epoch.tlps / 2 && bench.cycle < middle)) continue;
    waits = false;
    resetLeaf(bench, random);
  }
  bench.drain();
  bench.compare();
  return bench.totals;
}

/** Other rates, targets and hindrances for some agents. */
function vary(bench: FabricBench, mood: Mood, random: Random): void {
  const everybody = 2 ** bench.agents - 1;
  const hot = random.below(bench.agents);
  const crowded = random.below(mood.rough ? 8 : 32) === 0;
  for (let agent = 0; agent < bench.agents; agent++) {
    if (random.below(3) === 0) continue;
    bench.set(agent, {
      posted_rate: pick(random, [255, 255, 255, 255, 128, 16]),
      request_rate: pick(random, [255, 255, 255, 255, 64, 16]),
      targets: targetsOf(bench, agent, mood, random) || everybody,
      hot,
      hot_rate: crowded ? 200 : 0,
      blocked: mood.rough && random.below(24) === 0 ? random.below(8) : 0,
      ...stall('posted', mood, random),
      ...stall('requests', mood, random),
      ...stall('completions', mood, random),
    });
  }
}

/** The agents, a bit each, that `agent` sends to; none if it may be all. */
function targetsOf(bench: FabricBench, agent: number, { wide }: Mood, random: Random): number {
  const others = ~(1 << agent);
  if (wide) return random.below(3) === 0 ? random.next() & (2 ** bench.agents - 1) & others : 0;
  const far = Array.from({ length: random.below(3) }, () => 1 << random.below(bench.agents));
  return far.reduce((all, bit) => all | bit, bench.neighbours(agent)) & others;
}

/** Some agent takes nothing of some classes for a short time: what is for it fills the buffers on its way. */
function pause(bench: FabricBench, random: Random): void {
  const agent = random.below(bench.agents);
  bench.set(agent, { blocked: 1 + random.below(7) });
  bench.step(20 + random.below(300));
  bench.set(agent, { blocked: 0 });
}

function stall(name: string, { rough }: Mood, random: Random) {
  const heavy = random.below(rough ? 12 : 150) === 0;
  return {
    [`stall_${name}_closed`]: heavy ? random.below(240) : random.below(rough ? 40 : 120),
    [`stall_${name}_burst`]: heavy ? random.below(64) : 0,
  };
}

/**
 * Resets a leaf by the port above it, in the middle of traffic (C85): what is for it and from it is lost, all others' goes on and is checked. Then, at rest, the
 * counts of what went there and came from there begin anew.
 */
function resetLeaf(bench: FabricBench, random: Random): void {
  const leaves = bench.bridges.filter(bridge => bridge.below?.startsWith('leaf'));
  const bridge = leaves[random.below(leaves.length)];
  if (!bridge) return;
  const [leaf] = bridge.leaves;
  const bit = 2 ** leaf;
  // A port that holds back what it received does not come back, and the request of software must get through.
  bench.setAll({ suspects: bit, blocked: 0 });
  bench.set(leaf, { suspects: 0xffff_ffff });
  bench.step(random.below(200));
  bench.write(bridge, [0x3c, 0x0040_0000, 0b0100]);
  bench.step(100 + random.below(1000));
  bench.write(bridge, [0x3c, 0, 0b0100]);
  bench.step(1000 + random.below(1000));
  bench.drain(false);
  bench.setAll({ forget: 1 });
  bench.step(128);
  bench.setAll({ forget: 0, suspects: 0 });
  bench.drain();
  bench.setAll({ send_posted: 1, send_requests: 1, free: 0 });
}
