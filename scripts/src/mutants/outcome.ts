import { z } from 'zod';
import { rulesOf } from '../conformance/titles.ts';
import type { Mutant } from './mutant.ts';

/** What the JSON reporter of vitest writes, as far as it matters here. */
const results = z.object({
  testResults: z.array(
    z.object({
      status: z.string(),
      message: z.string(),
      assertionResults: z.array(
        z.object({
          ancestorTitles: z.array(z.string()),
          title: z.string(),
          status: z.string(),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    }),
  ),
});

/** How a mutant fared. */
export type Outcome =
  /** Tests failed, and told what is wrong: the titles of each, from the outside in. */
  | { readonly kind: 'caught'; readonly by: readonly (readonly string[])[] }
  /** The design does not pass the checks of the language, or does not build. */
  | { readonly kind: 'refused'; readonly message: string }
  /** All tests passed. */
  | { readonly kind: 'survived' }
  /** The campaign itself is wrong: the tests do not use the source, did not come to an end, or do not run. */
  | { readonly kind: 'error'; readonly message: string };

/** Errors of building a design or of the program, as against what a test finds wrong in how it behaves. */
const ofBuilding = /^(HdlError|DesignError|SyntaxError|ReferenceError|TypeError|TransformError)\b/;

const firstLine = (text: string) => text.split('\n')[0] ?? '';

/** Reads the results of a run with a mutant planted. @param loaded whether the changed source was part of the run. */
export function outcomeOf(json: string, loaded: boolean): Outcome {
  if (!loaded) return { kind: 'error', message: 'no test of its list uses the source' };
  const files = results.parse(JSON.parse(json)).testResults;
  const tests = files.flatMap(file => file.assertionResults);
  const failed = tests
    .filter(({ status }) => status === 'failed')
    .map(test => ({ titles: [...test.ancestorTitles, test.title], message: test.failureMessages?.[0] ?? '' }));
  const noticed = failed.filter(({ message }) => !ofBuilding.test(message));
  if (noticed.length > 0) return { kind: 'caught', by: noticed.map(({ titles }) => titles) };
  const unloadable = files.find(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0);
  const refusal = failed[0]?.message ?? unloadable?.message;
  if (refusal !== undefined) return { kind: 'refused', message: firstLine(refusal) };
  return tests.some(({ status }) => status === 'passed') ? { kind: 'survived' } : { kind: 'error', message: 'no test ran' };
}

/** What is wrong with the outcome of a mutant; undefined if it is what the mutant is for. */
export function complaint({ rules, caught }: Pick<Mutant, 'rules' | 'caught'>, outcome: Outcome): string | undefined {
  switch (outcome.kind) {
    case 'caught': {
      if (caught === 'check') return 'passes the checks of the language, though it is said not to';
      const named = new Set(outcome.by.flat().flatMap(rulesOf));
      const missed = rules.filter(rule => !named.has(rule));
      return missed.length === 0 ? undefined : `noticed, but by no test that names ${missed.join(' ')}`;
    }
    case 'refused':
      return caught === 'check' ? undefined : `does not build: ${outcome.message}`;
    case 'survived':
      return 'survived: no test noticed';
    case 'error':
      return outcome.message;
  }
}
