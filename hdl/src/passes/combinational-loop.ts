import type { Design, Module, Site } from '../ir/ir.ts';
import { CombinationalGraph } from './combinational-graph.ts';
import type { Diagnostic } from './diagnostic.ts';

/** A net on a path, by its name below the module where the path was found. */
interface Step {
  readonly name: string;
  readonly site: Site;
}

/** Values that depend on themselves without a register between, also by way of children. The whole path is named, in the direction of the data. */
export function combinationalLoop(design: Design): Diagnostic[] {
  const graphs = new Map<Module, CombinationalGraph>();
  const of = (module: Module): CombinationalGraph => {
    let graph = graphs.get(module);
    if (graph === undefined) {
      graph = new CombinationalGraph(module, child => of(child).paths);
      graphs.set(module, graph);
    }
    return graph;
  };
  return design.modules.flatMap(module => {
    const graph = of(module);
    return graph.components.flatMap((component): Diagnostic[] => {
      const [first] = component;
      if (first === undefined || (component.length === 1 && !graph.nodes[first]?.edges.includes(first))) return [];
      const inside = new Set(component);
      const start = component.find(node => graph.nodes[node]?.net !== undefined && !graph.nodes[node]?.child) ?? first;
      const path = shortestPath(graph, [start], node => node === start, inside);
      const steps = describe(graph, path.toReversed(), of, '');
      const names = steps.map(step => step.name).filter((name, i, all) => name !== all[i - 1]);
      if (names.length === 1) names.push(...names);
      return [
        {
          check: 'combinational-loop',
          severity: 'error',
          message: `combinational loop in ${module.name}: ${names.join(' -> ')}`,
          sites: steps.map(step => step.site),
          hint: 'put a register on the path, or make one of these values not depend on the one before it',
        },
      ];
    });
  });
}

/** The nodes from one of `from` along the edges to the nearest that `goal` accepts, both included; at least one edge long. */
function shortestPath(
  graph: CombinationalGraph,
  from: readonly number[],
  goal: (node: number) => boolean,
  inside?: ReadonlySet<number>,
): number[] {
  const before = new Map<number, number>();
  let edge = from;
  while (edge.length > 0) {
    const next: number[] = [];
    for (const node of edge) {
      for (const to of graph.nodes[node]?.edges ?? []) {
        if (inside && !inside.has(to)) continue;
        if (goal(to)) {
          const path = [to, node];
          for (let back = before.get(node); back !== undefined; back = before.get(back)) path.push(back);
          return path.reverse();
        }
        if (before.has(to) || from.includes(to)) continue;
        before.set(to, node);
        next.push(to);
      }
    }
    edge = next;
  }
  return [];
}

/** The nets of a path in the direction of the data, with what lies inside of the children that it passes through. */
function describe(
  graph: CombinationalGraph,
  path: readonly number[],
  of: (module: Module) => CombinationalGraph,
  prefix: string,
): Step[] {
  return path.flatMap((index, i): Step[] => {
    const node = graph.nodes[index];
    if (!node || node.net === undefined) return [];
    // The node before a net is the assignment that drives it; a loop begins where it ends.
    const driver = graph.nodes[path.at(i > 0 ? i - 1 : -2) ?? -1];
    const site = driver && driver.net === undefined ? driver.site : node.site;
    const step = { name: prefix + node.net, site };
    const before = graph.nodes[path[i - 1] ?? -1]?.net;
    if (!node.child || before === undefined) return [step];
    const { instance, port } = node.child;
    const child = of(instance.module);
    const input = before.slice(instance.name.length + 1);
    const inner = shortestPath(child, child.nodesOf(port.name), to => child.inputOf(to) === input);
    // The ends are the ports, which the path outside names already.
    const steps = describe(child, inner.toReversed(), of, `${prefix}${instance.name}.`);
    return [...steps.slice(1, -1), step];
  });
}
