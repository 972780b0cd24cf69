import type { Claim } from '../conformance/titles.ts';

/** A bug that is planted in a source to see whether the tests notice. How to add one: docs/testing.md. */
export interface Mutant {
  /** Unique, in kebab case: what is wrong. */
  readonly name: string;
  readonly area: 'endpoint' | 'switch' | 'host' | 'cocotb';
  /** The rules and requirements that the bug breaks (docs/conformance.md, docs/requirements.md); empty if it breaks a promise of our own, like a throughput. */
  readonly rules: readonly Claim[];
  /** The source, as a path from the root of the project. */
  readonly file: string;
  /** What is replaced: it stands exactly once in the source. */
  readonly text: string;
  readonly replacement: string;
  /** Test files that have to notice, as paths from the root. */
  readonly tests: readonly string[];
  /** `check`: the bug does not pass the checks of the language, so no test gets as far as an assertion. */
  readonly caught?: 'check';
}

/** Why a mutant no longer fits its source; undefined if it does. */
export function staleness({ file, text, replacement }: Mutant, source: string): string | undefined {
  const found = source.split(text).length - 1;
  if (found === 0) return `its text is not in ${file}`;
  if (found > 1) return `its text stands ${found} times in ${file}, and has to be unique`;
  return text === replacement ? 'its replacement changes nothing' : undefined;
}

/** The source with the bug. @throws RangeError for a mutant that does not fit. */
export function plant(mutant: Mutant, source: string): string {
  const stale = staleness(mutant, source);
  if (stale !== undefined) throw new RangeError(`the mutant ${mutant.name} is stale: ${stale}`);
  return source.replace(mutant.text, () => mutant.replacement);
}
