/** What the tests of handshakes share: combinational paths from a ready to a valid. */
import type { ir } from '../../hdl/src/index.ts';
import { CombinationalGraph } from '../../hdl/src/passes/combinational-graph.ts';

/** The graph of every module of a design. */
export function graphsOf(design: ir.Design): Map<ir.Module, CombinationalGraph> {
  const graphs = new Map<ir.Module, CombinationalGraph>();
  for (const module of design.modules)
    graphs.set(module, new CombinationalGraph(module, child => graphs.get(child)?.paths ?? new Map()));
  return graphs;
}

/** All that the nodes of a net depend on combinationally, themselves included. */
function reached(graph: CombinationalGraph, net: string): Set<number> {
  const found = new Set<number>(graph.nodesOf(net));
  for (const node of found) for (const next of graph.nodes[node]?.edges ?? []) found.add(next);
  return found;
}

/** Whether a path of a child ends inside its parent: what drives the ready comes from registers there, or what the valid drives reaches no output. */
function closedIn(graph: CombinationalGraph, parent: ir.Module, instance: ir.Instance, ready: string, valid: string): boolean {
  const inputs = [...reached(graph, `${instance.name}.${ready}`)].filter(node => graph.inputOf(node) !== undefined);
  if (inputs.length === 0) return true;
  const outputs = parent.signals.filter(({ kind }) => kind === 'output');
  return !outputs.some(({ name }) =>
    [...reached(graph, name)].some(node => {
      const child = graph.nodes[node]?.child;
      return child?.instance === instance && child.port.name === valid;
    }),
  );
}

/**
 * Paths from a ready to a valid, by module. A module whose name is among `forks` moves two of its streams together and may have such paths if every module that
 * uses it closes them inside.
 */
export function readyToValid(graphs: ReadonlyMap<ir.Module, CombinationalGraph>, forks: readonly string[]): string[] {
  const wrong: string[] = [];
  for (const [module, { paths }] of graphs)
    for (const [valid, inputs] of paths)
      for (const ready of inputs) {
        if (!valid.endsWith('_valid') || !ready.endsWith('_ready')) continue;
        const users = [...graphs].flatMap(([parent, graph]) =>
          parent.instances.filter(each => each.module === module).map(instance => ({ parent, graph, instance })),
        );
        const closed = users.every(({ parent, graph, instance }) => closedIn(graph, parent, instance, ready, valid));
        const fork = forks.some(name => module.name === name || module.name.startsWith(`${name}_`));
        if (!fork || users.length === 0 || !closed) wrong.push(`${module.name}: ${ready} -> ${valid}`);
      }
  return wrong;
}
