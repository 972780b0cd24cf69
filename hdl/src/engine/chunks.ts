import { at } from './at.ts';
import type { Counter } from './counters.ts';
import { type LimbGraph, Op } from './limb-graph.ts';
import type { Root } from './program.ts';

/** Stores that belong together: the next value of a register, or what a write port does. */
export interface Unit {
  readonly roots: readonly Root[];
  /** Units of one instance of a module stand together and prefer to share chunks. */
  readonly instance: number;
}

/** A piece of the design that is computed as a whole, and only if something that it reads has changed. */
export interface Chunk {
  /** Nodes that are computed here, ascending. */
  readonly nodes: readonly number[];
  /** Roots by their number in the list of all. */
  readonly roots: readonly number[];
}

/** All logic in chunks: a chunk depends combinationally only on nets of earlier ones. */
export interface Chunks {
  readonly roots: readonly Root[];
  readonly chunks: readonly Chunk[];
  /** The first so many chunks compute what comes first (`attention`) and nothing else. */
  readonly leading: number;
  /** The chunk that computes a node for all; -1 for nodes that each chunk computes where it needs them; by node. */
  readonly homes: Int32Array;
  /** Nodes that one chunk computes and others use. */
  readonly nets: readonly number[];
}

/** Operations of a chunk: small enough that little is computed in vain, large enough that looking for changes costs less than computing. */
const CHUNK_SIZE = 100;
/** Shared values that cost at most so many operations are computed again in each chunk that uses them. */
const CHEAP = 3;
const EXPENSIVE = 1000;

function isLeaf(op: Op): boolean {
  return op === Op.Const || op === Op.Load;
}

/** Walks the roots in order and puts every node, and every root, into the chunk that is open when it is met first. */
class Collector {
  readonly chunks: { nodes: number[]; roots: number[] }[] = [];
  readonly homes: Int32Array;
  private readonly g: LimbGraph;
  private open: { nodes: number[]; roots: number[] } | undefined;
  private size = 0;

  constructor(g: LimbGraph) {
    this.g = g;
    this.homes = new Int32Array(g.size).fill(-1);
  }

  close(): void {
    this.open = undefined;
    this.size = 0;
  }

  /** Leaves the open chunk if it has grown to `size`. */
  closeFrom(size: number): void {
    if (this.size >= size) this.close();
  }

  private chunk(): { nodes: number[]; roots: number[] } {
    if (this.open === undefined) {
      this.open = { nodes: [], roots: [] };
      this.chunks.push(this.open);
    }
    this.size++;
    return this.open;
  }

  root(index: number, { value, guard }: Root): void {
    this.visit(value);
    if (guard >= 0) this.visit(guard);
    this.closeFrom(1.5 * CHUNK_SIZE);
    this.chunk().roots.push(index);
  }

  /** Operands first. */
  private visit(root: number): void {
    const { g, homes } = this;
    if (homes[root] !== -1 || isLeaf(g.op(root))) return;
    const stack = [root];
    const positions = [0];
    while (stack.length > 0) {
      const top = stack.length - 1;
      const node = at(stack, top);
      const position = at(positions, top);
      if (homes[node] !== -1 || position >= g.operandCount(node)) {
        stack.pop();
        positions.pop();
        if (homes[node] !== -1) continue;
        this.closeFrom(1.5 * CHUNK_SIZE);
        this.chunk().nodes.push(node);
        homes[node] = this.chunks.length - 1;
        continue;
      }
      positions[top] = position + 1;
      const operand = g.operand(node, position);
      if (homes[operand] === -1 && !isLeaf(g.op(operand))) {
        stack.push(operand);
        positions.push(0);
      }
    }
  }
}

/** Chunks in which a node is needed; most nodes are in one, so that one stands for itself. */
class Needs {
  private readonly single: Int32Array;
  private readonly several = new Map<number, Set<number>>();

