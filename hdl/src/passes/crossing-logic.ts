import type { Design, Signal, Site } from '../ir/ir.ts';
import { isUsers, type Step } from '../lang/error-layout.ts';
import { ClockedViews, ownClocks } from './clocked-view.ts';
import type { Diagnostic } from './diagnostic.ts';
import { type GatedView, GatedViews } from './gated-view.ts';
import { type Inside, pathText, stepsOf, stepsThrough } from './paths.ts';

/**
 * Gates between a register of one clock, or an input of none, and a synchroniser of another: while their inputs change they may show a value that is
 * neither the old nor the new one, and the synchroniser may catch it. Wires, inverters and a choice that its own clock makes are no gates, and what is
 * declared `crossing: 'stable'` is no synchroniser.
 */
export function crossingLogic(design: Design): Diagnostic[] {
  if (!design.modules.some(module => module.signals.some(signal => signal.crossing === true))) return [];
  const views = new ClockedViews();
  const top = views.of(design.top, ownClocks(design.top), true);
  const order = new Map(design.modules.map((module, i) => [module, i]));
  const all = [top, ...views.all().filter(view => view !== top)];
  all.sort((a, b) => (order.get(a.module) ?? 0) - (order.get(b.module) ?? 0));
  const gated = new GatedViews();
  return all.flatMap(view => new Gates(views, gated.of(view)).found());
}

/** A way of nodes, users before what they depend on, and the node of the first gate on it. */
interface Way {
  readonly nodes: readonly number[];
  readonly gate: number | undefined;
}

/** A part of a path in the direction of the data. */
interface Part {
  readonly steps: readonly Step[];
  readonly gate: Site | undefined;
}

/** The gates that show in one module. */
class Gates {
  private readonly views: ClockedViews;
  private readonly gated: GatedView;

  constructor(views: ClockedViews, gated: GatedView) {
    this.views = views;
    this.gated = gated;
  }

  found(): Diagnostic[] {
    const { gated } = this;
    const { view } = gated;
    const own = gated.stages.flatMap(({ domain, item, node }) => {
      const clock = view.clockOf(domain);
      const origin = one(gated.clocksThrough(node) & ~clock);
      if (origin === 0n || !('kind' in item)) return [];
      return [this.diagnostic(origin, clock, item, [this.upstream(gated, [node], origin, '', true)])];
    });
    const children = gated.pins().flatMap(pin =>
      view.domainsIn(pin.straight | pin.gated).flatMap(domain => {
        const clock = view.clockOf(domain);
        const inside = (pin.gated & clock) !== 0n;
        const depends = (node: number) => (inside ? view.originsOf(node) : gated.clocksThrough(node)) & ~clock;
        const origin = one(pin.nodes.reduce((mask, node) => mask | depends(node), 0n));
        const child = gated.inside(pin.instance, clock);
        if (origin === 0n || !child) return [];
        const nodes = pin.nodes.filter(node => (depends(node) & origin) !== 0n);
        const before = this.upstream(gated, nodes, origin, '', !inside);
        const after = this.downstream(child.gated, pin.input, child.clock, `${pin.instance.name}.`, inside);
        return after ? [this.diagnostic(origin, clock, after.stage, [before, after])] : [];
      }),
    );
    return [...own, ...children];
  }

  private readonly inside: Inside = ({ instance, port }, input, prefix) =>
    stepsThrough(this.views.graph(instance.module), port, input, prefix, this.inside);

  /** How a value of `origin` comes to one of `nodes`, through a gate if it has to be. */
  private upstream(gated: GatedView, nodes: readonly number[], origin: bigint, prefix: string, wanted: boolean): Part {
    const { view } = gated;
    const way = search(gated, nodes, (node, passed) => {
      if ((view.begins(node) & origin) === 0n) return false;
      return passed || !wanted || (gated.beginsGated(node) & origin) !== 0n;
    });
    const end = way.nodes.at(-1) ?? -1;
    const steps = stepsOf(view.graph, way.nodes.toReversed(), this.inside, prefix);
    const { source, child: output } = view.graph.nodes[end] ?? {};
    const gate = this.siteOf(gated, way.gate);
    if (source) return { steps: [{ name: prefix + source.name, site: source.site }, ...steps], gate };
    const child = output && gated.inside(output.instance, origin);
    if (!output || !child) return { steps, gate };
    const ends = child.gated.view.graph.nodesOf(output.port.name);
    const below = `${prefix}${output.instance.name}.`;
    const before = this.upstream(child.gated, ends, child.clock, below, wanted && way.gate === undefined);
    return { steps: [...before.steps.slice(0, -1), ...steps], gate: gate ?? before.gate };
  }

