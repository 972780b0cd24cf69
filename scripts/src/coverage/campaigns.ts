import type { Engine } from '@hdl/ts-hdl';
import { endpointFaults } from '../faults/endpoint.ts';
import { switchFaults } from '../faults/switch.ts';
import { randomBatch } from '../soak/generate.ts';
import { Player } from '../soak/player.ts';
import type { Bins } from './bins/bins.ts';
import { coverSwitch } from './bins/switch-cover.ts';

/** Random traffic against references that counts as coverage beside the tests. */
export interface Campaign {
  readonly name: string;
  /** Runs it. @throws Error if something is wrong. */
  readonly play: (engine: Engine, bins: Bins) => void | Promise<void>;
}

const widths = [64, 128, 256, 512] as const;
/** Faults of a campaign's short form, and batches of the soak of a width. */
const faults = 2400;
const batches = 8;
const options = { shrink: 20, tell: () => undefined } as const;

export const campaigns: readonly Campaign[] = [
  { name: 'combinations of a switch', play: (engine, bins) => coverSwitch(engine, bins, { seed: 1, batches: 80 }) },
  ...widths.map(width => ({
    name: `soak of an endpoint, ${width} bits`,
    play: (engine: Engine) => {
      using player = new Player(width, engine);
      for (let seed = 1; seed <= batches; seed++) {
        const failure = player.play(randomBatch(1000 * width + seed, width, 400));
        if (failure) throw new Error(`npm run soak -- --width ${width} --seed ${1000 * width + seed}: ${failure.message}`);
      }
    },
  })),
  {
    name: 'faults of an endpoint',
    play: async engine => told((await endpointFaults({ ...options, engine, faults, seed: 7, width: 128 })).failure),
  },
  {
    name: 'faults of a switch',
    play: engine => told(switchFaults({ ...options, engine, faults, seed: 11, width: 256 }).failure),
  },
];

function told(failure: { readonly seed: number; readonly message: string } | undefined): void {
  if (failure) throw new Error(`seed ${failure.seed}: ${failure.message}`);
}
