import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Log, loggedRun } from './compile.ts';
import { VerilatorError } from './errors.ts';
import type { Inputs } from './inputs.ts';
import type { MemoryName, VerilogSources } from './options.ts';
import { type Port, portsOfHeader } from './ports.ts';
import { refusal } from './refusal.ts';
import type { Task } from './task.ts';
import { lastLines } from './text.ts';
import type { Toolchain } from './toolchain.ts';

/** Prefix of all that Verilator makes. */
export const prefix = 'Vmodel';

/**
 * Everything starts from 0 and nothing else is ever unknown, as on the other engines. Warnings are the linter's business: they go to the log. Functions are
 * split so that several files can be compiled at a time.
 */
const verilatorFlags =
  '-O3 --x-assign 0 --x-initial 0 --no-assert --no-timing -Wno-fatal --output-split 20000 --output-split-cfuncs 2000'.split(' ');

/**
 * Verilator 5.048 and 5.050 make `(a >> b) >> c` into `a >> (b + c)`, where the sum has the width of `b` and may wrap
 * (https://github.com/verilator/verilator/issues/7955).
 */
const wrongRewrites = ['-fno-dfg-peephole-replace-shiftl-shiftl', '-fno-dfg-peephole-replace-shiftr-shiftr'];

const searchFails = /Internal Error: .*V3Gate\.cpp:\d+: Consumer doesn't match lhs of assign/;

/**
 * Runs Verilator.
 * @param to A folder; its output goes to `obj` below it, texts and what is generated to `verilog`.
 * @param extra What it shall make, as its options.
 * @throws VerilatorError with Verilator's messages.
 */
export function* verilate(
  options: VerilogSources & { readonly memories?: readonly MemoryName[] },
  inputs: Inputs,
  extra: readonly string[],
  to: string,
  log: Log,
  { verilator }: Toolchain,
): Task<void> {
  const { sources = [], defines = {}, parameters = {}, flags = [], memories = [], top } = options;
  const texts = join(to, 'verilog');
  mkdirSync(texts, { recursive: true });
  for (const { name, text } of sources) writeFileSync(join(texts, name), text);
  writeFileSync(join(texts, 'memories.vlt'), visibility(memories));
  // Texts alone are verilated in their own folder, so that what the model says has their names only.
  const place = inputs.fromDisk ? `${texts}/` : '';
  const run = (more: readonly string[]) =>
    loggedRun(log, {
      file: verilator.command,
      args: [
        ...verilatorFlags,
        ...wrongRewrites,
        ...more,
        ...extra,
        ...flags,
        ...Object.entries(defines).map(([name, value]) => (value === true ? `-D${name}` : `-D${name}=${value}`)),
        ...Object.entries(parameters).map(([name, value]) => `-G${name}=${value}`),
        ...['--prefix', prefix, '--top-module', top, '--Mdir', join(to, 'obj')],
        ...(place === '' ? [] : [`+incdir+${texts}`]),
        `${place}memories.vlt`,
        ...inputs.args,
        ...sources.flatMap(({ name }) => (/\.s?v$/.test(name) ? [`${place}${name}`] : [])),
      ],
      folder: place === '' ? texts : inputs.folder,
      env: verilator.env,
    });
  const first = yield* run([]);
  // Verilator's search for equal logic ends in an internal error on some correct Verilog (5.048; conditions that never hold, in two processes).
  const { status, output } = searchFails.test(first.output) ? yield* run(['-fno-dedup']) : first;
  if (status === undefined) throw new VerilatorError(`Verilator did not run to its end: ${lastLines(output, 5)}`);
  if (status !== 0) throw refusal(output.replaceAll(`${texts}/`, ''), options, inputs, log);
}

/** The ports in what `verilate` made. */
export function portsIn(to: string): Port[] {
  return portsOfHeader(readFileSync(join(to, 'obj', `${prefix}.h`), 'utf8'));
}

/** Makes memories reachable without a mark in the Verilog. */
function visibility(memories: readonly MemoryName[]): string {
  const lines = memories.map(({ module, name }) => `public_flat_rw -module "${module}" -var "${name}"`);
  return ['`verilator_config', ...lines, ''].join('\n');
}
