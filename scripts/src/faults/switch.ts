import { type CampaignOptions, playBatches } from './campaign.ts';
import { type CampaignOutcome, rowsOf } from './report.ts';
import { switchSigns } from './signs.ts';
import { playSwitchBatch } from './switch-batch.ts';
import { SwitchPlayer } from './switch-player.ts';

/** Brings faults into a switch by one of its ports until there were enough, or something was wrong; that a fault goes unnoticed is wrong too. */
export function switchFaults(options: CampaignOptions): CampaignOutcome {
  using player = new SwitchPlayer(options.width, options.engine);
  const { counts } = player.faults;
  const start = player.bench.cycle;
  const played = playBatches(options, counts, seed => playSwitchBatch(player, seed));
  return { rows: rowsOf(counts, switchSigns), tlps: player.tlps, cycles: player.bench.cycle - start, ...played };
}
