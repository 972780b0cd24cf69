import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { type BindingsOptions, bindings } from './bindings.ts';
import { VerilatorError } from './errors.ts';
import type { ClockTiming } from './options.ts';

/** What the command line gives, as commander collects it. */
interface Flags {
  readonly top: string;
  readonly include: readonly string[];
  readonly define: Readonly<Record<string, string | true>>;
  readonly library: readonly string[];
  readonly parameter: Readonly<Record<string, string>>;
  readonly clock: Readonly<Record<string, ClockTiming>>;
  readonly out?: string;
}

const collect = (value: string, before: readonly string[]) => [...before, value];

function definition(value: string, before: Readonly<Record<string, string | true>>): Record<string, string | true> {
  const [, name = '', text] = /^(\w+)(?:=(.*))?$/s.exec(value) ?? [];
  if (name === '') throw new InvalidArgumentError('It is NAME or NAME=value.');
  return { ...before, [name]: text ?? true };
}

function parameter(value: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const [, name = '', text = ''] = /^(\w+)=(.+)$/s.exec(value) ?? [];
  if (name === '') throw new InvalidArgumentError('It is NAME=value.');
  return { ...before, [name]: text };
}

function clock(value: string, before: Readonly<Record<string, ClockTiming>>): Record<string, ClockTiming> {
  const [, name = '', period, phase] = /^(.+?)=(\d+)(?:@(\d+))?$/.exec(value) ?? [];
  if (name === '') throw new InvalidArgumentError('It is NAME=period or NAME=period@phase, in whole units of time.');
  return { ...before, [name]: { period: Number(period), ...(phase !== undefined && { phase: Number(phase) }) } };
}

/**
 * The command `verilator-wrapper`.
 * @param argv As `process.argv` has it. @returns the exit code: 0, 1 for Verilog or options that cannot be used, 2 for a wrong command line.
 */
export function main(argv: readonly string[]): number {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  const program = new Command('verilator-wrapper').description('Drives Verilog under Verilator from TypeScript').version(version);
  program
    .command('bindings')
    .description('writes TypeScript with the ports of a top module as types')
    .argument('<files...>', 'Verilog files')
    .requiredOption('-t, --top <module>', 'top module')
    .option('-I, --include <folder>', 'folder of files to include', collect, [])
    .option('-D, --define <NAME[=value]>', 'macro', definition, {})
    .option('-l, --library <path>', 'folder with one module per file, or file of modules', collect, [])
    .option('-G, --parameter <NAME=value>', 'parameter of the top module', parameter, {})
    .option('-c, --clock <name=period[@phase]>', 'clock and when it rises', clock, {})
    .option('--combinational', 'the top module has no clock')
    .option('-o, --out <file.ts>', 'file to write; standard output by default')
    .action((files: string[], flags: Flags & { readonly combinational?: boolean }) => {
      const clocks = flags.combinational || Object.keys(flags.clock).length > 0 ? { clocks: flags.clock } : {};
      const options: BindingsOptions = {
        top: flags.top,
        files,
        ...unlessEmpty('includes', flags.include),
        ...unlessEmpty('defines', flags.define),
        ...unlessEmpty('libraries', flags.library),
        ...unlessEmpty('parameters', flags.parameter),
        ...clocks,
        log: line => process.stderr.write(`${line}\n`),
        ...(flags.out !== undefined && { file: flags.out }),
      };
      const text = bindings(options);
      if (flags.out === undefined) process.stdout.write(text);
    });
  program.exitOverride();
  for (const command of program.commands) command.exitOverride();
  try {
    program.parse(argv);
    return 0;
  } catch (error) {
    if (error instanceof VerilatorError) {
      process.stderr.write(`error: ${error.message}\n`);
      return 1;
    }
    if (error instanceof Error && 'exitCode' in error) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
}

/** An option that is only there if it says something, so that bindings hold no empty ones. */
function unlessEmpty<Name extends string, Value extends object>(name: Name, value: Value): { [N in Name]?: Value } {
  const result: { [N in Name]?: Value } = {};
  if (Object.keys(value).length > 0) result[name] = value;
  return result;
}
