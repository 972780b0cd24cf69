import { readFileSync } from 'node:fs';

/** The rules that each test of a Python file names at the beginning of its docstring, `C54, C55: …`, by the test's name; none for tests that name none. */
export function rulesInFile(file: string): ReadonlyMap<string, readonly string[]> {
  const tests = readFileSync(file, 'utf8').matchAll(/^async def (\w+)\(dut\):\n {4}"""((?:C\d+[a-z]?, )*C\d+[a-z]?(?=: ))?/gm);
  return new Map([...tests].map(([, name = '', rules = '']) => [name, rules === '' ? [] : rules.split(', ')]));
}
