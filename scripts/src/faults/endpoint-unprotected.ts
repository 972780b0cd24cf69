import { settingsCount } from '../soak/generate.ts';
import type { OperationName } from '../soak/operation.ts';
import { perform } from '../soak/perform.ts';
import { Player } from '../soak/player.ts';
import { Random } from '../soak/random.ts';
import { Mismatch } from '../soak/reference/mismatch.ts';
import { flipBit } from './beat-bits.ts';
import type { UnprotectedOutcome, UnprotectedRow } from './report.ts';
import type { UnprotectedCampaign } from './switch-unprotected.ts';

/** Operations of the soak before and after a flip, from a reset to the next. */
const before = 24;
const after = 16;
/** Times that a memory in use is looked for. */
const tries = 8;
const traffic: readonly OperationName[] = [
  'write',
  'write',
  'read',
  'atomic',
  'turnaround',
  'dma',
  'dma',
  'job',
  'register_read',
];

const reader = 'endpoint.layer.dma.reader';
const numbered = (path: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => path.replace('*', `${i}`));

/** Memories by what they hold. */
const kinds: readonly { readonly name: string; readonly paths: (lanes: number) => readonly string[] }[] = [
  { name: 'endpoint: BAR memory', paths: lanes => numbered('endpoint.layer.memory.column_*.words', lanes) },
  { name: 'endpoint: TLPs behind the check of their digests', paths: () => numbered('endpoint.layer.filter.fifo_*.words', 3) },
  {
    name: 'endpoint: TLPs before their digests are made',
    paths: () => numbered('endpoint.layer.link.link_end.transmitter.queue_*.queue.words', 3),
  },
  { name: 'endpoint: requests that wait for their turn', paths: () => ['endpoint.layer.receive.request_router.heads'] },
  { name: 'endpoint: read data before it is in order', paths: lanes => numbered(`${reader}.buffer.banks_*.words`, lanes) },
  {
    name: 'endpoint: tables of the tags',
    paths: () => ['requests', 'states', 'progress'].map(name => `${reader}.receiver.${name}`),
  },
];

/** Counts what becomes of bits that flip in memories of an endpoint of which nothing tells; one from each reset to the next. */
export function endpointUnprotected({ flips, seed, width, engine }: UnprotectedCampaign): readonly UnprotectedRow[] {
  const lanes = width / 32;
  using player = new Player(
    width,
    engine,
    kinds.slice(1).flatMap(({ paths }) => paths(lanes)),
  );
  return kinds.map(({ name, paths }) => {
    const row: UnprotectedRow = { name, flips, nothing: 0, told: 0, untold: 0, hangs: 0 };
    for (let i = 0; i < flips; i++) row[outcome(player, new Random(seed + i), paths(lanes))]++;
    return row;
  });
}

/** Plays from reset to the end, or to the first thing that is wrong. */
function outcome(player: Player, random: Random, paths: readonly string[]): UnprotectedOutcome {
  const operate = () => {
    const name = traffic[random.below(traffic.length)] ?? 'write';
    perform(player, [name, random.next(), random.next(), random.next(), random.next()]);
    if (random.below(4) === 0) player.bench.advance();
  };
  try {
    player.start(Array.from({ length: settingsCount }, () => random.next()));
    for (let i = 0; i < before; i++) operate();
    flipSome(player, random, paths);
    for (let i = 0; i < after; i++) operate();
    player.finish();
    return 'nothing';
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error.name === 'Hang') return 'hangs';
    // Beats that are no TLP, which the host's end sees.
    if (/^a TLP begins /.test(error.message)) return 'told';
    const known = error instanceof Mismatch || error.name === 'SimulationError' || /^the header changes /.test(error.message);
    if (!known) throw error;
    // What differs first is an error that the endpoint tells of, or a request that it refuses.
    return /^(register|the header log|the first error|a message|the status)/.test(error.message) ? 'told' : 'untold';
  }
}

/** Flips a bit of a word that was written a short time ago, and may be in use. */
function flipSome(player: Player, random: Random, paths: readonly string[]): void {
  const view = player.bench.view(paths[random.below(paths.length)] ?? '');
  const earlier = view.bytes.slice();
  const written = () => {
    const words = Array.from({ length: view.depth }, (_, word) => word);
    const changed = (byte: number) => view.bytes[byte] !== earlier[byte];
    return words.filter(word => Array.from({ length: view.stride }, (_, i) => word * view.stride + i).some(changed));
  };
  for (let i = 0; i < tries; i++) {
    for (const name of ['dma', 'read', 'job', 'write', 'atomic'] as const)
      perform(player, [name, random.next(), random.next(), random.next(), random.next()]);
    player.bench.advance();
    const words = written();
    const word = words[random.below(Math.max(1, words.length))];
    if (word === undefined) continue;
    flipBit(view, word, random.below(view.width));
    return;
  }
}
