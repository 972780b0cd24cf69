import type { Site } from '../ir/ir.ts';
import { layout, type Step } from '../lang/error-layout.ts';
import type { ReadSource } from '../lang/source-text.ts';

/** What a check found wrong in a design. */
export interface Diagnostic {
  /** The check that found it, such as `undriven`. */
  readonly check: string;
  /** Errors make a design unusable; warnings do not. */
  readonly severity: 'error' | 'warning';
  /** What is wrong, with the names involved; one line. */
  readonly message: string;
  /** Where, the most telling place first. */
  readonly sites: readonly Site[];
  /** What a value runs through, in its direction. */
  readonly path?: readonly Step[];
  /** What to do about it. */
  readonly hint: string;
}

export interface FormatOptions {
  /** Gives the text of a source file, or undefined if it cannot be read. Reads the file system by default. */
  readonly readSource?: ReadSource;
}

/** The diagnostic as text: what is wrong, where (with the user's line), who called that, and what to do. */
export function formatDiagnostic(diagnostic: Diagnostic, options: FormatOptions = {}): string {
  return layout(diagnostic, options.readSource);
}
