import { defineConfig } from 'vitest/config';
import type { Reporter, TestModule } from 'vitest/node';
import { conformanceReporter } from './scripts/src/conformance/reporter.ts';
import { mutantPlugin } from './scripts/src/mutants/plugin.ts';

/** Ends the run with one plain line that any tool can read: how many tests passed, failed and were skipped. */
const summary: Reporter = {
  onTestRunEnd(modules: readonly TestModule[]) {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const module of modules) for (const test of module.children.allTests()) count[test.result().state]++;
    process.stdout.write(`${count.passed} passed, ${count.failed} failed, ${count.skipped + count.pending} skipped\n`);
  },
};

/** Where the results are wanted as data, if they are. */
const results = process.env.P2P_CONFORMANCE;
/** Where the simulations shall leave what they cover, if that is wanted. */
const coverage = process.env.P2P_COVERAGE;
/** The bug that the tests shall notice, and where to tell that it was planted. */
const { P2P_MUTANT: mutant, P2P_MUTANT_LOADED: loaded = '' } = process.env;

export default defineConfig({
  plugins: mutant ? [mutantPlugin(mutant, loaded, import.meta.dirname)] : [],
  test: {
    include: ['**/test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '.cache/**'],
    setupFiles: coverage ? ['scripts/src/coverage/record.ts'] : [],
    // One core is left free by default, which of two is half.
    maxWorkers: '100%',
    testTimeout: 120_000,
    hookTimeout: 240_000,
    reporters: ['default', summary, ...(results ? [conformanceReporter(results, import.meta.dirname)] : [])],
    includeTaskLocation: results !== undefined,
  },
});
