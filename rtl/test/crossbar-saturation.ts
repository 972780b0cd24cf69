import { Random } from '../../hdl/test/random.ts';
import { at } from '../src/at.ts';

/**
 * Theory of a crossbar with queues per egress, apart from its RTL: packets, and who may send to whom, nothing else. Each ingress has a buffer that beats enter as long as
 * they find room, one per cycle, of packets to egresses drawn at random, all but its own.
 */
export interface MeshLoad {
  readonly ports: number;
  /** Of each packet. */
  readonly beats: number;
  /** Beats that the buffer of an ingress holds. */
  readonly slots: number;
}

/**
 * Who begins to send to whom.
 * - `one round`: as `Crossbar` does. An egress that will be free grants one of those that ask, in turn, by what they asked in the cycle before: also one that has just begun
 *   with another egress. An ingress takes one of its grants, in turn. Turns go on where a packet began.
 * - `perfect`: as many as can, in every cycle.
 */
export type Matching = 'one round' | 'perfect';

/** The share of the cycles of all egresses in which a beat leaves, when all ingresses always have something to send. */
export function saturation(load: MeshLoad, matching: Matching, { cycles = 20_000, seed = 1 } = {}): number {
  const mesh = new Mesh(load, new Random(seed));
  const choose = matching === 'perfect' ? perfect(mesh) : oneRound(mesh);
  const warm = cycles / 4;
  let moved = 0;
  for (let cycle = 0; cycle < cycles; cycle++) {
    mesh.arrive();
    for (const [ingress, egress] of choose()) mesh.begin(ingress, egress);
    const beats = mesh.move();
    if (cycle >= warm) moved += beats;
  }
  return moved / (load.ports * (cycles - warm));
}

type Pair = readonly [ingress: number, egress: number];

class Mesh {
  readonly load: MeshLoad;
  readonly all: readonly number[];
  /** By ingress: the egress that it is sending to, and beats that are still to be sent. */
  readonly sending: ({ readonly egress: number; beats: number } | undefined)[];
  /** Packets by ingress and egress; beats in the buffer of an ingress, and of the packet that is entering it. */
  private readonly queues: number[][];
  private readonly used: number[];
  private readonly entered: number[];
  private readonly random: Random;

  constructor(load: MeshLoad, random: Random) {
    const { ports } = load;
    this.load = load;
    this.random = random;
    this.all = [...Array(ports).keys()];
    this.sending = Array.from({ length: ports });
    this.queues = this.all.map(() => this.all.map(() => 0));
    this.used = this.all.map(() => 0);
    this.entered = this.all.map(() => 0);
  }

  waits = (ingress: number, egress: number): boolean => at(at(this.queues, ingress), egress) > 0;

  takes = (egress: number): boolean => this.sending.every(going => going?.egress !== egress);

  arrive(): void {
    const { ports, beats, slots } = this.load;
    for (const i of this.all) {
      if (at(this.used, i) === slots) continue;
      if (at(this.entered, i) === 0) this.count(i, (i + 1 + this.random.below(ports - 1)) % ports, 1);
      this.used[i] = at(this.used, i) + 1;
      this.entered[i] = (at(this.entered, i) + 1) % beats;
    }
  }

  begin(ingress: number, egress: number): void {
    this.count(ingress, egress, -1);
    this.sending[ingress] = { egress, beats: this.load.beats };
  }

  /** @returns beats that moved. */
  move(): number {
    let moved = 0;
    for (const i of this.all) {
      const going = this.sending[i];
      if (!going) continue;
      moved++;
      this.used[i] = at(this.used, i) - 1;
      going.beats--;
      if (going.beats === 0) this.sending[i] = undefined;
    }
    return moved;
  }

  private count(ingress: number, egress: number, by: number): void {
    const queue = at(this.queues, ingress);
    queue[egress] = at(queue, egress) + by;
  }
}

function oneRound(mesh: Mesh): () => readonly Pair[] {
  const { all, sending, load } = mesh;
  const { ports, beats } = load;
  /** By egress: whose turn it is, and who was granted in the cycle before; by ingress: whose turn it is. */
  const turns = all.map(() => 0);
  const own_turns = all.map(() => 0);
  let granted: readonly (number | undefined)[] = all.map(() => undefined);
  const inTurn = (first: number, may: (i: number) => boolean) => all.map(k => (first + k) % ports).find(may);
  return () => {
    const begun = all.flatMap((ingress): Pair[] => {
      if (sending[ingress]) return [];
      const egress = inTurn(at(own_turns, ingress), e => granted[e] === ingress && mesh.waits(ingress, e));
      return egress === undefined ? [] : [[ingress, egress]];
    });
    const last = (going: { readonly beats: number } | undefined) => going?.beats === 1;
    // What is in the middle of a packet asks with its last beat; what begins one asks on, as nobody knows of it in time.
    const asks = (ingress: number) => !sending[ingress] || last(sending[ingress]);
    const frees = (egress: number) => {
      if (begun.some(([, e]) => e === egress)) return beats === 1;
      return sending.every(going => going?.egress !== egress || last(going));
    };
    for (const [ingress, egress] of begun) {
      turns[egress] = (ingress + 1) % ports;
      own_turns[ingress] = (egress + 1) % ports;
    }
    granted = all.map(e => (frees(e) ? inTurn(at(turns, e), i => asks(i) && mesh.waits(i, e)) : undefined));
    return begun;
  };
}

/** A matching of the largest size, by augmenting paths. */
function perfect(mesh: Mesh): () => readonly Pair[] {
  const { all } = mesh;
  let first = 0;
  return () => {
    first++;
    const free = all.filter(mesh.takes);
    const by_egress = new Map<number, number>();
    const finds = (ingress: number, seen: Set<number>): boolean =>
      all.some(k => {
        const egress = (first + k) % all.length;
        if (seen.has(egress) || !free.includes(egress) || !mesh.waits(ingress, egress)) return false;
        seen.add(egress);
        const other = by_egress.get(egress);
        if (other !== undefined && !finds(other, seen)) return false;
        by_egress.set(egress, ingress);
        return true;
      });
    for (const i of all) if (!mesh.sending[i]) finds(i, new Set());
    return [...by_egress].map(([egress, ingress]): Pair => [ingress, egress]);
  };
}
