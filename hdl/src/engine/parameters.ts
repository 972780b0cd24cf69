import type { Design, Module, Signal } from '../ir/ir.ts';
import { rewriteBody } from '../ir/rewrite.ts';
import { quantity } from '../lang/errors.ts';
import { SimulationError } from './simulation.ts';

/** Values of the top module's parameters by name; a negative one is two's complement. */
export interface ParameterValues {
  readonly [name: string]: number | bigint;
}

/**
 * The design with other values for parameters of its top module, in place of their defaults.
 * @throws SimulationError for a name that is no parameter of the top, and for a value that does not fit.
 */
export function withParameters(design: Design, values: ParameterValues): Design {
  const { top } = design;
  const known = top.signals.filter(({ kind }) => kind === 'parameter');
  const changed = new Map<Signal, Signal>();
  for (const [name, value] of Object.entries(values)) {
    const signal = known.find(candidate => candidate.name === name);
    if (!signal) {
      const names = known.map(({ name: other }) => other).join(', ');
      const which = known.length > 0 ? `its parameters are ${names}` : 'it has none';
      throw new SimulationError(`The top module ${top.name} has no parameter '${name}': ${which}.`);
    }
    changed.set(signal, { ...signal, init: pattern(signal, value) });
  }
  if (changed.size === 0) return design;
  const now = (signal: Signal) => changed.get(signal) ?? signal;
  const body = rewriteBody(top.body, {
    signal: expr => ({ ...expr, signal: now(expr.signal) }),
    output: (instance, port) => ({ instance, port }),
    target: target => target,
    statement: statement => [statement],
  });
  const module: Module = { ...top, signals: top.signals.map(now), body };
  return { top: module, modules: design.modules.map(old => (old === top ? module : old)) };
}

function pattern({ name, width }: Signal, value: number | bigint): bigint {
  const fits =
    (typeof value === 'bigint' || Number.isSafeInteger(value)) &&
    (BigInt.asUintN(width, BigInt(value)) === BigInt(value) || BigInt.asIntN(width, BigInt(value)) === BigInt(value));
  if (!fits) throw new SimulationError(`The parameter '${name}' is a whole number of ${quantity(width, 'bit')}, not ${value}.`);
  return BigInt.asUintN(width, BigInt(value));
}
