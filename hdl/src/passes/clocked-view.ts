import type { Domain, Instance, Module, Signal } from '../ir/ir.ts';
import { outerDomain } from '../ir/state.ts';
import { CombinationalGraph, type Sink } from './combinational-graph.ts';

/** For each domain of a module the first one that has the same clock, if each domain with ports has one of its own. */
export function ownClocks({ domains }: Module): number[] {
  return domains.map((domain, i) => (domain.of ? domains.indexOf(domain.of) : i));
}

/** A child as its parent sees it. */
export interface Child {
  readonly view: ClockedView;
  /** By domain of the child: the parent's that drives it. */
  readonly outer: readonly number[];
}

/** The views of a design and the graphs below them, each made once. */
export class ClockedViews {
  private readonly views = new Map<Module, Map<string, ClockedView>>();
  private readonly graphs = new Map<Module, CombinationalGraph>();

  /** @param clocks for each domain of the module the first one with the same clock. */
  of(module: Module, clocks: readonly number[], isTop = false): ClockedView {
    const variants = this.views.get(module) ?? new Map<string, ClockedView>();
    this.views.set(module, variants);
    const key = clocks.join();
    let view = variants.get(key);
    if (!view) {
      view = new ClockedView(this, module, clocks, isTop);
      variants.set(key, view);
    }
    return view;
  }

  graph(module: Module): CombinationalGraph {
    let graph = this.graphs.get(module);
    if (!graph) {
      graph = new CombinationalGraph(module, child => this.graph(child).paths, true);
      this.graphs.set(module, graph);
    }
    return graph;
  }

  all(): readonly ClockedView[] {
    return [...this.views.values()].flatMap(variants => [...variants.values()]);
  }
}

/**
 * A module of which it is known which of its domains have the same clock: what each value depends on. A set of origins is a mask: bit d stands for
 * the clock of domain d, the next one for no clock, those above for the module's inputs, whose origin only the parent knows.
 */
export class ClockedView {
  readonly module: Module;
  readonly graph: CombinationalGraph;
  /** Where a register or memory takes a value: those that are declared `crossing` take any. */
  readonly sinks: readonly Sink[];
  readonly children = new Map<Instance, Child>();
  /** What an asynchronous value depends on. */
  readonly none: bigint;
  private readonly views: ClockedViews;
  private readonly clocks: readonly number[];
  private readonly isTop: boolean;
  private readonly inputs: readonly Signal[];
  private readonly reach: bigint[];
  private readonly written = new Map<object, bigint>();
  private takenBy: Map<string, bigint> | undefined;

  constructor(views: ClockedViews, module: Module, clocks: readonly number[], isTop: boolean) {
    this.views = views;
    this.module = module;
    this.clocks = clocks;
    this.isTop = isTop;
    this.none = 1n << BigInt(module.domains.length);
    this.inputs = module.signals.filter(signal => signal.kind === 'input');
    this.graph = views.graph(module);
    for (const instance of module.instances) this.children.set(instance, this.child(instance));
    this.sinks = this.graph.sinks.filter(({ item }) => !('crossing' in item && item.crossing));
    for (const { item, domain } of this.graph.sinks)
      this.written.set(item, (this.written.get(item) ?? 0n) | this.clockOf(domain));
    this.reach = this.spread();
  }

  private child(instance: Instance): Child {
    const { domains } = instance.module;
    const outer = domains.map(domain => this.indexOf(outerDomain(instance, domain)));
    const clocks = outer.map(clock => outer.indexOf(clock));
    return { view: this.views.of(instance.module, clocks), outer };
  }

  private indexOf(domain: Domain | undefined): number {
    const index = domain ? this.module.domains.indexOf(domain) : 0;
    return this.clocks[index] ?? 0;
  }

  /** The mask of a domain's clock; of none for undefined. */
  clockOf(domain: Domain | undefined): bigint {
    return domain ? 1n << BigInt(this.indexOf(domain)) : this.none;
  }

  /** The domains of a mask, undefined standing for no clock. */
  domainsIn(mask: bigint): readonly (Domain | undefined)[] {
    return [...this.module.domains, undefined].filter((_, i) => ((mask >> BigInt(i)) & 1n) === 1n);
  }

  /** The clocks, and no clock, that a node depends on. */
  originsOf(node: number): bigint {
    return this.all(node) & ((this.none << 1n) - 1n);
  }

