import type { Random } from '../soak/random.ts';
import { seal } from '../soak/reference/digest.ts';
import { withBody } from '../soak/stimuli.ts';
import { nothing, type Tlp, tlp } from '../soak/tlp.ts';
import { type BeatMemory, beatsIn, type StoredBeat } from './beat-bits.ts';
import { links } from './switch-harness.ts';
import type { SwitchPlayer } from './switch-player.ts';

const broadcaster: BeatMemory = { path: 'device.agent.broadcaster.beats', place: 'the broadcaster', below: 0 };

/** Memories of the switch that hold TLPs on their way. */
export const switchMemories: readonly BeatMemory[] = [
  ...Array.from({ length: links + 1 }, (_, i) => ({
    path: `device.crossbar.ingress_${i}.queues.data`,
    place: 'the queues',
    below: 0,
  })),
  ...Array.from({ length: links }, (_, i) => ({ path: `device.crossbar.egress_${i}.beats`, place: 'an egress', below: 0 })),
  broadcaster,
];

/** A message to everybody, which the switch copies. */
export const isBroadcast = (t: Tlp): boolean => t.type === 19;

/** Good traffic with digests from every link of a switch to all others, much of which has to wait. */
export class FlipTraffic {
  readonly player: SwitchPlayer;
  readonly random: Random;

  constructor(player: SwitchPlayer, random: Random) {
    this.player = player;
    this.random = random;
  }

  /** Begins a batch. What waits is what can be hit: links are slow to take. */
  start(): void {
    const { player, random } = this;
    const open = { sourceValidation: false, translationBlocking: false, requestRedirect: false, completionRedirect: false };
    const acs = { ...open, upstreamForwarding: false, egressControl: false, directTranslated: false, vector: 0 };
    player.start(
      random.next(),
      Array.from({ length: links }, () => ({ acs, busMaster: true, payload: 128 << random.below(2), link: 'up' as const })),
    );
    for (let link = 0; link < links; link++) {
      player.bench.drive(`stall_${link}_closed`, random.below(3) === 0 ? 0 : 230);
      player.bench.drive(`stall_${link}_burst`, random.below(24));
    }
  }

  /** Sends TLPs, and lets some cycles pass. */
  some(most: number): void {
    for (let i = this.random.below(most); i >= 0; i--) this.send();
    this.player.bench.advance(1 + this.random.below(48));
  }

  /** A TLP with a digest from any link to another, or to all. */
  send(): void {
    const { player, random } = this;
    const all = random.below(12) === 0;
    const from = all ? 0 : random.below(links);
    const plain = all ? this.broadcast() : player.make.good(from, (from + 1 + random.below(links - 1)) % links);
    const t = withBody({ ...plain, td: 1, body: nothing }, random.next());
    seal(t);
    const { to, copies, error } = player.reference.judge(t, from);
    if ((to !== undefined || copies) && error === undefined) player.send(from, t);
  }
  /** A vendor's message to everybody. */
  private broadcast(): Tlp {
    const { player, random } = this;
    const length = random.below(9);
    const high = random.next();
    const shape = { fmt: length > 0 ? 3 : 1, type: 19, length, last_be: 7, first_be: 15, high, low: random.next() };
    return tlp({ ...shape, ...player.make.identity(player.make.bus(0)) });
  }

  /** A beat of a TLP on its way, in any memory that has one. */
  choose(
    memories: readonly BeatMemory[] = switchMemories,
    wanted: (stored: StoredBeat) => boolean = () => true,
  ): StoredBeat | undefined {
    const { player, random } = this;
    const { width, bench, board } = player;
    const waiting = board.onTheirWay;
    const holding = memories
      .map(memory => beatsIn(bench.memory(memory.path), memory, waiting, width).filter(wanted))
      .filter(list => list.length > 0);
    const list = holding[random.below(Math.max(1, holding.length))];
    return list?.[random.below(list.length)];
  }
}
