import { type BatchFailure, batchFailure } from '../soak/batch-failure.ts';
import { Random } from '../soak/random.ts';
import { describe } from '../soak/tlp.ts';
import {
  type BeatBit,
  bodyBit,
  flipBit,
  headerBit,
  headerBits,
  idle,
  rareBits,
  type StoredBeat,
  toldOf,
  untold,
} from './beat-bits.ts';
import { type CampaignOptions, playBatches } from './campaign.ts';
import { FlipTraffic, isBroadcast, switchMemories } from './flip-traffic.ts';
import { type CampaignOutcome, rowsOf } from './report.ts';
import { flipSigns } from './signs.ts';
import type { Flip } from './switch-board.ts';
import { SwitchPlayer } from './switch-player.ts';

/** Flips from one reset of the switch to the next, at most, and from one look at its error registers to the next. */
const flipsOfBatch = 40;
const flipsOfWindow = 8;
/** TLPs after the last flip. */
const after = 24;

/**
 * Lets bits of TLPs with digests flip in the memories of a switch until there were enough, or something was wrong: a TLP must come as it was sent, or with
 * this bit altered and nothing else, which its receiver has to find; all others must come as without it.
 */
export function switchFlips(options: CampaignOptions): CampaignOutcome {
  const { width, engine } = options;
  using player = new SwitchPlayer(width, engine, undefined, { memories: switchMemories.map(({ path }) => path), wire: true });
  const { counts } = player.faults;
  const start = player.bench.cycle;
  const played = playBatches(options, counts, seed => new Batch(player, seed).play());
  const cycles = player.bench.cycle - start;
  return { rows: rowsOf(counts, flipSigns), tlps: player.tlps, cycles, ...played };
}

class Batch {
  private readonly player: SwitchPlayer;
  private readonly random: Random;
  private readonly traffic: FlipTraffic;
  private last = 'no bit has flipped yet';

  constructor(player: SwitchPlayer, seed: number) {
    this.player = player;
    this.random = new Random(seed);
    this.traffic = new FlipTraffic(player, this.random);
  }

  play(): BatchFailure | undefined {
    const { player, traffic } = this;
    try {
      traffic.start();
      let goes = true;
      for (let i = 1; i <= flipsOfBatch && goes; i++) {
        goes = this.flip();
        if (i % flipsOfWindow === 0) player.inspect();
      }
      player.inspect();
      for (let i = 0; i < after; i++) traffic.send();
      player.inspect();
      player.faults.end();
      return undefined;
    } catch (error) {
      const { message, hang } = batchFailure(error);
      return { message: `cycle ${player.bench.cycle}: ${message}\n  ${this.last}`, hang };
    }
  }

  /** Lets a bit flip in the middle of traffic, and waits for what becomes of its TLP. @returns whether the batch may go on. */
  private flip(): boolean {
    const { player, random, traffic } = this;
    const { bench, board } = player;
    let stored: StoredBeat | undefined;
    while (!stored) {
      traffic.some(8);
      stored = traffic.choose();
    }
    const bit = this.bitOf(stored);
    const { tlp: original, memory, word, beat } = stored;
    this.last = `bit ${bit.bit} of word ${word} of ${memory.path} flipped (${bit.part}) in cycle ${bench.cycle}, beat ${beat} of ${describe(original)}`;
    const flip: Flip = { original, altered: bit.altered, changed: 0, kept: 0 };
    board.flip = flip;
    flipBit(bench.memory(memory.path), word, bit.bit);
    bench.until(
      () => {
        if (random.below(4) === 0) traffic.send();
        return !board.awaits(original);
      },
      () => `the TLP of which a bit has flipped, or ${board.oldest}`,
    );
    board.flip = undefined;
    this.count(bit, flip);
    // Who takes the TLP frees the credits that its header says, which are not those that were used: it takes a reset to put that right.
    return flip.changed === 0 || !bit.credits;
  }

  private count(bit: BeatBit, { changed }: Flip): void {
    const { faults, width } = this.player;
    const itself = {};
    const told = toldOf(bit.altered, width);
    const outcome = changed === 0 ? 'not read any more' : told === 'nothing' && idle(bit) ? 'means nothing' : told;
    faults.injected(`flipped: ${bit.part} in ${bit.stored.memory.place}: ${outcome}`, itself);
    if (changed === 0 || outcome === 'means nothing') faults.found(itself, 'harmless');
    else if (told !== 'nothing') faults.found(itself, 'alone');
  }

  /** A bit of a beat that its receiver has something against. Copies of the header beside later beats do not get as far as that. */
  private bitOf(stored: StoredBeat): BeatBit {
    const { random } = this;
    const { width } = this.player;
    for (;;) {
      const header = stored.beat === 0 && random.below(2) === 0;
      const rare = rareBits[random.below(4 * rareBits.length)];
      const bit = header
        ? headerBit(stored, width, rare ?? random.below(headerBits))
        : bodyBit(stored, width, random.below(width));
      // The credits of copies are counted from the message that the broadcaster got: see `switch-unprotected.ts`.
      if (bit && !untold(bit) && !(bit.credits && isBroadcast(stored.tlp))) return bit;
    }
  }
}
