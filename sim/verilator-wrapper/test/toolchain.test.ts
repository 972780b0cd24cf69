import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { findToolchain, VerilatorError } from '../src/index.ts';
import { inFolder, thrown } from './designs.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const options = { install: false, log: () => {} };
const old = '#!/bin/sh\necho "Verilator 4.038 2020-07-11 rev v4.036-114-g0cd4a57ad"\n';

function program(folder: string, name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

/** An environment whose path is `folder`, with a compiler that works and a cache without tools. */
function only(folder: string): void {
  program(folder, 'g++', '#!/bin/sh\necho "g++ 12.2.0"\n');
  vi.stubEnv('PATH', folder);
  vi.stubEnv('CXX', '');
  vi.stubEnv('P2P_VERILATOR', '');
  vi.stubEnv('VERILATOR_ROOT', '');
  vi.stubEnv('P2P_CACHE', join(folder, 'cache'));
}

test('the tools that are found can be asked for their versions', () => {
  const { verilator, compiler } = findToolchain({ ...options, install: true });
  expect(verilator.version).toMatch(/^5\.\d+$/);
  expect(compiler.version).toMatch(/\d+\.\d+/);
});

test('a verilator on the path that is too old is named with its version and what to do', () => {
  inFolder(folder => {
    only(folder);
    program(folder, 'verilator', old);
    const error = thrown(() => findToolchain(options));
    expect(error).toBeInstanceOf(VerilatorError);
    expect(error.message).toMatch(/The verilator on the path is 4\.038\. Verilator 5\.036 or newer is needed: install one/);
  });
});

test('clang++ goes before g++, and CXX before both', () => {
  inFolder(folder => {
    only(folder);
    program(folder, 'verilator', '#!/bin/sh\nif [ "$1" = --getenv ]; then echo /the/root; else echo "Verilator 5.040"; fi\n');
    // What was found under the same settings is kept.
    const compiler = (path: string) => {
      vi.stubEnv('PATH', path);
      return findToolchain(options).compiler;
    };
    expect(compiler(folder)).toEqual({ command: 'g++', version: 'g++ 12.2.0' });
    program(folder, 'clang++', '#!/bin/sh\necho "clang version 14.0.6"\n');
    expect(compiler(`${folder}:`)).toEqual({ command: 'clang++', version: 'clang version 14.0.6' });
    vi.stubEnv('CXX', join(folder, 'g++'));
    expect(compiler(folder).version).toBe('g++ 12.2.0');
  });
});

test('a recent one on the path is taken', () => {
  inFolder(folder => {
    only(folder);
    program(
      folder,
      'verilator',
      '#!/bin/sh\nif [ "$1" = --getenv ]; then echo /the/root; else echo "Verilator 5.040 2025-08-30"; fi\n',
    );
    expect(findToolchain(options).verilator).toEqual({ command: 'verilator', version: '5.040', root: '/the/root', env: {} });
  });
});

test.each([
  'P2P_VERILATOR',
  'VERILATOR_ROOT',
])('a verilator that %s names is not passed over: too old, missing, or no verilator', variable => {
  inFolder(folder => {
    only(folder);
    symlinkSync(folder, join(folder, 'bin'));
    const file = join(folder, 'bin', 'verilator');
    vi.stubEnv(variable, variable === 'P2P_VERILATOR' ? file : folder);
    expect(thrown(() => findToolchain(options)).message).toMatch(`${variable} leads to ${file}, which does not run (spawn`);
    program(folder, 'verilator', old);
    expect(thrown(() => findToolchain(options)).message).toMatch(
      `${variable} leads to ${file}, which is Verilator 4.038. Verilator 5.036`,
    );
    program(folder, 'verilator', '#!/bin/sh\necho "something else"\n');
    expect(thrown(() => findToolchain(options)).message).toMatch("it says 'something else'");
  });
});

test('what is missing is named: Verilator, Python, the compiler', () => {
  inFolder(folder => {
    only(folder);
    expect(thrown(() => findToolchain(options)).message).toMatch(/^There is no Verilator\. Verilator 5\.036 or newer is needed/);
    expect(thrown(() => findToolchain({ ...options, install: true })).message).toMatch(
      /^python3 is missing; it is needed to set up/,
    );
    program(folder, 'python3', '#!/bin/sh\necho "ensurepip is not available" >&2\nexit 1\n');
    expect(thrown(() => findToolchain({ ...options, install: true })).message).toMatch(
      /python3-venv[\s\S]*ensurepip is not available$/,
    );
    vi.stubEnv('CXX', 'no-such-compiler');
    expect(thrown(() => findToolchain(options)).message).toMatch(/^CXX names no-such-compiler, which does not run/);
    vi.stubEnv('CXX', '');
    vi.stubEnv('PATH', join(folder, 'empty'));
    expect(thrown(() => findToolchain(options)).message).toMatch(/^There is no C\+\+ compiler: install g\+\+ or clang\+\+/);
  });
});
