import type { Design } from '../ir/ir.ts';
import { discardedIn } from '../lang/discarded.ts';
import type { Diagnostic } from './diagnostic.ts';

/** Results that are computed and thrown away at once: `a.add(b);` as a statement does nothing. */
export function discardedResult(design: Design): Diagnostic[] {
  return design.modules.flatMap(module =>
    discardedIn(module).map(({ operation, site }) => ({
      check: 'discarded-result',
      severity: 'warning',
      message: `the result of this ${operation} in ${module.name} goes nowhere: an operation changes nothing by itself`,
      sites: [site],
      hint: 'set a wire, register or output to it, or remove it',
    })),
  );
}
