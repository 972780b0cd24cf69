import type { Signal } from '../ir/ir.ts';
import type { Step } from '../lang/error-layout.ts';
import type { CombinationalGraph, GraphNode } from './combinational-graph.ts';

/** The nodes from one of `from` along the edges to the nearest that `goal` accepts, both included; at least one edge long. */
export function shortestPath(
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

/** What lies inside a child between an input and an output of it, without the two; names with `prefix` in front. */
export type Inside = (child: NonNullable<GraphNode['child']>, input: string, prefix: string) => readonly Step[];

/** The nets of a path in the direction of the data, with what lies inside of the children that it passes through. */
export function stepsOf(graph: CombinationalGraph, path: readonly number[], inside: Inside, prefix = ''): Step[] {
  return path.flatMap((index, i): Step[] => {
    const node = graph.nodes[index];
    if (!node || node.net === undefined) return [];
    // The node before a net is the assignment that drives it; a loop begins where it ends.
    const loop = path.length > 1 && path[0] === path.at(-1);
    const driver = graph.nodes[(i > 0 ? path[i - 1] : loop ? path.at(-2) : undefined) ?? -1];
    const site = driver && driver.net === undefined ? driver.site : node.site;
    const step = { name: prefix + node.net, site };
    const before = graph.nodes[path[i - 1] ?? -1]?.net;
    if (!node.child || before === undefined) return [step];
    const { instance } = node.child;
    const input = before.slice(instance.name.length + 1);
    return [...inside(node.child, input, `${prefix}${instance.name}.`), step];
  });
}

/** What lies between an input and an output of a module whose graph is `graph`. */
export function stepsThrough(
  graph: CombinationalGraph,
  output: Signal,
  input: string,
  prefix: string,
  inside: Inside,
): readonly Step[] {
  const path = shortestPath(graph, graph.nodesOf(output.name), to => graph.inputOf(to) === input);
  return stepsOf(graph, path.toReversed(), inside, prefix).slice(1, -1);
}

/** One line: what the value runs through, in its direction. */
export function pathText(steps: readonly Step[]): string {
  return steps
    .map(step => step.name)
    .filter((name, i, all) => name !== all[i - 1])
    .join(' -> ');
}
