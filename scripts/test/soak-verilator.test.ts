import { verilator } from '@hdl/verilator-wrapper';
import { test } from 'vitest';
import { Player } from '../src/soak/player.ts';
import { playBatches } from './soak-play.ts';

test('random traffic, good and bad, on the Verilog that is shipped', async () => {
  using player = new Player(64, verilator);
  await playBatches(player, { seed: 1001, batches: 12, operations: 500 });
}, 300_000);
