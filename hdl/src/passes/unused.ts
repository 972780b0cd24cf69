import type { Design, Memory, Signal } from '../ir/ir.ts';
import { visitExpressions } from '../ir/visit.ts';
import type { Diagnostic } from './diagnostic.ts';

/**
 * Wires, registers, parameters and memories that nothing reads. Ports are the neighbours' business, and single bits nobody's: of a word from outside, or a
 * bundle, often only a part is wanted.
 */
export function unused(design: Design): Diagnostic[] {
  return design.modules.flatMap(module => {
    const resets = new Set(module.domains.flatMap(({ of, reset }) => (of && reset ? [reset.name] : [])));
    const read = new Set<Signal | Memory>(module.signals.filter(({ name }) => resets.has(name)));
    visitExpressions(module, expr => {
      if (expr.kind === 'signal') read.add(expr.signal);
      if (expr.kind === 'memory-read') read.add(expr.memory);
    });
    const inside = module.signals.filter(({ kind }) => kind === 'wire' || kind === 'register' || kind === 'parameter');
    const items = [
      ...inside.map(item => ({ item, kind: item.kind as string })),
      ...module.memories.map(item => ({ item, kind: 'memory' })),
    ];
    return items.flatMap(({ item, kind }): Diagnostic[] => {
      if (read.has(item)) return [];
      const message = `${kind} '${item.name}' of ${module.name} is never read`;
      return [{ check: 'unused', severity: 'warning', message, sites: [item.site], hint: 'use it, or remove it' }];
    });
  });
}
