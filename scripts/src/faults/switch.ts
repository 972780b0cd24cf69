import type { Engine } from '@hdl/ts-hdl';
import { type CampaignOutcome, injected, missed, rowsOf } from './report.ts';
import { switchSigns } from './signs.ts';
import { playSwitchBatch } from './switch-batch.ts';
import { SwitchPlayer } from './switch-player.ts';

export interface SwitchCampaign {
  readonly faults: number;
  readonly seed: number;
  readonly width: number;
  readonly engine: Engine;
  /** Hears now and then how many faults there were. */
  readonly tell: (faults: number) => void;
}

/** Brings faults into a switch by one of its ports until there were enough, or something was wrong; that a fault goes unnoticed is wrong too. */
export function switchFaults({ faults, seed, width, engine, tell }: SwitchCampaign): CampaignOutcome {
  using player = new SwitchPlayer(width, engine);
  const { counts } = player.faults;
  const start = player.bench.cycle;
  let batches = 0;
  let failure: CampaignOutcome['failure'];
  for (; injected(counts.values()) < faults && !failure; batches++) {
    const failed = playSwitchBatch(player, seed + batches);
    const unnoticed = [...counts].find(([, count]) => missed(count) > 0);
    if (failed) {
      const { window, cycle, message, hang } = failed;
      failure = { seed: seed + batches, message: `window ${window}, cycle ${cycle}: ${message}`, hang };
    } else if (unnoticed) failure = { seed: seed + batches, message: `nothing told of a fault: ${unnoticed[0]}`, hang: false };
    tell(injected(counts.values()));
  }
  const cycles = player.bench.cycle - start;
  return { rows: rowsOf(counts, switchSigns), batches, tlps: player.tlps, cycles, ...(failure && { failure }) };
}
