import { Random } from '../soak/random.ts';
import type { FabricBench, Totals } from './bench.ts';
import type { Bridge } from './plan.ts';

/** Bits of the control register of access control. */
const Acs = { sv: 1, tb: 2, rr: 4, cr: 8, uf: 16 } as const;

/** How the switches' access control is set: what it does to the traffic of well-behaved agents is to send it another way, never to refuse it. */
export const acsModes = ['off', 'checks', 'redirects', 'mixed'] as const;
export type AcsMode = (typeof acsModes)[number];

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

/** What happens in an epoch, which follows from its seed. */
export interface Epoch {
  readonly seed: number;
  /** TLPs, at least. */
  readonly tlps: number;
  readonly acs?: AcsMode;
  /** A leaf is reset in the middle. */
  readonly reset?: boolean;
}

const pick = <T>(random: Random, list: readonly [T, ...T[]]): T => list[random.below(list.length)] ?? list[0];

/** Plays an epoch. @returns what was sent, all of which came. @throws SoakFailure */
export function play(bench: FabricBench, epoch: Epoch): Totals {
  const random = new Random(epoch.seed);
  const acs = epoch.acs ?? pick(random, acsModes);
  const resets = epoch.reset ?? random.below(4) === 0;
  bench.restart(epoch.seed);
  bench.configure(acsOf(acs, random));
  bench.setAll({ send_posted: 1, send_requests: 1, free: 0, other_way: acs === 'mixed' ? 1 : 0, patience: 30 });
  vary(bench, random);
  let resetAt = resets ? Math.floor(epoch.tlps / 2) : Number.POSITIVE_INFINITY;
  for (let { all } = bench.totals; all < epoch.tlps; { all } = bench.totals) {
    bench.step(500 + random.below(3500));
    vary(bench, random);
    if (all < resetAt) continue;
    resetAt = Number.POSITIVE_INFINITY;
    resetLeaf(bench, random);
  }
  bench.drain();
  bench.compare();
  return bench.totals;
}

/** Other rates, targets and hindrances for some agents. */
function vary(bench: FabricBench, random: Random): void {
  const everybody = 2 ** bench.agents - 1;
  const hot = random.below(bench.agents);
  const crowded = random.below(8) === 0;
  for (let agent = 0; agent < bench.agents; agent++) {
    if (random.below(3) === 0) continue;
    const few = random.next() & everybody & ~(1 << agent);
    bench.set(agent, {
      posted_rate: pick(random, [255, 255, 255, 255, 128, 16]),
      request_rate: pick(random, [255, 255, 255, 255, 64, 16]),
      targets: random.below(3) === 0 && few !== 0 ? few : everybody,
      hot,
      hot_rate: crowded ? 200 : 0,
      blocked: random.below(24) === 0 ? random.below(8) : 0,
      ...stall('posted', random),
      ...stall('requests', random),
      ...stall('completions', random),
    });
  }
}

function stall(name: string, random: Random) {
  const heavy = random.below(12) === 0;
  return {
    [`stall_${name}_closed`]: heavy ? random.below(240) : random.below(40),
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
