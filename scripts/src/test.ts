import { fileURLToPath } from 'node:url';
import { findToolchain } from '@hdl/verilator-wrapper';
import pc from 'picocolors';
import { $, which } from 'zx';
import { pageComplaint, withResults } from './conformance.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Tools that are used when they are there, with what is not tested without them and where they come from. */
const optional = [
  {
    command: 'iverilog',
    what: 'Icarus Verilog',
    without: 'the lint of the emitted Verilog with Icarus',
    how: 'apt-get install iverilog',
  },
] as const;

/**
 * Runs what CI runs: type check, formatter and linter, then all tests; with arguments only the tests whose files match them.
 * @returns the exit code: 0 if all passed, 1 if something failed, 2 if a tool that is needed cannot be had.
 */
export async function runTests(filters: readonly string[]): Promise<number> {
  const say = (text: string) => process.stdout.write(`${text}\n`);
  try {
    const toolchain = findToolchain({ install: true, log: say });
    say(`Verilator ${toolchain.verilator.version}, C++ compiler ${toolchain.compiler.command}`);
  } catch (error) {
    process.stderr.write(`${pc.red('error')}: ${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
  for (const tool of optional) {
    if (!(await which(tool.command, { nothrow: true }))) {
      say(`${pc.yellow('note')}: ${tool.what} is not installed, so ${tool.without} is skipped (${tool.how})`);
    }
  }
  const shell = $({ cwd: root, stdio: 'inherit', nothrow: true });
  if (filters.length === 0) {
    for (const step of [shell`npx tsc --noEmit`, shell`npx biome check --error-on-warnings .`]) {
      const { exitCode } = await step;
      if (exitCode !== 0) return 1;
    }
  }
  if (filters.length > 0) {
    const { exitCode } = await shell`npx vitest run ${[...filters]}`;
    return exitCode === 0 ? 0 : 1;
  }
  let complaint: string | undefined;
  const exitCode = await withResults([], results => {
    complaint = pageComplaint(results);
  });
  // The page cannot be right while tests fail.
  if (exitCode !== 0 || complaint === undefined) return exitCode === 0 ? 0 : 1;
  process.stderr.write(`${complaint}\n`);
  return 1;
}
