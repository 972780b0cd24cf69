/** Python tests as vitest tests. */

import { basename, dirname, resolve } from 'node:path';
import { Module } from '@hdl/ts-hdl';
import { beforeAll, describe, expect, test } from 'vitest';
import { type CocotbOptions, type MakeModule, runCocotb, testNames } from './cocotb.ts';
import type { CocotbResult } from './results.ts';

export interface CocotbTestOptions extends Omit<CocotbOptions, 'tests' | 'only'> {
  /** The Python file, as seen from the test file that calls. */
  readonly tests: string;
  /** How long building and running may take, in ms; 10 minutes by default. */
  readonly timeout?: number;
}

/** So many of the last lines of its log are told of a test that fails. */
const told = 20;

/**
 * Makes a vitest test of each Python test in a file, in a group with the file's name. They run together, once: `cocotb(Counter, { params: { width: 3 }, tests:
 * 'test_counter.py' })`, or with a function that makes the module. `params` are the module's parameters, and what `hdl_cocotb.parameters()` gives in Python
 * unless `parameters` says something else. A test that fails tells Python's message, the end of its log, where the whole log and its waveform are, and points at the
 * line of the Python file.
 */
export function cocotb<P>(module: new (params: P) => Module<P>, options: CocotbTestOptions & { readonly params: P }): void;
export function cocotb(make: MakeModule | (new () => Module<never> | Module<unknown>), options: CocotbTestOptions): void;
export function cocotb(
  subject: MakeModule | (new (params: unknown) => Module<unknown>),
  { params, timeout = 600_000, ...options }: CocotbTestOptions & { readonly params?: unknown },
): void {
  const from = expect.getState().testPath;
  const tests = from === undefined ? options.tests : resolve(dirname(from), options.tests);
  const run = { parameters: params, ...options, tests };
  const make = isModule(subject) ? () => new subject(params) : subject;
  describe(basename(tests), async () => {
    const names = await testNames(make, tests, run);
    const results = new Map<string, CocotbResult>();
    beforeAll(async () => {
      for (const result of await runCocotb(make, run)) results.set(result.name, result);
    }, timeout);
    for (const name of names)
      test(name, () => {
        const result = results.get(name);
        if (result?.passed) return;
        throw result ? failure(result) : new Error(`cocotb did not get to ${name}: another test ended the simulation`);
      });
  });
}

const isModule = (subject: unknown): subject is new (params: unknown) => Module<unknown> =>
  typeof subject === 'function' && subject.prototype instanceof Module;

/** An error whose place is that of the failure in Python. */
export function failure({ name, message, location, lines = [], log, waveform }: CocotbResult): Error {
  const more = [
    ...(lines.length > told ? ['…'] : []),
    // What goes on over more than one line stands far to the right in cocotb's log.
    ...lines.slice(-told).map(line => line.replace(/^ {50,56}/, '    ')),
    ...(log ? [`The whole log: ${log}`] : []),
    ...(waveform ? [`The waveform: ${waveform}`] : []),
  ];
  const error = new Error([message, '', ...more].join('\n'));
  error.name = 'CocotbFailure';
  const place = location ? `\n    at ${name} (${location.file}:${location.line}:1)` : '';
  error.stack = `${error.name}: ${error.message}${place}`;
  return error;
}
