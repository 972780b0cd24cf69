import type { Design, Module } from '../ir/ir.ts';
import { CombinationalGraph, type OutputPaths } from './combinational-graph.ts';
import type { Diagnostic } from './diagnostic.ts';
import { type Inside, pathText, shortestPath, stepsOf, stepsThrough } from './paths.ts';
import { wordPaths } from './word-paths.ts';

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
  const inside: Inside = ({ instance, port }, input, prefix) => stepsThrough(of(instance.module), port, input, prefix, inside);
  // Most modules have no loop even if their signals count as a whole; the rest is looked at bit by bit.
  const paths = new Map<Module, OutputPaths>();
  const pathsOf = (module: Module): OutputPaths => paths.get(module) ?? of(module).paths;
  return design.modules.flatMap(module => {
    const whole = wordPaths(module, pathsOf);
    if (whole) {
      paths.set(module, whole);
      return [];
    }
    const graph = of(module);
    return graph.components
      .filter(component => isLoop(graph, component))
      .flatMap((component): Diagnostic[] => {
        const [first] = component;
        if (first === undefined) return [];
        const members = new Set(component);
        const start = component.find(node => graph.nodes[node]?.net !== undefined && !graph.nodes[node]?.child) ?? first;
        const path = shortestPath(graph, [start], node => node === start, members);
        const steps = stepsOf(graph, path.toReversed(), inside);
        const names = pathText(steps);
        return [
          {
            check: 'combinational-loop',
            severity: 'error',
            message: `combinational loop in ${module.name}: ${names.includes(' -> ') ? names : `${names} -> ${names}`}`,
            sites: steps.slice(0, 1).map(step => step.site),
            path: steps,
            hint: 'put a register on the path, or make one of these values not depend on the one before it',
          },
        ];
      });
  });
}

function isLoop({ nodes }: CombinationalGraph, component: readonly number[]): boolean {
  const [first = -1] = component;
  return component.length > 1 || nodes[first]?.edges.includes(first) === true;
}
