import type { Engine } from '@hdl/ts-hdl';
import type { BatchFailure } from '../soak/batch-failure.ts';
import type { FaultCount } from '../soak/fault-ledger.ts';
import { type CampaignOutcome, injected, missed } from './report.ts';

/** How much of a campaign is played, and on what. */
export interface CampaignOptions {
  readonly faults: number;
  readonly seed: number;
  readonly width: number;
  readonly engine: Engine;
  /** Hears now and then how many faults there were. */
  readonly tell: (faults: number) => void;
}

/** Plays batches, each from a seed of its own, until there were enough faults, or something was wrong; that a fault goes unnoticed is wrong too. */
export function playBatches(
  { faults, seed, tell }: CampaignOptions,
  counts: ReadonlyMap<string, FaultCount>,
  play: (seed: number) => BatchFailure | undefined,
): Pick<CampaignOutcome, 'batches' | 'failure'> {
  let batches = 0;
  let failure: CampaignOutcome['failure'];
  for (; injected(counts.values()) < faults && !failure; batches++) {
    const failed = play(seed + batches);
    const unnoticed = [...counts].find(([, count]) => missed(count) > 0);
    if (failed) failure = { seed: seed + batches, ...failed };
    else if (unnoticed) failure = { seed: seed + batches, message: `nothing told of a fault: ${unnoticed[0]}`, hang: false };
    tell(injected(counts.values()));
  }
  return { batches, ...(failure && { failure }) };
}
