import type { Module, Signal } from '../ir/ir.ts';

const known = new WeakMap<Module, ReadonlyMap<string, Signal>>();

function byName(module: Module): ReadonlyMap<string, Signal> {
  let result = known.get(module);
  if (result === undefined) {
    const own = module.signals.filter(signal => signal.kind === 'input' || signal.kind === 'output');
    result = new Map(own.map(signal => [signal.name, signal]));
    known.set(module, result);
  }
  return result;
}

/** The inputs and outputs of a module, in order. */
export function ports(module: Module): readonly Signal[] {
  return [...byName(module).values()];
}

/** The input or output of that name. */
export function portOf(module: Module, name: string): Signal | undefined {
  return byName(module).get(name);
}
