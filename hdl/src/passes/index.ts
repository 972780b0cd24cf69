import type { Design } from '../ir/ir.ts';
import { clockCrossing } from './clock-crossing.ts';
import { combinationalLoop } from './combinational-loop.ts';
import { crossingLogic } from './crossing-logic.ts';
import type { Diagnostic } from './diagnostic.ts';
import { direction } from './direction.ts';
import { discardedResult } from './discarded-result.ts';
import { latch } from './latch.ts';
import { memoryClocks } from './memory-clocks.ts';
import { multiplyDriven } from './multiply-driven.ts';
import { nameClash } from './name-clash.ts';
import { neverWritten } from './never-written.ts';
import { resetKinds } from './reset-kinds.ts';
import { unconnectedInput } from './unconnected-input.ts';
import { undriven } from './undriven.ts';
import { unreachableArm } from './unreachable-arm.ts';
import { unused } from './unused.ts';
import { wellFormed } from './well-formed.ts';

export { type Diagnostic, formatDiagnostic } from './diagnostic.ts';
export { shareModules } from './share-modules.ts';

/** A rule that a design must keep, or a habit that it should. */
export type Check = (design: Design) => Diagnostic[];

/** All checks, in the order in which their findings are told. They want a design that `shareModules` has been over, for unique module names. */
export const checks: readonly Check[] = [
  wellFormed,
  nameClash,
  direction,
  undriven,
  unconnectedInput,
  multiplyDriven,
  latch,
  combinationalLoop,
  clockCrossing,
  crossingLogic,
  memoryClocks,
  resetKinds,
  unreachableArm,
  neverWritten,
  discardedResult,
  unused,
];

/**
 * What all checks find, errors first. What the variants of one class have in common is told once. Where the IR itself is inconsistent, the
 * other checks are not run; two things of one name make it so, and are told instead.
 */
export function diagnose(design: Design): Diagnostic[] {
  const broken = wellFormed(design);
  if (broken.length > 0) {
    const clashes = nameClash(design);
    return clashes.length > 0 ? clashes : broken;
  }
  const seen = new Set<string>();
  const found = checks.flatMap(check =>
    check(design).filter(diagnostic => {
      const key = place(diagnostic);
      return !seen.has(key) && seen.add(key);
    }),
  );
  return [...found.filter(d => d.severity === 'error'), ...found.filter(d => d.severity === 'warning')];
}

/** The same for the same finding in variants of a class, `Fifo` and `Fifo_2`. */
function place({ check, message, sites }: Diagnostic): string {
  const where = sites.map(({ frames: [frame] }) => (frame ? `${frame.file}:${frame.line}:${frame.column}` : ''));
  const known = where.some(text => text !== '');
  return [check, known ? message.replace(/\b([A-Z]\w*?)_\d+\b/g, '$1') : message, ...where].join('\n');
}
