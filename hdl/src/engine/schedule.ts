import { at } from './at.ts';
import type { LimbGraph } from './limb-graph.ts';
import type { Item, ProgramFunction, Root } from './program.ts';
import { type Cluster, Regions, type StoreGroup } from './regions.ts';

/** A program in the order in which it runs, cut into functions. */
export interface Program {
  /** Calls of the outermost functions. */
  readonly items: readonly Item[];
  /** All functions, callees first. */
  readonly functions: readonly ProgramFunction[];
  /** Whether a node has a variable rather than being computed where it is used; by node. */
  readonly kept: Uint8Array;
}

/** Operations per function, if not said otherwise. V8 compiles much larger functions badly, and much smaller ones pass too many values through memory. */
const FUNCTION_SIZE = 700;

/** Orders what the roots need: each value is computed right before its first use, in its region. */
class Scheduler {
  private readonly g: LimbGraph;
  private readonly regions: Regions;
  private readonly done: Uint8Array;
  /** The open list of each region. */
  private readonly lists: (Item[] | undefined)[] = [];

  constructor(g: LimbGraph, regions: Regions) {
    this.g = g;
    this.regions = regions;
    this.done = new Uint8Array(g.size);
  }

  group(group: StoreGroup): Item[] {
    const items: Item[] = [];
    this.lists[group.region] = items;
    for (const { address, width, value, guard, watch } of group.stores) {
      this.need(value);
      const store: Item = { kind: 'store', address, width, value, watch };
      if (guard < 0) {
        items.push(store);
        continue;
      }
      this.need(guard);
      items.push({ kind: 'branch', condition: guard, whenTrue: [store], whenFalse: [], members: [] });
    }
    for (const branch of group.branches) {
      this.need(branch.condition);
      const whenTrue = this.group(branch.whenTrue);
      const whenFalse = this.group(branch.whenFalse);
      items.push({ kind: 'branch', condition: branch.condition, whenTrue, whenFalse, members: [] });
    }
    this.lists[group.region] = undefined;
    return items;
  }

  /** Schedules everything that a use of `root` needs and that is not scheduled yet. */
  private need(root: number): void {
    const { g, done } = this;
    const stack = [root];
    const positions = [0];
    while (stack.length > 0) {
      const node = at(stack, stack.length - 1);
      const position = at(positions, positions.length - 1);
      const cluster = this.regions.cluster(node);
      if (done[node] === 0 && cluster !== undefined) this.cluster(cluster);
      if (done[node] === 1 || position >= g.operandCount(node)) {
        stack.pop();
        positions.pop();
        if (done[node] === 0 && this.regions.kept[node] === 1)
          this.list(this.regions.region(node)).push({ kind: 'define', node });
        done[node] = 1;
      } else {
        positions[positions.length - 1] = position + 1;
        const operand = g.operand(node, position);
        if (g.operandCount(operand) > 0) {
          stack.push(operand);
          positions.push(0);
        }
      }
    }
  }

  private list(region: number): Item[] {
    const list = this.lists[region];
    if (list === undefined) throw new RangeError(`region ${region} is not open`);
    return list;
  }

  private cluster({ condition, region, whenTrue, whenFalse, members }: Cluster): void {
    const { g } = this;
    for (const member of members) this.done[member] = 1;
    this.need(condition);
    const arm = (inner: number, armOf: (member: number) => number): Item[] => {
      const items: Item[] = [];
      this.lists[inner] = items;
      for (const member of members) {
        const value = armOf(member);
        this.need(value);
        items.push({ kind: 'assign', member, value });
      }
      this.lists[inner] = undefined;
      return items;
    };
    const first = arm(whenTrue, member => g.b(member));
    const second = arm(whenFalse, member => g.c(member));
    this.list(region).push({ kind: 'branch', condition, whenTrue: first, whenFalse: second, members });
  }
}

/** Cuts lists of items into functions; a large arm of a branch becomes calls. */
class Cutter {
  readonly functions: ProgramFunction[] = [];
  private readonly regions: Regions;

  private readonly most: number;

  constructor(regions: Regions, most: number) {
    this.regions = regions;
    this.most = most;
  }

  private use(node: number): number {
    return this.regions.kept[node] === 1 ? 1 : at(this.regions.operations, node);
  }

  private size(item: Item): number {
    switch (item.kind) {
      case 'define':
        return at(this.regions.operations, item.node) + 1;
      case 'assign':
      case 'store':
        return this.use(item.value) + 1;
      case 'branch':
        return this.use(item.condition) + 1 + this.total(item.whenTrue) + this.total(item.whenFalse);
      case 'call':
        return 1;
    }
  }

  private total(items: readonly Item[]): number {
    return items.reduce((sum, item) => sum + this.size(item), 0);
  }

  /** Calls of functions that together do `items`. */
  cut(items: readonly Item[]): Item[] {
    const calls: Item[] = [];
    let current: Item[] = [];
    let size = 0;
    const flush = () => {
      if (current.length === 0) return;
      const target = { items: current };
      this.functions.push(target);
      calls.push({ kind: 'call', target });
      current = [];
      size = 0;
    };
    for (const item of items) {
      const piece = this.shrink(item);
      const own = this.size(piece);
      if (size + own > this.most) flush();
      current.push(piece);
      size += own;
    }
    flush();
    return calls;
  }

  private shrink(item: Item): Item {
    if (item.kind !== 'branch' || this.size(item) <= this.most) return item;
    return { ...item, whenTrue: this.cut(item.whenTrue), whenFalse: this.cut(item.whenFalse) };
  }
}

/** Orders the stores that `roots` describe, and what they need, without cutting. */
export function scheduleWhole(g: LimbGraph, roots: readonly Root[]): { items: readonly Item[]; kept: Uint8Array } {
  const regions = new Regions(g, roots);
  return { items: new Scheduler(g, regions).group(regions.root), kept: regions.kept };
}

/** Makes a program of the stores that `roots` describe, of functions with at most about `most` operations. */
export function schedule(g: LimbGraph, roots: readonly Root[], most: number = FUNCTION_SIZE): Program {
  const regions = new Regions(g, roots);
  const items = new Scheduler(g, regions).group(regions.root);
  const cutter = new Cutter(regions, most);
  return { items: cutter.cut(items), functions: cutter.functions, kept: regions.kept };
}
