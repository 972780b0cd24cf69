import type { Engine } from '@hdl/ts-hdl';
import { Random } from '../soak/random.ts';
import { Mismatch } from '../soak/reference/mismatch.ts';
import { type Tlp, tlp } from '../soak/tlp.ts';
import { flipBit, headerBit, headerBits, type StoredBeat, toldOf, untold } from './beat-bits.ts';
import { FlipTraffic, isBroadcast, switchMemories } from './flip-traffic.ts';
import type { UnprotectedOutcome, UnprotectedRow } from './report.ts';
import type { Flip } from './switch-board.ts';
import { links } from './switch-harness.ts';
import { SwitchPlayer } from './switch-player.ts';

/** TLPs before and after a flip, from a reset to the next. */
const before = 40;
const after = 120;

const queueMemories = ['links', 'tails', 'free.words'] as const;
const queuePaths = Array.from({ length: links }, (_, i) =>
  queueMemories.map(name => `device.crossbar.ingress_${i}.queues.${name}`),
);
const dataMemories = switchMemories.filter(({ path }) => path.endsWith('queues.data'));

/** A bit to flip: of a word of a memory, and what its TLP becomes if it is one of a TLP. */
interface Target {
  readonly path: string;
  readonly word: number;
  readonly bit: number;
  readonly of?: Pick<Flip, 'original' | 'altered'>;
}

/** Finds a bit to flip now, of those that nothing that PCI Express has protects. */
type Choose = (traffic: FlipTraffic) => Target | undefined;

const ofBeat = (stored: StoredBeat, bit: number, altered = stored.tlp): Target => {
  return { path: stored.memory.path, word: stored.word, bit, of: { original: stored.tlp, altered } };
};
const width = ({ player }: FlipTraffic): number => player.width;

/** What holds a queue together: for each beat that waits, which one follows. */
const inLinks: Choose = traffic => {
  const stored = traffic.choose(dataMemories);
  if (!stored) return undefined;
  const path = stored.memory.path.replace(/data$/, 'links');
  return { path, word: stored.word, bit: traffic.random.below(traffic.player.bench.memory(path).width) };
};
const inPointers: Choose = ({ player, random }) => {
  const path = queuePaths[random.below(links)]?.[1 + random.below(queueMemories.length - 1)];
  if (!path) return undefined;
  const { width: bits, depth } = player.bench.memory(path);
  // Three queues for each of the links and for the switch itself.
  return { path, word: random.below(path.endsWith('free.words') ? depth : 3 * (links + 1)), bit: random.below(bits) };
};
const inFlags: Choose = traffic => {
  const stored = traffic.choose();
  return stored && ofBeat(stored, stored.memory.below + traffic.random.below(2));
};
const ofHeader = (traffic: FlipTraffic, index: number) => {
  const stored = traffic.choose(switchMemories, ({ beat }) => beat === 0);
  return stored && headerBit(stored, width(traffic), index);
};
const inDigestBit: Choose = traffic => {
  const bit = ofHeader(traffic, 111);
  return bit && ofBeat(bit.stored, bit.bit, bit.altered);
};
const inType: Choose = traffic => {
  const bit = ofHeader(traffic, 119);
  return bit && untold(bit) ? ofBeat(bit.stored, bit.bit, bit.altered) : undefined;
};
const inCopies: Choose = traffic => {
  const stored = traffic.choose(switchMemories, ({ beat }) => beat > 0);
  const bit = stored && headerBit(stored, width(traffic), traffic.random.below(headerBits));
  return bit && ofBeat(bit.stored, bit.bit);
};
const inBroadcast: Choose = traffic => {
  const stored = traffic.choose(switchMemories, ({ beat, tlp: t }) => beat === 0 && isBroadcast(t));
  const bit = stored && headerBit(stored, width(traffic), 98 + traffic.random.below(10));
  return bit?.credits ? ofBeat(bit.stored, bit.bit, bit.altered) : undefined;
};

const kinds: readonly { readonly name: string; readonly choose: Choose; readonly wire: boolean }[] = [
  { name: 'switch: linked lists of the queues', choose: inLinks, wire: true },
  { name: 'switch: ends of the queues, credits of their heads, free words', choose: inPointers, wire: true },
  { name: 'switch: where a TLP begins and ends', choose: inFlags, wire: true },
  { name: 'switch: TD, which says that there is a digest', choose: inDigestBit, wire: true },
  { name: 'switch: Type[0] of AtomicOps and messages', choose: inType, wire: true },
  { name: 'switch: the length of a message that is copied', choose: inBroadcast, wire: true },
  { name: 'switch: copies of the header beside later beats, on links inside a chip', choose: inCopies, wire: false },
];

export interface UnprotectedCampaign {
  /** Flips of each kind. */
  readonly flips: number;
  readonly seed: number;
  readonly width: number;
  readonly engine: Engine;
}

/** Counts what becomes of bits that flip where nothing that PCI Express has can help; one from each reset to the next. */
export function switchUnprotected({ flips, seed, width: bits, engine }: UnprotectedCampaign): readonly UnprotectedRow[] {
  const memories = [...switchMemories.map(({ path }) => path), ...queuePaths.flat(), ...agentLinks];
  return [true, false].flatMap(wire => {
    using player = new SwitchPlayer(bits, engine, undefined, { memories, wire });
    return kinds
      .filter(kind => kind.wire === wire)
      .map(({ name, choose }) => {
        const row: UnprotectedRow = { name, flips, nothing: 0, told: 0, untold: 0, hangs: 0 };
        for (let i = 0; i < flips; i++) row[outcome(player, new Random(seed + i), choose)]++;
        return row;
      });
  });
}
const agentLinks = [`device.crossbar.ingress_${links}.queues.links`];

/** Plays from reset to the end, or to the first thing that is wrong. */
function outcome(player: SwitchPlayer, random: Random, choose: Choose): UnprotectedOutcome {
  const traffic = new FlipTraffic(player, random);
  const { board, bench } = player;
  let told = false;
  try {
    traffic.start();
    for (let i = 0; i < before; i++) traffic.send();
    let target: Target | undefined;
    while (!target) {
      traffic.some(8);
      target = choose(traffic);
    }
    const itself = tlp({});
    const came = (t: Tlp) => {
      told ||= toldOf(t, player.width) !== 'nothing' && t.td === 1;
    };
    const flip: Flip = { original: itself, altered: itself, changed: 0, kept: 0, ...target.of, came };
    board.flip = flip;
    flipBit(bench.memory(target.path), target.word, target.bit);
    for (let i = 0; i < after / 4; i++) traffic.some(8);
    player.inspect();
    if (told) return 'told';
    return flip.changed > 0 ? 'untold' : 'nothing';
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error.name === 'Hang') return 'hangs';
    // A TLP that is not one at all is seen by whoever gets it.
    if (error instanceof Mismatch || error.name === 'SimulationError') return told ? 'told' : 'untold';
    if (/^a TLP begins /.test(error.message)) return 'told';
    throw error;
  }
}
