import type { Design } from '../ir/ir.ts';
import { ones } from '../ir/visit.ts';
import type { Diagnostic } from './diagnostic.ts';
import { describeTarget, netsOf, sitesOf, subjectOf } from './nets.ts';

/** Wires and outputs that no assignment drives, or not all bits of. What drives the outputs of a black box without a model is its Verilog. */
export function undriven(design: Design): Diagnostic[] {
  return design.modules.flatMap(module => {
    if (module.external && !module.external.modelled) return [];
    return [...netsOf(module).values()].flatMap(({ target, driven }): Diagnostic[] => {
      const missing = ones(target.signal.width) & ~driven;
      if (missing === 0n || target.instance) return [];
      const { text, is } = subjectOf(describeTarget(module, target), target.signal.width, missing);
      return [
        {
          check: 'undriven',
          severity: 'error',
          message: `${text} ${is} never driven`,
          sites: sitesOf(target),
          hint: `set it in logic() of ${module.name}, or remove it`,
        },
      ];
    });
  });
}
