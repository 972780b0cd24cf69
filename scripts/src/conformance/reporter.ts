import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import type { TestResult } from './titles.ts';

/** Writes which tests ran with what result, for docs/conformance.md and docs/requirements.md, into the file that `P2P_CONFORMANCE` names. */
export function conformanceReporter(path: string, root: string): Reporter {
  return {
    onTestRunEnd(modules: readonly TestModule[]) {
      const results = modules.flatMap(module =>
        [...module.children.allTests()].map(
          (test): TestResult => ({
            file: relative(root, module.moduleId),
            line: test.location?.line ?? 0,
            titles: titlesOf(test),
            state: test.result().state,
          }),
        ),
      );
      writeFileSync(path, JSON.stringify(results));
    },
  };
}

function titlesOf(test: TestCase): string[] {
  const titles = [test.name];
  for (let above = test.parent; above.type === 'suite'; above = above.parent) titles.unshift(above.name);
  return titles;
}
