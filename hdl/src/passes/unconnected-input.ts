import type { Design } from '../ir/ir.ts';
import { ones } from '../ir/visit.ts';
import type { Diagnostic } from './diagnostic.ts';
import { describeTarget, netsOf, sitesOf, subjectOf } from './nets.ts';

/** Inputs of children that the parent does not drive, or not all bits of. An output of a child that nobody reads is fine: not all need all of it. */
export function unconnectedInput(design: Design): Diagnostic[] {
  return design.modules.flatMap(module =>
    [...netsOf(module).values()].flatMap(({ target, driven }): Diagnostic[] => {
      const missing = ones(target.signal.width) & ~driven;
      if (missing === 0n || !target.instance) return [];
      const { text, is } = subjectOf(describeTarget(module, target), target.signal.width, missing);
      return [
        {
          check: 'unconnected-input',
          severity: 'error',
          message: `${text} ${is} not connected`,
          sites: sitesOf(target),
          hint: `name it in connect(), or set it in logic() of ${module.name}; a constant will do`,
        },
      ];
    }),
  );
}
