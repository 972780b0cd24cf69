import type { Design, Module, Reset } from '../ir/ir.ts';
import { needsReset, ownDomains } from '../ir/state.ts';

/**
 * The ports of the top that are resets: those of its domains, and inputs that are, or lead by wires to, the reset of a domain that shares another one's
 * clock, in the top or below.
 */
export function resetInputs({ top }: Design): Reset[] {
  const ports = ownDomains(top).flatMap(domain => (domain.reset && needsReset(top, domain) ? [domain.reset] : []));
  const inputs = [...inputsOf(top, new Map())].map(([name, { kind, active }]) => ({ name, kind, active }));
  return [...ports, ...inputs];
}

function inputsOf(module: Module, known: Map<Module, ReadonlyMap<string, Reset>>): ReadonlyMap<string, Reset> {
  const found = known.get(module);
  if (found) return found;
  const resets = new Map<string, Reset>();
  const isInput = (name: string) => module.signals.some(signal => signal.name === name && signal.kind === 'input');
  for (const domain of module.domains) {
    const { of, reset } = domain;
    if (of && reset && isInput(reset.name) && needsReset(module, domain)) resets.set(reset.name, reset);
  }
  const children = new Map(module.instances.map(instance => [instance, inputsOf(instance.module, known)]));
  for (const statement of module.body) {
    if (statement.kind !== 'assign' || statement.offset || !statement.target.instance) continue;
    const { target, value } = statement;
    const reset = children.get(target.instance)?.get(target.signal.name);
    if (reset && value.kind === 'signal' && value.signal.kind === 'input') resets.set(value.signal.name, reset);
  }
  known.set(module, resets);
  return resets;
}
