import type { Domain, Instance, Signal } from '../ir/ir.ts';
import type { ClockedView } from './clocked-view.ts';
import type { GraphNode, Sink } from './combinational-graph.ts';

/** An input of a child whose value comes to a synchroniser inside; masks of clocks in terms of the parent. */
export interface GatedPin {
  readonly instance: Instance;
  readonly input: string;
  readonly nodes: readonly number[];
  /** Synchronisers that take it as it is. */
  readonly straight: bigint;
  /** Synchronisers with a gate before them inside. */
  readonly gated: bigint;
}

/** The gated views of clocked views, each made once. */
export class GatedViews {
  private readonly known = new Map<ClockedView, GatedView>();

  of(view: ClockedView): GatedView {
    let gated = this.known.get(view);
    if (!gated) {
      gated = new GatedView(view, child => this.of(child));
      this.known.set(view, gated);
    }
    return gated;
  }
}

/** What of a module's values has been through a gate on its way from a register or input: such a value may show another one while it changes. */
export class GatedView {
  readonly view: ClockedView;
  /** Registers that stand for a synchroniser's stage. */
  readonly stages: readonly Sink[];
  private readonly gatedView: (child: ClockedView) => GatedView;
  private readonly gated: readonly bigint[];
  private takers: ReadonlyMap<string, { readonly straight: bigint; readonly gated: bigint }> | undefined;

  constructor(view: ClockedView, gatedView: (child: ClockedView) => GatedView) {
    this.view = view;
    this.gatedView = gatedView;
    this.stages = view.graph.sinks.filter(({ item }) => 'crossing' in item && item.crossing === true);
    this.gated = this.spread();
  }

  /** What a node depends on through a gate; masks as `ClockedView` has them. */
  through(node: number): bigint {
    return this.gated[node] ?? 0n;
  }

  /** The same without inputs. */
  clocksThrough(node: number): bigint {
    return this.through(node) & ((this.view.none << 1n) - 1n);
  }

  /** What begins at a node, an output of a child, and has been through a gate inside. */
  beginsGated(node: number): bigint {
    const { child } = this.view.graph.nodes[node] ?? {};
    const inside = child && this.view.children.get(child.instance);
    if (!child || !inside) return 0n;
    const gated = this.gatedView(inside.view);
    const clocks = gated.leaving(child.port).reduce((all, end) => all | gated.clocksThrough(end), 0n);
    return this.view.outward(inside, clocks);
  }

  /** Whether the value that comes to a node over an edge of it meets others there. */
  isGate(node: number, edge: number): boolean {
    if (this.view.graph.gates.get(node)?.includes(edge)) return true;
    const { nodes } = this.view.graph;
    return this.isGateInside(nodes[node], nodes[edge]);
  }

  private isGateInside(output: GraphNode | undefined, input: GraphNode | undefined): boolean {
    const child = output?.child;
    const inside = child && this.view.children.get(child.instance);
    if (!child || !inside || input?.net === undefined) return false;
    const gated = this.gatedView(inside.view);
    const mask = inside.view.inputMask(input.net.slice(child.instance.name.length + 1));
    return gated.leaving(child.port).some(end => (gated.through(end) & mask) !== 0n);
  }

  private leaving(port: Signal): readonly number[] {
    const { external } = this.view.module;
    return external && !external.modelled ? [] : this.view.graph.nodesOf(port.name);
  }

  private spread(): bigint[] {
    const { view } = this;
    const { graph } = view;
    const gated = new Array<bigint>(graph.nodes.length).fill(0n);
    for (const component of graph.components) {
      let mask = 0n;
      for (const node of component) {
        mask |= this.beginsGated(node);
        for (const edge of graph.nodes[node]?.edges ?? [])
          mask |= (gated[edge] ?? 0n) | (this.isGate(node, edge) ? view.all(edge) : 0n);
      }
      for (const node of component) gated[node] = mask;
    }
    return gated;
  }

  /** The clocks of synchronisers inside that take an input as it is, and of those with a gate before them. */
  taken(input: string): { readonly straight: bigint; readonly gated: bigint } {
    this.takers ??= this.findTakers();
    return this.takers.get(input) ?? { straight: 0n, gated: 0n };
  }

  private findTakers(): Map<string, { straight: bigint; gated: bigint }> {
    const { view } = this;
    const takers = new Map<string, { straight: bigint; gated: bigint }>();
    if (view.module.external && !view.module.external.modelled) return takers;
    for (const { name, kind } of view.module.signals) {
      if (kind !== 'input') continue;
      const mask = view.inputMask(name);
      const found = { straight: 0n, gated: 0n };
      const add = (node: number, straight: bigint, gated: bigint) => {
        if ((this.through(node) & mask) !== 0n) found.gated |= straight | gated;
        else if ((view.all(node) & mask) !== 0n) {
          found.straight |= straight;
          found.gated |= gated;
        }
      };
      for (const { node, domain } of this.stages) add(node, view.clockOf(domain), 0n);
      for (const pin of this.pins()) for (const node of pin.nodes) add(node, pin.straight, pin.gated);
      if ((found.straight | found.gated) !== 0n) takers.set(name, found);
    }
    return takers;
  }

  /** The inputs of children that some synchroniser inside takes. */
  pins(): readonly GatedPin[] {
    return [...this.view.children].flatMap(([instance, child]) =>
      instance.module.signals.flatMap((signal): GatedPin[] => {
        if (signal.kind !== 'input') return [];
        const { straight, gated } = this.gatedView(child.view).taken(signal.name);
        if ((straight | gated) === 0n) return [];
        const nodes = this.view.graph.nodesOf(`${instance.name}.${signal.name}`);
        const outward = (mask: bigint) => this.view.outward(child, mask);
        return [{ instance, input: signal.name, nodes, straight: outward(straight), gated: outward(gated) }];
      }),
    );
  }

  /** The gated view of a child and what it calls the clocks of a mask. */
  inside(instance: Instance, clock: bigint): { readonly gated: GatedView; readonly clock: bigint } | undefined {
    const child = this.view.children.get(instance);
    return child && { gated: this.gatedView(child.view), clock: this.view.inward(child, clock) };
  }

  domainOf(clock: bigint): Domain | undefined {
    return this.view.domainsIn(clock)[0];
  }
}
