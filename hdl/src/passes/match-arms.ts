import type { Design } from '../ir/ir.ts';
import { walk } from '../ir/visit.ts';
import type { Diagnostic } from './diagnostic.ts';

/** Arms of a match that can never be taken: values that the subject cannot have, values named twice, a rest that is empty. */
export function matchArms(design: Design): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const module of design.modules) {
    walk(module.body, statement => {
      if (statement.kind !== 'match') return;
      const { subject, arms, otherwise, site } = statement;
      const seen = new Set<bigint>();
      const report = (severity: Diagnostic['severity'], message: string, hint: string) =>
        found.push({ check: 'match-arms', severity, message: `${message} in ${module.name}`, sites: [site], hint });
      for (const { value, label } of arms) {
        const arm = label === '' || label === String(value) ? `the arm ${value}` : `the arm ${label} (${value})`;
        if (value < 0n || value >> BigInt(subject.width) !== 0n) {
          report(
            'error',
            `${arm} can never be taken: the subject has ${subject.width} bits`,
            'remove the arm, or widen the subject',
          );
        }
        if (seen.has(value)) report('error', `${arm} stands twice`, 'remove one of the two arms');
        seen.add(value);
      }
      if (otherwise.length > 0 && BigInt(seen.size) === 1n << BigInt(subject.width)) {
        report('warning', 'the otherwise of a match can never be taken: the arms name every value', 'remove it');
      }
    });
  }
  return found;
}
