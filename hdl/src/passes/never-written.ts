import type { Design, Memory, Signal } from '../ir/ir.ts';
import { ones, walk } from '../ir/visit.ts';
import type { Diagnostic } from './diagnostic.ts';
import { subjectOf } from './nets.ts';

/** Registers that no assignment gives a value, or not to all bits, and memories without contents that nothing writes: they are constants. */
export function neverWritten(design: Design): Diagnostic[] {
  return design.modules.flatMap(module => {
    const written = new Map<Signal | Memory, bigint>();
    walk(module.body, statement => {
      if (statement.kind === 'memory-write') written.set(statement.memory, 1n);
      if (statement.kind !== 'assign' || statement.target.instance) return;
      const { signal } = statement.target;
      if (signal.kind !== 'register') return;
      const bits = statement.offset ? signal.width - statement.low : statement.value.width;
      written.set(signal, (written.get(signal) ?? 0n) | (ones(bits) << BigInt(statement.low)));
    });
    const found: Diagnostic[] = [];
    const report = (message: string, { site }: Signal | Memory, hint: string) =>
      found.push({ check: 'never-written', severity: 'warning', message, sites: [site], hint });
    for (const signal of module.signals) {
      if (signal.kind !== 'register') continue;
      const missing = ones(signal.width) & ~(written.get(signal) ?? 0n);
      if (missing === 0n) continue;
      const { text, is } = subjectOf(`register '${signal.name}' of ${module.name}`, signal.width, missing);
      const value = signal.init ? `${signal.init} after reset` : '0';
      if (written.has(signal)) report(`${text} ${is} never written`, signal, 'set all of it in logic(), or make it narrower');
      else report(`${text} is never written: it is ${value} for ever`, signal, 'set it in logic(), or use a constant instead');
    }
    for (const memory of module.memories) {
      if (written.has(memory) || memory.init) continue;
      report(
        `memory '${memory.name}' of ${module.name} is never written: all its words are 0`,
        memory,
        'write to it, or give it init',
      );
    }
    return found;
  });
}
