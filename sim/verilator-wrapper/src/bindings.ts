import { writeFileSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import { interfaceOf } from './build.ts';
import { VerilatorError } from './errors.ts';
import { inputsOf } from './inputs.ts';
import type { BuildOptions, VerilogSources } from './options.ts';
import type { Port } from './ports.ts';
import { modulesOf } from './verilog-text.ts';

export interface BindingsOptions extends VerilogSources, Pick<BuildOptions, 'clock' | 'clocks' | 'log'> {
  /** The TypeScript file to write. The bindings then find the Verilog from where they stand; otherwise from the working folder of their user. */
  readonly file?: string;
}

/**
 * TypeScript for a top module: its ports with names, widths and directions as types, and `open`, which makes a model with these types. Only Verilator runs
 * for it, no C++ compiler.
 * @returns the text, written to `file` if one is named. @throws VerilatorError as `build` does.
 */
export function bindings(options: BindingsOptions): string {
  const { file, log: _, ...sources } = options;
  if ((sources.sources ?? []).length > 0)
    throw new VerilatorError("Bindings are made for Verilog in files: give them in 'files', not as texts in 'sources'.");
  const { ports, plan } = interfaceOf(options);
  const declaration = modulesOf(options, inputsOf(options)).get(options.top) ?? '';
  const clocks = plan.clocks.map(({ port }) => port.name);
  const text = source(
    sources,
    ports
      .filter(({ name }) => !clocks.includes(name))
      .toSorted((a, b) => placeOf(a.name, declaration) - placeOf(b.name, declaration)),
    clocks,
    file,
  );
  if (file !== undefined) writeFileSync(file, text);
  return text;
}

function source(
  { folder = '.', ...sources }: BuildOptions,
  ports: readonly Port[],
  clocks: readonly string[],
  file: string | undefined,
): string {
  const { top } = sources;
  const place = file === undefined ? literal(folder) : `fileURLToPath(new URL(${literal(urlTo(folder, file))}, import.meta.url))`;
  const settings = Object.entries(sources).map(([name, value]) => `  ${key(name)}: ${literal(value)},`);
  const clocked = clocks.length === 0 ? 'It has no clock' : `Its clock${clocks.length > 1 ? 's' : ''}: ${clocks.join(', ')}`;
  return `// Made from Verilog by \`verilator-wrapper bindings\`. Make it again when ports change.
${file === undefined ? '' : "import { fileURLToPath } from 'node:url';\n"}import { type VerilatedModel, type VerilogOptions, verilateVerilog } from '@hdl/verilator-wrapper';

/** The ports of \`${top}\`. ${clocked}. */
export const ports = {
${ports.map(({ name, direction, width }) => `  ${key(name)}: { direction: '${direction}', width: ${width} },`).join('\n')}
} as const;

/** A model of \`${top}\`. */
export type Model = VerilatedModel<typeof ports>;

/** The Verilog of \`${top}\`. */
export const verilog = {
${settings.join('\n')}
  folder: ${place},
} satisfies VerilogOptions;

/** Makes a model of \`${top}\`; options go before those of \`verilog\`. */
export function open(options: Omit<Partial<VerilogOptions>, 'ports'> = {}): Model {
  return verilateVerilog({ ...verilog, ...options, ports });
}
`;
}

/** The folder as a file sees it, with a slash at its end. */
function urlTo(folder: string, file: string): string {
  const path = relative(dirname(resolve(file)), resolve(folder))
    .split(sep)
    .join('/');
  return path === '' ? './' : `${path.startsWith('.') ? path : `./${path}`}/`;
}

/** Where a port stands in its module, so that the bindings have the order of the Verilog. */
const placeOf = (name: string, declaration: string) => declaration.search(new RegExp(`(?<![\\w$])${escaped(name)}(?![\\w$])`));

const escaped = (name: string) => name.replaceAll(/[^\w]/g, '\\$&');

const key = (name: string) => (/^[a-zA-Z_$][\w$]*$/.test(name) ? name : literal(name));

/** A value of the options as TypeScript. */
function literal(value: unknown): string {
  if (typeof value === 'string') return `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value).map(([name, item]) => `${key(name)}: ${literal(item)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}