  dependsOnInput(node: number, input: string): boolean {
    return (this.all(node) & this.inputMask(input)) !== 0n;
  }

  /** All that a node depends on, the inputs among it. */
  all(node: number): bigint {
    return this.reach[node] ?? 0n;
  }

  inputMask(name: string): bigint {
    return this.none << BigInt(1 + this.inputs.findIndex(input => input.name === name));
  }

  /** What begins at this node: the clock of a register, of those who write a memory, of what is inside a child. */
  begins(node: number): bigint {
    const { source, child } = this.graph.nodes[node] ?? {};
    if (source) return 'kind' in source ? this.clockOf(source.domain) : (this.written.get(source) ?? 0n);
    const inside = child && this.children.get(child.instance);
    if (child && inside) return this.outward(inside, inside.view.leaving(child.port));
    const input = node < this.inputs.length ? this.inputs[node] : undefined;
    if (!input) return 0n;
    return this.isTop ? this.clockOf(input.domain) : this.inputMask(input.name);
  }

  /** The clocks of registers that an output depends on. */
  private leaving(port: Signal): bigint {
    const { external, domains } = this.module;
    // What is inside is unknown, so with several clocks the value may be of any.
    if (external && !external.modelled) return domains.length === 1 ? 1n : this.none;
    return this.graph.nodesOf(port.name).reduce((all, node) => all | this.originsOf(node), 0n);
  }

  /** The same clocks, or none, outside of a child. */
  outward({ view, outer }: Child, mask: bigint): bigint {
    const clocks = outer.reduce((all, clock, i) => ((mask >> BigInt(i)) & 1n ? all | (1n << BigInt(clock)) : all), 0n);
    return (mask & view.none) === 0n ? clocks : clocks | this.none;
  }

  /** The same clock, or none, inside a child. */
  inward({ view, outer }: Child, mask: bigint): bigint {
    if (mask === this.none) return view.none;
    return 1n << BigInt(outer.findIndex(clock => mask === 1n << BigInt(clock)));
  }

  private spread(): bigint[] {
    const reach = new Array<bigint>(this.graph.nodes.length).fill(0n);
    for (const component of this.graph.components) {
      let mask = 0n;
      for (const node of component) {
        mask |= this.begins(node);
        for (const edge of this.graph.nodes[node]?.edges ?? []) mask |= reach[edge] ?? 0n;
      }
      for (const node of component) reach[node] = mask;
    }
    return reach;
  }

  /** The clocks of the registers and memories that take the value of an input of a child, in terms of this module. */
  takers(instance: Instance, input: string): bigint {
    const child = this.children.get(instance);
    return child ? this.outward(child, child.view.taken(input)) : 0n;
  }

  /** The clocks of the registers and memories inside that take the value of an input. */
  private taken(input: string): bigint {
    this.takenBy ??= this.findTakers();
    return this.takenBy.get(input) ?? 0n;
  }

  private findTakers(): Map<string, bigint> {
    const { external } = this.module;
    if (external && !external.modelled)
      return new Map(this.inputs.map(({ name, domain }) => [name, domain ? this.clockOf(domain) : 0n]));
    const takers = new Map<string, bigint>();
    const add = (node: number, clocks: bigint) => {
      let mask = this.all(node) >> BigInt(this.module.domains.length + 1);
      for (let i = 0; mask > 0n; i++, mask >>= 1n) {
        const name = (mask & 1n) === 1n ? this.inputs[i]?.name : undefined;
        if (name !== undefined) takers.set(name, (takers.get(name) ?? 0n) | clocks);
      }
    };
    for (const { node, domain } of this.sinks) add(node, this.clockOf(domain));
    for (const { nodes, clocks } of this.pins()) for (const node of nodes) add(node, clocks);
    return takers;
  }

  /** The inputs of children that some register inside takes. */
  pins(): readonly { instance: Instance; child: Child; input: string; nodes: readonly number[]; clocks: bigint }[] {
    return [...this.children].flatMap(([instance, child]) =>
      instance.module.signals.flatMap(signal => {
        if (signal.kind !== 'input') return [];
        const clocks = this.takers(instance, signal.name);
        const nodes = this.graph.nodesOf(`${instance.name}.${signal.name}`);
        return clocks === 0n ? [] : [{ instance, child, input: signal.name, nodes, clocks }];
      }),
    );
  }
}
