import type { Instance, Module, Signal } from '../ir/ir.ts';
import { rewriteBody } from '../ir/rewrite.ts';

/**
 * The module with other modules behind its instances: `replacement` gives the module that stands for a child, with ports of the same names.
 * Expressions keep their sharing.
 */
export function rewriteChildren(module: Module, replacement: (child: Module) => Module): Module {
  if (module.instances.length === 0) return module;
  const instances = new Map<Instance, Instance>(module.instances.map(i => [i, { ...i, module: replacement(i.module) }]));
  const ports = new Map([...instances].map(([old, now]) => [old, new Map(now.module.signals.map(s => [s.name, s]))]));
  const child = (instance: Instance, port: Signal) => {
    const now = instances.get(instance);
    const signal = ports.get(instance)?.get(port.name);
    if (!now || !signal) throw new Error(`${module.name} uses ${instance.name}.${port.name}, which its instance list lacks`);
    return { instance: now, signal };
  };
  const body = rewriteBody(module.body, {
    signal: expr => expr,
    output: (instance, port) => {
      const now = child(instance, port);
      return { instance: now.instance, port: now.signal };
    },
    target: target => (target.instance ? child(target.instance, target.signal) : target),
    statement: statement => [statement],
  });
  return { ...module, instances: [...instances.values()], body };
}
