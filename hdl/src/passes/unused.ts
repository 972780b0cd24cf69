import type { Design, Memory, Signal } from '../ir/ir.ts';
import { visitExpressions, walk } from '../ir/visit.ts';
import type { Diagnostic } from './diagnostic.ts';

/** Wires, registers and memories that nothing reads, and registers that nothing writes. Ports are the neighbours' business. */
export function unused(design: Design): Diagnostic[] {
  return design.modules.flatMap(module => {
    const read = new Set<Signal | Memory>();
    visitExpressions(module, expr => {
      if (expr.kind === 'signal') read.add(expr.signal);
      if (expr.kind === 'memory-read') read.add(expr.memory);
    });
    const written = new Set<Signal>();
    walk(module.body, statement => {
      if (statement.kind === 'assign') written.add(statement.target.signal);
    });
    const found: Diagnostic[] = [];
    const report = (message: string, item: Signal | Memory, hint: string) =>
      found.push({ check: 'unused', severity: 'warning', message, sites: [item.site], hint });
    for (const signal of module.signals) {
      if (signal.kind !== 'wire' && signal.kind !== 'register') continue;
      const what = `${signal.kind} '${signal.name}' of ${module.name}`;
      if (!read.has(signal)) report(`${what} is never read`, signal, 'use it, or remove it');
      if (signal.kind === 'register' && !written.has(signal)) {
        const value = signal.init ? `${signal.init} after reset` : '0';
        report(`${what} is never written: it is ${value} for ever`, signal, 'set it in logic(), or use a constant instead');
      }
    }
    for (const memory of module.memories) {
      if (!read.has(memory)) report(`memory '${memory.name}' of ${module.name} is never read`, memory, 'use it, or remove it');
    }
    return found;
  });
}
