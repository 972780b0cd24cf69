import type { Design, Domain, Memory, Site } from '../ir/ir.ts';
import { walk } from '../ir/visit.ts';
import type { Diagnostic } from './diagnostic.ts';

/**
 * Memories that two clock domains write: in Verilog two blocks would drive one array, for which tools have no common meaning. The model of a black box
 * may: what it stands for is hardware that somebody else describes.
 */
export function memoryClocks(design: Design): Diagnostic[] {
  return design.modules.flatMap(module => {
    if (module.external || module.domains.length === 1) return [];
    const writers = new Map<Memory, Map<Domain, Site>>();
    walk(module.body, statement => {
      if (statement.kind !== 'memory-write') return;
      const { memory, domain, site } = statement;
      const sites = writers.get(memory) ?? new Map<Domain, Site>();
      writers.set(memory, sites);
      if (!sites.has(domain)) sites.set(domain, site);
    });
    return [...writers].flatMap(([memory, sites]): Diagnostic[] => {
      if (sites.size === 1) return [];
      const names = [...sites.keys()].map(({ name }) => `'${name}'`);
      return [
        {
          check: 'memory-clocks',
          severity: 'error',
          message: `memory '${memory.name}' of ${module.name} is written from the clock domains ${names.slice(0, -1).join(', ')} and ${names.at(-1)}`,
          sites: [...[...sites.values()].toReversed(), memory.site],
          hint: 'write it from one domain and bring the other writes there through an AsyncFifo, or describe a RAM with two clocks as a BlackBox, whose model may write from both',
        },
      ];
    });
  });
}
