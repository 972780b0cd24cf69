import { at } from './at.ts';
import { type LimbGraph, Op } from './limb-graph.ts';
import type { Root } from './program.ts';

/** Stores and nested branches of stores that happen under one set of conditions. */
export interface StoreGroup {
  readonly region: number;
  readonly stores: readonly Root[];
  readonly branches: readonly { readonly condition: number; readonly whenTrue: StoreGroup; readonly whenFalse: StoreGroup }[];
}

/** Select nodes of one condition and region that become one branch. */
export interface Cluster {
  readonly condition: number;
  readonly region: number;
  readonly whenTrue: number;
  readonly whenFalse: number;
  readonly members: readonly number[];
}

/** Branches deeper than this are computed without branching, so that no recursion is deeper. */
const DEEPEST_REGION = 100;
/** Single uses deeper than this, in nested operations, get a variable of their own. */
const DEEPEST_EXPRESSION = 60;
/** Single uses with more operations than this get a variable of their own. */
const LARGEST_EXPRESSION = 100;
/** Operations that are repeated at each use rather than kept. */
const CHEAP = 3;
const EXPENSIVE = 1000;
/** A branch pays from this many operations on that one arm or the other does not need. */
const WORTH_A_BRANCH = 6;

/**
 * Decides where each node that the roots need is computed: a region is an arm of a branch, and a node is computed in the innermost region
 * that all its uses are in. What only one arm of a branch needs is so computed only when that arm is taken.
 */
export class Regions {
  readonly root: StoreGroup;
  /** Whether a node has a variable (or is a member of a cluster) rather than being computed where it is used; by node. */
  readonly kept: Uint8Array;
  /** Operations to compute a node where it is used, up to the kept nodes below it; by node. */
  readonly operations: Int32Array;
  private readonly g: LimbGraph;
  private readonly parents: number[] = [-1];
  private readonly depths: number[] = [0];
  private readonly regions: Int32Array;
  private readonly uses: Int32Array;
  private readonly costs: Int32Array;
  /** Whether a node depends on one that has to be avoided where possible (`Op.Observe`); by node. */
  private readonly observing: Uint8Array;
  private readonly clusters: (Cluster | undefined)[] = [];

  constructor(g: LimbGraph, roots: readonly Root[]) {
    this.g = g;
    this.regions = new Int32Array(g.size).fill(-1);
    this.uses = new Int32Array(g.size);
    this.costs = new Int32Array(g.size);
    this.observing = new Uint8Array(g.size);
    this.kept = new Uint8Array(g.size);
    this.operations = new Int32Array(g.size);
    const live = this.reach(roots);
    this.root = this.group(roots, 0);
    this.place(live);
    this.keep(live);
  }

  /** Region of a node. */
  region(node: number): number {
    return this.regions[node] as number;
  }

  cluster(node: number): Cluster | undefined {
    return this.clusters[node];
  }

  /** Nodes that the roots need, in order; counts their uses and estimates the cost of each as a tree. */
  private reach(roots: readonly Root[]): number[] {
    const { g, uses, costs, observing } = this;
    const use = (node: number) => {
      uses[node] = (uses[node] as number) + 1;
    };
    for (const root of roots) {
      use(root.value);
      if (root.guard >= 0) use(root.guard);
    }
    const live: number[] = [];
    for (let node = g.size - 1; node >= 0; node--) {
      if (uses[node] === 0) continue;
      live.push(node);
      for (let i = g.operandCount(node) - 1; i >= 0; i--) use(g.operand(node, i));
    }
    live.reverse();
    for (const node of live) {
      const op = g.op(node);
      let cost = op === Op.Const ? 0 : op === Op.Read ? EXPENSIVE : 1;
      if (op === Op.Observe) observing[node] = 1;
      for (let i = g.operandCount(node) - 1; i >= 0; i--) {
        const operand = g.operand(node, i);
        cost += costs[operand] as number;
        if (observing[operand] === 1) observing[node] = 1;
      }
      costs[node] = Math.min(cost, EXPENSIVE);
    }
    return live;
  }

  private newRegion(parent: number): number {
    this.depths.push((this.depths[parent] as number) + 1);
    return this.parents.push(parent) - 1;
  }

  private use(node: number, region: number): void {
    this.uses[node] = (this.uses[node] as number) + 1;
    let a = this.regions[node] as number;
    let b = region;
    if (a < 0) a = b;
    while (a !== b) {
      if ((this.depths[a] as number) >= (this.depths[b] as number)) a = this.parents[a] as number;
      else b = this.parents[b] as number;
    }
    this.regions[node] = a;
  }

  /** Operations that only `node` needs; enough for a branch if they are to be avoided. */
  private exclusive(node: number, depth = 0): number {
    const { g } = this;
    if (this.observing[node] === 1) return WORTH_A_BRANCH;
    if ((this.uses[node] as number) > 1 || depth > DEEPEST_EXPRESSION) return 0;
    const op = g.op(node);
    let sum = op === Op.Const || op === Op.Load ? 0 : op === Op.Read ? 2 : 1;
    for (let i = g.operandCount(node) - 1; i >= 0 && sum < WORTH_A_BRANCH; i--)
      sum += this.exclusive(g.operand(node, i), depth + 1);
    return sum;
  }

