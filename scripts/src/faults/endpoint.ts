import { type Batch, batchText } from '../soak/operation.ts';
import { type Failure, Player } from '../soak/player.ts';
import { shrink } from '../soak/shrink.ts';
import type { CampaignOptions } from './campaign.ts';
import { faultBatch } from './endpoint-plan.ts';
import { type CampaignOutcome, injected, missed, rowsOf } from './report.ts';
import { endpointSigns } from './signs.ts';

export interface EndpointCampaign extends CampaignOptions {
  /** Seconds that a batch that fails is made smaller. */
  readonly shrink: number;
}

/** Brings faults into an endpoint until there were enough, or something was wrong; that a fault goes unnoticed is wrong too. */
export async function endpointFaults(options: EndpointCampaign): Promise<CampaignOutcome> {
  const { seed, width } = options;
  using player = new Player(width, options.engine);
  const { counts } = player.reference.faults;
  const start = player.bench.cycle;
  const failed = (batch: Batch): Failure | undefined => {
    const before = new Map([...counts].map(([name, count]) => [name, missed(count)]));
    const failure = player.play(batch);
    if (failure) return failure;
    const unnoticed = [...counts].find(([name, count]) => missed(count) > (before.get(name) ?? 0));
    const message = `nothing told of a fault: ${unnoticed?.[0]}`;
    return unnoticed && { index: batch.operations.length, message, cycle: player.bench.cycle, hang: false };
  };
  let batches = 0;
  let failure: CampaignOutcome['failure'];
  for (; injected(counts.values()) < options.faults && !failure; batches++) {
    const batch = faultBatch(seed + batches, width);
    const first = failed(batch);
    options.tell(injected(counts.values()));
    if (!first) continue;
    const small = (await shrink({ play: failed }, batch, options.shrink, () => undefined)) ?? { batch, failure: first };
    failure = { seed: seed + batches, message: small.failure.message, hang: first.hang, batch: batchText(small.batch) };
  }
  const tlps = [...player.counts.values()].reduce((sum, count) => sum + count, 0);
  return { rows: rowsOf(counts, endpointSigns), batches, tlps, cycles: player.bench.cycle - start, ...(failure && { failure }) };
}
