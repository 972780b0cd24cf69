import type { Module } from './ir.ts';
import { walk } from './visit.ts';

/**
 * Whether the emitted module has the port `clk`: it holds a memory, a register that something gives a value (an assignment or a reset), or
 * a child that needs a clock. A register without both is the constant 0.
 */
export function needsClock(module: Module): boolean {
  return holds(module, clocked, clockKnown);
}

/** Whether the emitted module has the port `rst`: it has a register with an `init`, or a child that needs a reset. */
export function needsReset(module: Module): boolean {
  return holds(module, own => own.signals.some(signal => signal.kind === 'register' && signal.init !== undefined), resetKnown);
}

const clockKnown = new WeakMap<Module, boolean>();
const resetKnown = new WeakMap<Module, boolean>();

function holds(module: Module, own: (module: Module) => boolean, known: WeakMap<Module, boolean>): boolean {
  let result = known.get(module);
  if (result === undefined) {
    result = own(module) || module.instances.some(instance => holds(instance.module, own, known));
    known.set(module, result);
  }
  return result;
}

function clocked(module: Module): boolean {
  if (module.memories.length > 0) return true;
  if (module.signals.some(signal => signal.kind === 'register' && signal.init !== undefined)) return true;
  let assigned = false;
  walk(module.body, statement => {
    if (statement.kind === 'assign' && statement.target.signal.kind === 'register') assigned = true;
  });
  return assigned;
}
