import type { Module, Signal, Statement } from '../ir/ir.ts';
import { walk } from '../ir/visit.ts';
import type { CombNet } from './drivers.ts';

/** Signals of a module that never change: wires that are tied to a constant, and registers that nothing gives a value. */
export type Known = ReadonlyMap<Signal, bigint>;

/** Finds the signals that never change, as far as the statements, and `nets` made from them, show it at once. */
export function knownSignals(module: Module, body: readonly Statement[], nets: readonly CombNet[]): Known {
  const known = new Map<Signal, bigint>();
  const given = new Set<Signal>();
  walk(body, statement => {
    if (statement.kind === 'assign') given.add(statement.target.signal);
  });
  for (const signal of module.signals) {
    if (signal.kind === 'register' && signal.init === undefined && !given.has(signal)) known.set(signal, 0n);
  }
  for (const { target, value } of nets) {
    if (!target.instance && value?.kind === 'const') known.set(target.signal, value.value);
  }
  return known;
}