  /** How the value of an input comes to a synchroniser of `clock`, through a gate if it has to. */
  private downstream(
    gated: GatedView,
    input: string,
    clock: bigint,
    prefix: string,
    wanted: boolean,
  ): (Part & { readonly stage: Signal }) | undefined {
    const { view } = gated;
    const part = (nodes: readonly number[], through: boolean): Part | undefined => {
      const way = search(gated, nodes, (node, passed) => view.graph.inputOf(node) === input && (passed || !through));
      // The input itself is the last step of the path to it.
      const steps = stepsOf(view.graph, way.nodes.toReversed(), this.inside, prefix).slice(1);
      return way.nodes.length === 0 ? undefined : { steps, gate: this.siteOf(gated, way.gate) };
    };
    for (const { domain, item, node } of gated.stages) {
      if (view.clockOf(domain) !== clock || !('kind' in item)) continue;
      const found = part([node], wanted);
      if (found) return { ...found, stage: item };
    }
    for (const pin of gated.pins()) {
      const child = gated.inside(pin.instance, clock);
      if (!child || ((pin.straight | pin.gated) & clock) === 0n) continue;
      const further = wanted && (pin.gated & clock) !== 0n;
      const before = part(pin.nodes, wanted && !further);
      const after = before && this.downstream(child.gated, pin.input, child.clock, `${prefix}${pin.instance.name}.`, further);
      if (after) return { steps: [...before.steps, ...after.steps], gate: before.gate ?? after.gate, stage: after.stage };
    }
    return undefined;
  }

  private siteOf({ view }: GatedView, node: number | undefined): Site | undefined {
    return node === undefined ? undefined : view.graph.nodes[node]?.site;
  }

  private diagnostic(origin: bigint, clock: bigint, stage: Signal, parts: readonly Part[]): Diagnostic {
    const from = this.gated.domainOf(origin);
    const source = from ? `the clock domain '${from.name}'` : 'no clock';
    const steps = parts.flatMap(part => part.steps);
    const gates = parts.flatMap(({ gate }) => (gate && isUsers(gate) ? [gate] : []));
    const known = steps.filter(({ site }) => isUsers(site));
    const stable = isUsers(stage.site)
      ? `; if something keeps it still while it is taken, declare '${stage.name}' with { crossing: 'stable' }`
      : '';
    return {
      check: 'crossing-logic',
      severity: 'error',
      message:
        `logic before a synchroniser in ${this.gated.view.module.name}, which may catch a glitch of it, from ${source} ` +
        `to the clock domain '${this.gated.domainOf(clock)?.name}': ${pathText(steps)}`,
      sites: [...gates, ...known.slice(-1).map(({ site }) => site)].slice(0, 1),
      path: known,
      hint: from
        ? `let a register of '${from.name}' take the value first, and the synchroniser take that${stable}`
        : 'synchronise each of the inputs, and compute with what the synchronisers give',
    };
  }
}

/** One of the clocks of a mask: enough to tell of. */
const one = (mask: bigint) => mask & -mask;

/** The shortest way from one of `from` to a node that `goal` accepts, which learns whether there is a gate on the way. */
function search(gated: GatedView, from: readonly number[], goal: (node: number, passed: boolean) => boolean): Way {
  interface Stop {
    readonly node: number;
    readonly gate: number | undefined;
    readonly before: Stop | undefined;
  }
  const { nodes } = gated.view.graph;
  const seen = new Set<number>();
  let edge: Stop[] = from.map(node => ({ node, gate: undefined, before: undefined }));
  while (edge.length > 0) {
    const next: Stop[] = [];
    for (const stop of edge) {
      for (const to of nodes[stop.node]?.edges ?? []) {
        const gate = stop.gate ?? (gated.isGate(stop.node, to) ? stop.node : undefined);
        const key = 2 * to + (gate === undefined ? 0 : 1);
        if (seen.has(key)) continue;
        seen.add(key);
        const here = { node: to, gate, before: stop };
        if (goal(to, gate !== undefined)) return { nodes: back(here), gate };
        next.push(here);
      }
    }
    edge = next;
  }
  return { nodes: [], gate: undefined };

  function back(last: Stop): number[] {
    const path: number[] = [];
    for (let at: Stop | undefined = last; at; at = at.before) path.push(at.node);
    return path.reverse();
  }
}