  /** Turns selects that only feed a store into branches around stores. */
  private group(roots: readonly Root[], region: number): StoreGroup {
    const { g } = this;
    const byCondition = new Map<number, Root[]>();
    const stores: Root[] = [];
    for (const root of roots) {
      if (root.value === root.hold) continue;
      const conditional = root.guard >= 0 || (g.op(root.value) === Op.Select && this.uses[root.value] === 1);
      if (!conditional || (this.depths[region] as number) >= DEEPEST_REGION) {
        stores.push(root);
        continue;
      }
      const condition = root.guard >= 0 ? root.guard : g.a(root.value);
      const list = byCondition.get(condition);
      if (list === undefined) byCondition.set(condition, [root]);
      else list.push(root);
    }
    const branches: StoreGroup['branches'][number][] = [];
    for (const [condition, list] of byCondition) {
      const whenTrue = list.map(root => (root.guard >= 0 ? { ...root, guard: -1 } : { ...root, value: g.b(root.value) }));
      const whenFalse = list.flatMap(root => (root.guard >= 0 ? [] : { ...root, value: g.c(root.value) }));
      const gain = list.reduce((sum, root) => sum + (root.guard >= 0 ? WORTH_A_BRANCH : this.branchGain(root.value)), 0);
      if (gain < WORTH_A_BRANCH) stores.push(...list);
      else
        branches.push({
          condition,
          whenTrue: this.group(whenTrue, this.newRegion(region)),
          whenFalse: this.group(whenFalse, this.newRegion(region)),
        });
    }
    return { region, stores, branches };
  }

  /** What a branch saves over computing both arms of a select. */
  private branchGain(select: number): number {
    const { g } = this;
    return (g.width(select) > 32 ? 3 : 2) + this.exclusive(g.b(select)) + this.exclusive(g.c(select));
  }

  /**
   * Gives every node its region, users first. Selects are sorted by how many selects are below them: of one level none depends on another,
   * so that those of one condition and region can become one branch.
   */
  private place(live: readonly number[]): void {
    const { g } = this;
    const levels = new Int32Array(g.size);
    const plain: number[][] = [[]];
    const selects: number[][] = [[]];
    for (const node of live) {
      let level = 0;
      for (let i = g.operandCount(node) - 1; i >= 0; i--) level = Math.max(level, levels[g.operand(node, i)] as number);
      const isSelect = g.op(node) === Op.Select;
      if (isSelect) level++;
      levels[node] = level;
      if (level === plain.length) {
        plain.push([]);
        selects.push([]);
      }
      at(isSelect ? selects : plain, level).push(node);
    }
    const gains = new Int32Array(g.size);
    for (const list of selects) for (const node of list) gains[node] = this.branchGain(node);
    this.uses.fill(0);
    this.useGroup(this.root);
    for (let level = plain.length - 1; level >= 0; level--) {
      for (const node of at(plain, level).reverse()) this.useOperands(node);
      this.placeSelects(at(selects, level), gains);
    }
  }

  private useGroup(group: StoreGroup): void {
    for (const root of group.stores) {
      if (root.guard >= 0) this.use(root.guard, group.region);
      this.use(root.value, group.region);
    }
    for (const branch of group.branches) {
      this.use(branch.condition, group.region);
      this.useGroup(branch.whenTrue);
      this.useGroup(branch.whenFalse);
    }
  }

  private useOperands(node: number): void {
    const region = this.regions[node] as number;
    if (region < 0) return;
    for (let i = this.g.operandCount(node) - 1; i >= 0; i--) this.use(this.g.operand(node, i), region);
  }

  private placeSelects(selects: readonly number[], gains: Int32Array): void {
    const { g } = this;
    const together = new Map<number, number[]>();
    for (const node of selects) {
      const region = this.regions[node] as number;
      if (region < 0) continue;
      const key = region * g.size + g.a(node);
      const list = together.get(key);
      if (list === undefined) together.set(key, [node]);
      else list.push(node);
    }
    for (const members of together.values()) {
      const region = this.regions[at(members, 0)] as number;
      const gain = members.reduce((sum, member) => sum + (gains[member] as number), 0);
      if (gain < WORTH_A_BRANCH || (this.depths[region] as number) >= DEEPEST_REGION) {
        for (const member of members) this.useOperands(member);
        continue;
      }
      const condition = g.a(at(members, 0));
      const cluster = { condition, region, whenTrue: this.newRegion(region), whenFalse: this.newRegion(region), members };
      this.use(condition, region);
      for (const member of members) {
        this.clusters[member] = cluster;
        this.use(g.b(member), cluster.whenTrue);
        this.use(g.c(member), cluster.whenFalse);
      }
    }
  }

  /** Decides which nodes get a variable. */
  private keep(live: readonly number[]): void {
    const { g, kept, operations } = this;
    const depths = new Uint8Array(g.size);
    for (const node of live) {
      let depth = 0;
      let count = g.op(node) === Op.Const ? 0 : 1;
      for (let i = g.operandCount(node) - 1; i >= 0; i--) {
        const operand = g.operand(node, i);
        depth = Math.max(depth, kept[operand] === 1 ? 0 : at(depths, operand));
        count += kept[operand] === 1 ? 0 : at(operations, operand);
      }
      depths[node] = depth + 1;
      operations[node] = count;
      const shared = (this.uses[node] as number) > 1 && (this.costs[node] as number) > CHEAP;
      const large = depth >= DEEPEST_EXPRESSION || count >= LARGEST_EXPRESSION;
      if (this.clusters[node] !== undefined || shared || large) kept[node] = 1;
    }
  }
}
