import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { type BuildOptions, build, buildInBackground, VerilatorError } from '../src/index.ts';
import { inFolder, thrown } from './designs.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A design that no cache has seen. */
function fresh(text: string) {
  return {
    top: 'Fresh',
    sources: [{ name: 'fresh.v', text: `// ${process.pid} ${performance.now()}\n${text}` }],
  } satisfies BuildOptions;
}
const inverter = 'module Fresh (input a, output y); assign y = !a; endmodule\n';

/** A program made of shell lines. */
function script(folder: string, name: string, lines: string): string {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${lines}\n`);
  chmodSync(file, 0o755);
  return file;
}

function forget(library: string): void {
  rmSync(dirname(library), { recursive: true, force: true });
  rmSync(`${dirname(library)}.log`, { force: true });
}

test('what was built is not compiled again; another text or parameter is', () => {
  inFolder(folder => {
    const calls = join(folder, 'calls');
    vi.stubEnv('CXX', script(folder, 'compiler', `case "$*" in *' -c '*) echo "$*" >> ${calls};; esac\nexec g++ "$@"`));
    const compiled = () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n').length : 0);
    const said: string[] = [];
    const design = { ...fresh(inverter), log: (line: string) => said.push(line) };
    // Verilator's own library is perhaps not there yet.
    forget(build(fresh(inverter)).library);
    const before = compiled();
    const first = build(design);
    const once = compiled();
    expect(once).toBeGreaterThan(before);
    expect(said.some(line => line.includes('compiling Fresh'))).toBe(true);
    said.length = 0;
    expect(build(design)).toEqual(first);
    expect([compiled(), said]).toEqual([once, []]);
    const other = build({ ...design, sources: [...design.sources, { name: 'more.v', text: 'module More; endmodule\n' }] });
    expect(other.library).not.toBe(first.library);
    expect(compiled()).toBeGreaterThan(once);
    forget(first.library);
    forget(other.library);
  });
});

test('two builds of one design at a time make it once, and this thread goes on meanwhile', async () => {
  const said: string[] = [];
  const design = { ...fresh(inverter), log: (line: string) => said.push(line) };
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  const [first, second] = await Promise.all([buildInBackground(design), buildInBackground(design)]);
  clearInterval(timer);
  expect(first).toEqual(second);
  expect(said.filter(line => line.includes('compiling Fresh'))).toHaveLength(1);
  expect(ticks).toBeGreaterThan(5);
  expect(build(design)).toEqual(first);
  forget(first.library);
});

test('an error in the Verilog shows the end of what Verilator says and the place of its log', () => {
  const error = thrown(() => build(fresh('module Fresh (input a, output y); assign y = b +; endmodule\n')));
  expect(error).toBeInstanceOf(VerilatorError);
  expect(error.message).toMatch(/^Verilator failed[\s\S]*%Error: fresh\.v:2:\d+: syntax error[\s\S]*All of it is in \S+\.log$/);
  const log = /(\S+)$/.exec(error.message)?.[1] ?? '';
  expect(readFileSync(log, 'utf8')).toContain('--top-module Fresh');
  expect(existsSync(log.replace(/\.log$/, ''))).toBe(false);
  expect(existsSync(log.replace(/log$/, 'lock'))).toBe(false);
  rmSync(log);
});

test('an error of the compiler shows the end of what it says and the place of its log', () => {
  inFolder(folder => {
    vi.stubEnv(
      'CXX',
      script(folder, 'compiler', 'case "$*" in --version) echo broken 1.0;; *) echo "no space left" >&2; exit 1;; esac'),
    );
    const error = thrown(() => build(fresh(inverter)));
    expect(error).toBeInstanceOf(VerilatorError);
    expect(error.message).toMatch(/^The C\+\+ compiler failed[\s\S]*no space left[\s\S]*All of it is in \S+\.log$/);
    rmSync(/(\S+)$/.exec(error.message)?.[1] ?? '');
  });
});

test('ports without a counterpart, unknown ports and odd file names are told', () => {
  expect(thrown(() => build(fresh('module Fresh (inout a); endmodule\n'))).message).toContain('only inputs and outputs');
  expect(thrown(() => build({ ...fresh(inverter), portOrder: ['z'] })).message).toContain("no port 'z'; its ports are a, y");
  expect(thrown(() => build({ top: 'X', sources: [{ name: '../x.v', text: '' }] })).message).toContain("'../x.v' is no name");
});
