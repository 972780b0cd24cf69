import type { Design } from '../ir/ir.ts';
import { DescriptionError } from '../lang/errors.ts';
import { type Diagnostic, diagnose, formatDiagnostic } from './index.ts';
import { shareModules } from './share-modules.ts';

/** A design that breaks rules: every finding with its place and what to do. */
export class DesignError extends DescriptionError {
  override readonly name = 'DesignError';
  readonly #diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(() => diagnostics.map(diagnostic => formatDiagnostic(diagnostic)).join('\n\n'));
    this.#diagnostics = diagnostics;
  }

  get diagnostics(): readonly Diagnostic[] {
    return this.#diagnostics;
  }
}

/**
 * A design that is fit to be emitted or simulated: equal modules are shared, and it has passed all checks. Warnings are not told here; `diagnose`
 * gives them. @throws DesignError with all errors.
 */
export function checked(design: Design): Design {
  const shared = shareModules(design);
  const errors = diagnose(shared).filter(d => d.severity === 'error');
  if (errors.length > 0) throw new DesignError(errors);
  return shared;
}
