import { randomBatch } from '../src/soak/generate.ts';
import { batchText } from '../src/soak/operation.ts';
import type { Player } from '../src/soak/player.ts';
import { shrink } from '../src/soak/shrink.ts';

/** Plays batches of consecutive seeds. @throws Error that has the smallest batch that fails, to be kept and replayed. */
export async function playBatches(
  player: Player,
  { seed, batches, operations }: { readonly seed: number; readonly batches: number; readonly operations: number },
): Promise<void> {
  for (let i = 0; i < batches; i++) {
    const batch = randomBatch(seed + i, player.width, operations);
    const failure = player.play(batch);
    if (!failure) continue;
    const small = await shrink(player, batch, 20, () => undefined);
    const told = small ? `${small.failure.message}\nnpm run soak -- --replay with\n${batchText(small.batch)}` : '';
    throw new Error(`seed ${seed + i}, operation ${failure.index}: ${failure.message}\nmade small: ${told}`);
  }
}
