import { at } from './at.ts';
import { type Chunks, cutIntoChunks, type Unit } from './chunks.ts';
import { type Counter, findCounters } from './counters.ts';
import { visit, visitUses } from './emit-program.ts';
import { type Layout, limbBytes } from './layout.ts';
import { LimbGraph, Op } from './limb-graph.ts';
import type { Item, Root } from './program.ts';
import { scheduleWhole } from './schedule.ts';

/** What gating is planned from. */
export interface GatedLogic {
  readonly limbs: LimbGraph;
  /** Stores of the next value of each register, with the number of the instance that it is in. */
  readonly registers: readonly Unit[];
  /** Stores of each write port that can write, guards included. */
  readonly writes: readonly Unit[];
  /** Node of the output `attention`; -1 if there is no such output. */
  readonly attention: number;
  /** Bytes from a register's value before the edge to its next one. */
  readonly shadow: number;
  readonly inputs: readonly GatedInput[];
}

/** An input of the top module. */
export interface GatedInput {
  readonly address: number;
  readonly width: number;
}

/** What follows from a change: chunks that have to be computed in this cycle, or in the next, and whether registers have new values. */
export interface Effect {
  readonly now: readonly number[];
  readonly next: readonly number[];
  readonly commit: boolean;
}

/** The program of a chunk. */
export interface ChunkProgram {
  /** The number by which others name it. */
  readonly number: number;
  readonly limbs: LimbGraph;
  readonly items: readonly Item[];
  /** By node of `limbs`: whether it has a variable. */
  readonly kept: Uint8Array;
  /** What its watched stores can lead to, and which does, by source. */
  readonly effects: readonly Effect[];
  readonly effectOf: ReadonlyMap<number, number>;
  /** 8-byte words of registers, by the address of the value before the edge. */
  readonly words: readonly number[];
}

/** The design as chunks that are computed only if something changed. */
export interface GatingPlan {
  /** In the order in which they are computed. Numbers are below 64 * `words`. */
  readonly chunks: readonly ChunkProgram[];
  /** 64-bit words of a set of chunks, and how many of them, from the first, are the chunks of `attention`. */
  readonly words: number;
  readonly leadingWords: number;
  /** Where the value of `attention` is, 4 bytes; `undefined` if there is no such output. */
  readonly attention: number | undefined;
  readonly counters: readonly Counter[];
  /** Chunks that read a 64-bit limb of an input, by its address. */
  readonly inputs: ReadonlyMap<number, readonly number[]>;
  /** Chunks that read a memory, by its number. */
  readonly memories: ReadonlyMap<number, readonly number[]>;
  /** A byte per write port, in the order of `writes`: it writes in every cycle until its chunk says otherwise. */
  readonly flags: number;
}

/** Collects readers by what they read. */
class Readers {
  readonly lists = new Map<number, number[]>();

  add(what: number, chunk: number): void {
    const list = this.lists.get(what);
    if (list === undefined) this.lists.set(what, [chunk]);
    else if (list[list.length - 1] !== chunk) list.push(chunk);
  }

  of(what: number): readonly number[] {
    return this.lists.get(what) ?? [];
  }
}

/** The stores of write ports: a port's flag says in every cycle whether it writes. */
function writeUnits(writes: readonly Unit[], flags: number, always: number): Unit[] {
  return writes.map(({ roots, instance }, index) => {
    const [pending, ...staged] = roots;
    const guard = pending?.guard ?? -1;
    // In place of the flag by which plain code does one write: it would find a write pending that is long done.
    const flag = { guard: -1, address: flags + index, width: 1, value: guard < 0 ? always : guard, hold: -1 };
    return { instance, roots: [flag, ...staged] };
  });
}

