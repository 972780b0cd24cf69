import type { Log } from './compile.ts';
import { VerilatorError } from './errors.ts';
import type { Inputs } from './inputs.ts';
import type { VerilogSources } from './options.ts';
import { modulesOf } from './verilog-text.ts';

/** More of them help nobody: the first has usually made the others. */
const mostMessages = 10;

/** What Verilator says that is of no use here: manuals, the folders in which it looked, its own summary. */
const noise = [
  /^ +\.\.\. (See the manual|For error description|Use ").*\n/gm,
  /^ +\.\.\. Looked in:\n(?: +(?!\.\.\.)\S+\n)*/gm,
  /^ +\.\.\. With current working directory.*\n/gm,
  /^%Error: Exiting due to.*\n/gm,
];

/** Verilator's errors, each with the user's file, line and source, without its warnings; then what to do, where that is clear. */
export function refusal(output: string, options: VerilogSources, inputs: Inputs, log: Log): VerilatorError {
  const text = noise.reduce((rest, pattern) => rest.replaceAll(pattern, ''), `${output}\n`);
  const errors = [...text.matchAll(/^%Error.*\n(?:(?!%|- ).*\n)*/gm)].map(([message]) => message.trimEnd());
  const shown = errors.slice(0, mostMessages);
  if (errors.length > shown.length) shown.push(`... and ${errors.length - shown.length} more`);
  if (shown.length === 0) shown.push(output.trimEnd());
  return new VerilatorError(
    ['Verilator failed:', ...shown, ...adviceFor(output, options, inputs), `All of it is in ${log.file}`].join('\n'),
  );
}

function adviceFor(output: string, options: VerilogSources, inputs: Inputs): string[] {
  const { top } = options;
  const advice: string[] = [];
  if (/top-module '.*' was not found/.test(output)) {
    const modules = [...modulesOf(options, inputs).keys()];
    advice.push(`There is no module ${top}; there are: ${modules.join(', ') || 'none'}.`);
  }
  if (/Parameters from the command line were not found/.test(output))
    advice.push(`The parameters of ${top} are: ${parametersOf(modulesOf(options, inputs).get(top) ?? '').join(', ') || 'none'}.`);
  if (/MODMISSING/.test(output))
    advice.push("Name the files of missing modules in 'files', or folders with them in 'libraries'.");
  if (/Cannot find include file/.test(output)) advice.push("Name the folders of files to include in 'includes'.");
  return advice;
}

function parametersOf(module: string): string[] {
  return [...module.matchAll(/\bparameter\b([^;)]*)/g)].flatMap(([, list = '']) =>
    [...list.matchAll(/([a-zA-Z_][\w$]*)\s*=(?!=)/g)].map(([, name = '']) => name),
  );
}
