import type { Design } from '../ir/ir.ts';
import { ones } from '../ir/visit.ts';
import type { Diagnostic } from './diagnostic.ts';
import { describeBits, describeTarget, netsOf, sitesOf } from './nets.ts';

/** Wires, outputs and inputs of children that no assignment drives, or not all bits of. */
export function undriven(design: Design): Diagnostic[] {
  return design.modules.flatMap(module =>
    [...netsOf(module).values()].flatMap(({ target, driven }): Diagnostic[] => {
      const missing = ones(target.signal.width) & ~driven;
      if (missing === 0n) return [];
      const what = describeTarget(module, target);
      return [
        {
          check: 'undriven',
          severity: 'error',
          message: driven === 0n ? `${what} is never driven` : `${describeBits(missing)} of ${what} are never driven`,
          sites: sitesOf(target),
          hint: target.instance
            ? `connect it, or set it to a constant in logic() of ${module.name}`
            : `set it in logic() of ${module.name}, or remove it`,
        },
      ];
    }),
  );
}