  constructor(size: number) {
    this.single = new Int32Array(size).fill(-1);
  }

  add(node: number, chunk: number): void {
    const one = at(this.single, node);
    if (one === chunk) return;
    if (one === -1) {
      this.single[node] = chunk;
      return;
    }
    const set = this.several.get(node);
    if (set === undefined) this.several.set(node, new Set([one, chunk]));
    else set.add(chunk);
  }

  of(node: number): Iterable<number> {
    const set = this.several.get(node);
    if (set !== undefined) return set;
    const one = at(this.single, node);
    return one < 0 ? [] : [one];
  }

  /** Whether `chunk` is the only one. */
  only(node: number, chunk: number): boolean {
    return this.several.get(node) === undefined && (this.single[node] === chunk || this.single[node] === -1);
  }
}

/** Operations to compute each node from registers, ports and memories, up to a limit; by node. */
function costsOf(g: LimbGraph): Int32Array {
  const costs = new Int32Array(g.size);
  for (let node = 0; node < g.size; node++) {
    const op = g.op(node);
    let cost = op === Op.Const ? 0 : op === Op.Read ? EXPENSIVE : 1;
    for (let i = g.operandCount(node) - 1; i >= 0; i--) cost += at(costs, g.operand(node, i));
    costs[node] = Math.min(cost, EXPENSIVE);
  }
  return costs;
}

/** Nodes that depend on a counter; by node. */
function countingOf(g: LimbGraph, counters: readonly Counter[]): Uint8Array {
  const counting = new Uint8Array(g.size);
  for (const { load } of counters) counting[load] = 1;
  if (counters.length === 0) return counting;
  for (let node = 0; node < g.size; node++)
    for (let i = g.operandCount(node) - 1; i >= 0; i--) if (counting[g.operand(node, i)] === 1) counting[node] = 1;
  return counting;
}

/** Cuts the logic of `units` into chunks; `leading` is wanted before all else. What depends on `counters` is computed where it is used. */
export function cutIntoChunks(
  g: LimbGraph,
  leading: readonly Root[],
  units: readonly Unit[],
  counters: readonly Counter[],
): Chunks {
  const roots = [...leading, ...units.flatMap(unit => unit.roots)];
  const collector = new Collector(g);
  let index = 0;
  for (const root of leading) collector.root(index++, root);
  collector.close();
  const leadingChunks = collector.chunks.length;
  let instance = -1;
  for (const unit of units) {
    collector.closeFrom(unit.instance === instance ? CHUNK_SIZE : CHUNK_SIZE / 2);
    instance = unit.instance;
    for (const root of unit.roots) collector.root(index++, root);
  }
  const { chunks, homes } = collector;

  const needs = new Needs(g.size);
  chunks.forEach((chunk, number) => {
    for (const root of chunk.roots) {
      const { value, guard } = at(roots, root);
      needs.add(value, number);
      if (guard >= 0) needs.add(guard, number);
    }
  });
  const costs = costsOf(g);
  const counting = countingOf(g, counters);
  const contents = chunks.map((): number[] => []);
  const nets: number[] = [];
  for (let node = g.size - 1; node >= 0; node--) {
    const home = at(homes, node);
    if (home < 0) continue;
    if (needs.only(node, home)) {
      // Nothing else uses it.
    } else if (at(costs, node) <= CHEAP || counting[node] === 1) {
      homes[node] = -1;
    } else {
      nets.push(node);
      needs.add(node, home);
    }
    const computing = homes[node] === -1 ? needs.of(node) : [home];
    for (const chunk of computing) {
      contents[chunk]?.push(node);
      for (let i = g.operandCount(node) - 1; i >= 0; i--) needs.add(g.operand(node, i), chunk);
    }
  }
  return {
    roots,
    chunks: chunks.map((chunk, i) => ({ nodes: at(contents, i).reverse(), roots: chunk.roots })),
    leading: leadingChunks,
    homes,
    nets,
  };
}
