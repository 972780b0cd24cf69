import type { Engine } from '@hdl/ts-hdl';
import { at } from '../soak/harness.ts';
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
interface Tlps {
  readonly before: number;
  readonly after: number;
}

const usual: Tlps = { before: 40, after: 120 };
/** Slots are used again when each of them was used once. */
const allSlots: Tlps = { before: 200, after: 600 };

const queues = Array.from({ length: links }, (_, i) => `device.crossbar.ingress_${i}.queues`);
const freeSlots = queues.map(path => `${path}.free.words`);
const linkedLists = [...queues, `device.crossbar.ingress_${links}.queues`].map(path => `${path}.links`);
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
/** Which slots of a buffer are free. */
const inFree: Choose = ({ player, random }) => {
  const path = at(freeSlots, random.below(freeSlots.length));
  const { width: bits, depth } = player.bench.memory(path);
  return { path, word: random.below(depth), bit: random.below(bits) };
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

interface Kind {
  readonly name: string;
  readonly choose: Choose;
  readonly wire: boolean;
  readonly tlps?: Tlps;
}

const kinds: readonly Kind[] = [
  { name: 'switch: linked lists of the queues', choose: inLinks, wire: true },
  { name: 'switch: which slots of the queues are free', choose: inFree, wire: true, tlps: allSlots },
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
  const memories = [...switchMemories.map(({ path }) => path), ...freeSlots, ...linkedLists];
  return [true, false].flatMap(wire => {
    using player = new SwitchPlayer(bits, engine, undefined, { memories, wire });
    return kinds
      .filter(kind => kind.wire === wire)
      .map(({ name, choose, tlps }) => {
        const row: UnprotectedRow = { name, flips, nothing: 0, told: 0, untold: 0, hangs: 0 };
        for (let i = 0; i < flips; i++) row[outcome(player, new Random(seed + i), choose, tlps)]++;
        return row;
      });
  });
}

/** Plays from reset to the end, or to the first thing that is wrong. */
function outcome(player: SwitchPlayer, random: Random, choose: Choose, { before, after }: Tlps = usual): UnprotectedOutcome {
  const traffic = new FlipTraffic(player, random);
  const { board, bench } = player;
  traffic.start();
  for (let i = 0; i < before; i++) traffic.send();
  let target: Target | undefined;
  while (!target) {
    traffic.some(8);
    target = choose(traffic);
  }
  let told = false;
  const itself = tlp({});
  const came = (t: Tlp) => {
    told ||= toldOf(t, player.width) !== 'nothing' && t.td === 1;
  };
  const flip: Flip = { original: itself, altered: itself, changed: 0, kept: 0, ...target.of, came };
  board.flip = flip;
  flipBit(bench.memory(target.path), target.word, target.bit);
  // Whatever was wrong before is no outcome.
  try {
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
