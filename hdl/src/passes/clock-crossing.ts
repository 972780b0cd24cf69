import type { Design, Domain, Memory, Module, Signal } from '../ir/ir.ts';
import { ownDomains } from '../ir/state.ts';
import { isUsers, type Step } from '../lang/error-layout.ts';
import { type ClockedView, ClockedViews, ownClocks } from './clocked-view.ts';
import type { Diagnostic } from './diagnostic.ts';
import { type Inside, pathText, shortestPath, stepsOf, stepsThrough } from './paths.ts';

/**
 * Values that come from one clock, or from none, to a register or memory of another: at its clock edge they may just be changing. Domains that the
 * parent drives with one clock are one. What properties and log lines look at is not checked: they are no hardware.
 */
export function clockCrossing(design: Design): Diagnostic[] {
  if (design.modules.every(isSynchronous)) return [];
  const views = new ClockedViews();
  const top = views.of(design.top, ownClocks(design.top), true);
  const order = new Map(design.modules.map((module, i) => [module, i]));
  const all = [top, ...views.all().filter(view => view !== top)];
  all.sort((a, b) => (order.get(a.module) ?? 0) - (order.get(b.module) ?? 0));
  return all.flatMap(view => new Crossings(views, view).found());
}

/** Whether one clock is all that the module knows of; domains that have it with a reset of their own are told apart only where nobody sees inside. */
function isSynchronous(module: Module): boolean {
  const clocks = module.external && !module.external.modelled ? module.domains : ownDomains(module);
  return clocks.length === 1 && module.signals.every(signal => signal.kind !== 'input' || signal.domain !== undefined);
}

/** The crossings that show in one module. */
class Crossings {
  private readonly views: ClockedViews;
  private readonly view: ClockedView;
  private readonly inside: Inside;

  constructor(views: ClockedViews, view: ClockedView) {
    this.views = views;
    this.view = view;
    this.inside = ({ instance, port }, input, prefix) =>
      stepsThrough(this.views.graph(instance.module), port, input, prefix, this.inside);
  }

  found(): Diagnostic[] {
    const { view } = this;
    const own = view.sinks.flatMap(({ item, domain, node }) =>
      this.foreign([node], view.clockOf(domain)).map(origin => {
        const steps = this.upstream(view, [node], origin, '');
        return this.diagnostic(origin, domain, item, steps);
      }),
    );
    const children = view.pins().flatMap(({ instance, child, input, nodes, clocks }) =>
      view.domainsIn(clocks).flatMap(domain => {
        const clock = view.clockOf(domain);
        return this.foreign(nodes, clock).map(origin => {
          const node = nodes.filter(n => (view.originsOf(n) & origin) !== 0n);
          const before = this.upstream(view, node, origin, '');
          const after = this.downstream(child.view, input, view.inward(child, clock), `${instance.name}.`);
          return this.diagnostic(origin, domain, after.item, [...before, ...after.steps]);
        });
      }),
    );
    return [...own, ...children];
  }

  /** The origin that nodes depend on besides their own clock: one is enough to tell of. */
  private foreign(nodes: readonly number[], clock: bigint): readonly bigint[] {
    const others = nodes.reduce((all, node) => all | this.view.originsOf(node), 0n) & ~clock;
    return others === 0n ? [] : [others & -others];
  }

  /** How a value of `origin` comes to one of `nodes`. */
  private upstream(view: ClockedView, nodes: readonly number[], origin: bigint, prefix: string): readonly Step[] {
    const path = shortestPath(view.graph, nodes, node => (view.begins(node) & origin) !== 0n);
    const steps = stepsOf(view.graph, path.toReversed(), this.inside, prefix);
    const { source, child: output } = view.graph.nodes[path.at(-1) ?? -1] ?? {};
    if (source) return [{ name: prefix + source.name, site: source.site }, ...steps];
    const child = output && view.children.get(output.instance);
    if (!output || !child) return steps;
    const ends = child.view.graph.nodesOf(output.port.name);
    const before = this.upstream(child.view, ends, view.inward(child, origin), `${prefix}${output.instance.name}.`);
    return [...before.slice(0, -1), ...steps];
  }

  /** How the value of an input comes to a register or memory of `clock`; `item` is undefined where that is inside a black box. */
  private downstream(
    view: ClockedView,
    input: string,
    clock: bigint,
    prefix: string,
  ): { readonly item: Signal | Memory | undefined; readonly steps: readonly Step[] } {
    const { graph } = view;
    const isInput = (node: number) => graph.inputOf(node) === input;
    // The input itself is the last step of the path to it.
    const stepsTo = (nodes: readonly number[]) =>
      stepsOf(graph, shortestPath(graph, nodes, isInput).toReversed(), this.inside, prefix).slice(1);
    for (const { item, domain, node } of view.sinks) {
      if (view.clockOf(domain) === clock && view.dependsOnInput(node, input)) return { item, steps: stepsTo([node]) };
    }
    for (const pin of view.pins()) {
      const nodes = pin.nodes.filter(node => view.dependsOnInput(node, input));
      if ((pin.clocks & clock) === 0n || nodes.length === 0) continue;
      const { item, steps } = this.downstream(
        pin.child.view,
        pin.input,
        view.inward(pin.child, clock),
        `${prefix}${pin.instance.name}.`,
      );
      return { item, steps: [...stepsTo(nodes), ...steps] };
    }
    return { item: undefined, steps: [] };
  }

  private diagnostic(
    origin: bigint,
    domain: Domain | undefined,
    item: Signal | Memory | undefined,
    steps: readonly Step[],
  ): Diagnostic {
    const [from] = this.view.domainsIn(origin);
    const source = from ? `the clock domain '${from.name}'` : 'no clock';
    const last = steps.at(-1)?.name;
    return {
      check: 'clock-crossing',
      severity: 'error',
      message: `clock crossing in ${this.view.module.name}, from ${source} to the clock domain '${domain?.name}': ${pathText(steps)}`,
      sites: steps
        .filter(({ site }) => isUsers(site))
        .slice(-1)
        .map(({ site }) => site),
      path: steps,
      hint:
        item && 'kind' in item && item.kind !== 'register'
          ? `the end of this reset may come at an edge of '${domain?.name}': take it through a ResetSynchroniser in a domain of its own, and let the output of that be the reset`
          : item && 'kind' in item
            ? `take it through a ${item.width === 1 ? 'Synchroniser' : 'WordSynchroniser or an AsyncFifo'}; if something else keeps the value still, declare '${last}' with { crossing: 'stable' }`
            : 'take it through a Synchroniser (one bit), a WordSynchroniser or an AsyncFifo first',
    };
  }
}
