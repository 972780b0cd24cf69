import type { Design } from '../ir/ir.ts';
import { targetName, walk } from '../ir/visit.ts';
import type { Diagnostic } from './diagnostic.ts';

/** Assignments to what the module may not drive: its own inputs, and signals of a child that are not its inputs. */
export function direction(design: Design): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const module of design.modules) {
    walk(module.body, statement => {
      if (statement.kind !== 'assign') return;
      const { target, site } = statement;
      const { instance, signal } = target;
      if (instance ? signal.kind === 'input' : signal.kind !== 'input') return;
      found.push({
        check: 'direction',
        severity: 'error',
        message: instance
          ? `${module.name} drives '${targetName(target)}', which is ${signal.kind === 'input' ? 'an' : 'no'} input of ${instance.module.name}`
          : `${module.name} drives its own input '${signal.name}'`,
        sites: [site, signal.site],
        hint: instance
          ? `only ${instance.module.name} itself drives its outputs and what is inside it`
          : 'the parent drives an input; use a wire or an output for a value made here',
      });
    });
  }
  return found;
}