/** Makes the plan; what it needs of the machine's memory comes from `layout`. */
export function planGating(logic: GatedLogic, layout: Layout): GatingPlan {
  const { limbs, registers, shadow } = logic;
  const leading: Root[] = [];
  if (logic.attention >= 0)
    leading.push({ guard: -1, address: layout.reserve(4, 4), width: 32, value: logic.attention, hold: -1 });
  const flags = layout.reserve(8 * Math.ceil(logic.writes.length / 8), 8);
  const writes = writeUnits(logic.writes, flags, limbs.constant(1n));
  const found = findCounters(
    limbs,
    registers.map(unit => unit.roots),
    [...leading, ...writes.flatMap(unit => unit.roots)],
  );
  const counters = [...found.values()];
  const watched = registers
    .filter((_, index) => !found.has(index))
    .map(({ instance, roots }) => ({
      instance,
      roots: roots.map(root => ({ ...root, watch: { before: root.address - shadow, source: root.address - shadow } })),
    }));
  const units = [...watched, ...writes].sort((a, b) => a.instance - b.instance);
  const cut = cutIntoChunks(limbs, leading, units, counters);

  const netAddress = new Map<number, number>();
  for (const net of cut.nets.toReversed()) {
    const bytes = limbBytes(limbs.width(net));
    netAddress.set(net, layout.reserve(bytes, bytes));
  }
  const leadingWords = Math.ceil(cut.leading / 64);
  const numberOf = (chunk: number) => (chunk < cut.leading ? chunk : 64 * leadingWords + chunk - cut.leading);
  const builder = new ChunkBuilder(limbs, cut, netAddress, counters);
  const built = cut.chunks.map((_, index) => {
    const { graph, roots } = builder.build(index);
    return { number: numberOf(index), graph, roots, ...scheduleWhole(graph, roots) };
  });

  const reads = new Readers();
  const memories = new Readers();
  for (const { number, graph, items, kept } of built)
    visit(items, item => {
      visitUses(graph, kept, item, node => {
        if (graph.op(node) === Op.Load) reads.add(graph.a(node), number);
        if (graph.op(node) === Op.Read) memories.add(graph.b(node), number);
      });
    });
  const nets = new Set(netAddress.values());
  return {
    chunks: built.map(({ number, graph, items, kept, roots }) => {
      const readersOf = (source: number) => reads.of(source).filter(reader => reader !== number || !nets.has(source));
      return { number, limbs: graph, items, kept, ...effectsOf(roots, nets, readersOf), words: wordsOf(roots, nets) };
    }),
    words: leadingWords + Math.ceil((cut.chunks.length - cut.leading) / 64),
    leadingWords,
    attention: leading[0]?.address,
    counters,
    inputs: new Map(
      logic.inputs.flatMap(({ address, width }) =>
        Array.from({ length: Math.ceil(width / 64) }, (_, i) => [address + 8 * i, reads.of(address + 8 * i)] as const),
      ),
    ),
    memories: memories.lists,
    flags,
  };
}

/** The effects of the watched stores; equal ones are one. */
function effectsOf(
  roots: readonly Root[],
  nets: ReadonlySet<number>,
  readersOf: (source: number) => readonly number[],
): Pick<ChunkProgram, 'effects' | 'effectOf'> {
  const effects: Effect[] = [];
  const effectOf = new Map<number, number>();
  const known = new Map<string, number>();
  for (const { watch } of roots) {
    if (watch === undefined) continue;
    const { source } = watch;
    const isNet = nets.has(source);
    const readers = readersOf(source);
    const key = `${isNet} ${readers}`;
    let effect = known.get(key);
    if (effect === undefined) {
      effect = effects.push({ now: isNet ? readers : [], next: isNet ? [] : readers, commit: !isNet }) - 1;
      known.set(key, effect);
    }
    effectOf.set(source, effect);
  }
  return { effects, effectOf };
}

/** The words that the registers of a chunk lie in. */
function wordsOf(roots: readonly Root[], nets: ReadonlySet<number>): number[] {
  const words = new Set<number>();
  for (const { watch } of roots) if (watch !== undefined && !nets.has(watch.source)) words.add(watch.source & ~7);
  return [...words].sort((a, b) => a - b);
}

/** Copies the logic of chunks to graphs of their own, in which nets of other chunks are values in memory. */
class ChunkBuilder {
  private readonly limbs: LimbGraph;
  private readonly cut: Chunks;
  private readonly netAddress: ReadonlyMap<number, number>;
  private readonly counters: ReadonlySet<number>;

  constructor(limbs: LimbGraph, cut: Chunks, netAddress: ReadonlyMap<number, number>, counters: readonly Counter[]) {
    this.limbs = limbs;
    this.cut = cut;
    this.netAddress = netAddress;
    this.counters = new Set(counters.map(counter => counter.load));
  }

  build(index: number): { graph: LimbGraph; roots: Root[] } {
    const { limbs, cut, netAddress } = this;
    const chunk = at(cut.chunks, index);
    const graph = new LimbGraph(256);
    const copies = new Map<number, number>();
    const copy = (node: number): number => {
      let result = copies.get(node);
      if (result === undefined) {
        result = this.leaf(graph, node);
        copies.set(node, result);
      }
      return result;
    };
    const roots: Root[] = [];
    for (const node of chunk.nodes) {
      const operands = Array.from({ length: limbs.operandCount(node) }, (_, i) => copy(limbs.operand(node, i)));
      const value = graph.copy(limbs, node, operands);
      copies.set(node, value);
      const address = netAddress.get(node);
      if (address === undefined || cut.homes[node] !== index) continue;
      const watch = { before: address, source: address };
      roots.push({ guard: -1, address, width: limbs.width(node), value, hold: -1, watch });
    }
    for (const number of chunk.roots) {
      const root = at(cut.roots, number);
      const optional = (node: number) => (node < 0 ? -1 : copy(node));
      roots.push({ ...root, guard: optional(root.guard), value: copy(root.value), hold: optional(root.hold) });
    }
    return { graph, roots };
  }

  /** What a chunk does not compute itself. */
  private leaf(graph: LimbGraph, node: number): number {
    const { limbs } = this;
    const net = this.netAddress.get(node);
    if (net !== undefined) return graph.load(net, limbs.width(node));
    if (this.counters.has(node)) return graph.observe(limbs.a(node), limbs.width(node));
    return graph.copy(limbs, node, []);
  }
}
