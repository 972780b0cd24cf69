import { emitVerilog, externalSources, type ir, SimulationError, type SimulationOptions } from '@hdl/ts-hdl';
import { clockedDomains, needsReset, ownDomains, resetInputs, timingsOf } from '@hdl/ts-hdl/engine';
import { build, buildInBackground } from './build.ts';
import { VerilatorError } from './errors.ts';
import { VerilatedModel } from './model.ts';
import { differences, type PortTypes } from './model-ports.ts';
import type { BuildOptions, MemoryName, WaveformFormat } from './options.ts';

export interface VerilatorOptions extends SimulationOptions {
  /** Gets a line per longer step; nothing is said of a model that is found in the cache. */
  readonly log?: (line: string) => void;
  /** As in `BuildOptions`. */
  readonly optimize?: boolean;
  /** As in `BuildOptions`; without it `save` and `restore` throw. */
  readonly savable?: boolean;
}

/**
 * Simulates a design under Verilator: the second engine. Compiles its emitted Verilog, or finds the model in the cache.
 * @throws VerilatorError if a tool is missing or fails, or if the file of `trace` cannot be created.
 */
export function verilator(design: ir.Design, options: VerilatorOptions = {}): VerilatedModel {
  const model = new VerilatedModel(build(buildOptions(design, options)), options.trace);
  // Every input is 0 at the beginning, so such a reset is active; but what acts on an edge has to see one.
  for (const { name, kind, active } of resetInputs(design)) {
    const words = kind === 'async' && active === 'low' ? model.ports.get(name)?.words : undefined;
    if (!words) continue;
    words[0] = 1;
    model.settle();
    words[0] = 0;
    model.settle();
  }
  return model;
}

/** Puts the model of a design into the cache while this thread goes on with other work; then `verilator` with the same options takes no time. */
export async function prepareVerilator(design: ir.Design, options: VerilatorOptions = {}): Promise<void> {
  await buildInBackground(buildOptions(design, options));
}

/** Options for any Verilog: those of `build`, with a file for the waveform in place of `trace`. */
export interface VerilogOptions<Ports extends PortTypes = PortTypes> extends Omit<BuildOptions, 'trace'> {
  /** Writes a waveform to this file: FST if its name ends in `.fst`, otherwise VCD. */
  readonly trace?: string;
  /** The ports as bindings describe them: gives the model their types, after a check that they are the module's. */
  readonly ports?: Ports;
}

/** Simulates any Verilog. @throws VerilatorError with Verilator's messages, or if `ports` are not those of the module. */
export function verilateVerilog<const Ports extends PortTypes = PortTypes>(
  options: VerilogOptions<Ports>,
): VerilatedModel<Ports> {
  const { ports, trace, ...rest } = options;
  const model = new VerilatedModel<Ports>(build(traced(rest, trace)), trace);
  const wrong = ports ? differences(ports, model.ports) : [];
  if (wrong.length === 0) return model;
  model[Symbol.dispose]();
  throw new VerilatorError(
    `The ports of ${options.top} are not those of its bindings: ${wrong.join('; ')}. Make the bindings again.`,
  );
}

/** Puts the model of any Verilog into the cache while this thread goes on with other work; then `verilateVerilog` with the same options takes no time. */
export async function prepareVerilog({ ports: _, trace, ...rest }: VerilogOptions): Promise<void> {
  await buildInBackground(traced(rest, trace));
}

const traced = (options: Omit<BuildOptions, 'trace'>, trace: string | undefined): BuildOptions => ({
  ...options,
  ...(trace !== undefined && { trace: formatOf(trace) }),
});

const formatOf = (trace: string): WaveformFormat => (trace.endsWith('.fst') ? 'fst' : 'vcd');

function buildOptions(
  design: ir.Design,
  { memories, trace, log, optimize, savable, clocks: timings }: VerilatorOptions,
): BuildOptions {
  const { top } = design;
  const names = clockedDomains(top).map(({ clock }) => clock);
  const times = timingsOf(names, timings);
  const usual = names.length === 1 && names[0] === 'clk' && timings === undefined;
  const clocks = Object.fromEntries(names.map((name, i) => [name, times[i] ?? { period: 2 }]));
  return {
    // Properties are looked at by `simulate`, which makes outputs of them.
    sources: emitVerilog(design, { simulation: false }),
    files: externalSources(design),
    ...(!usual && { clocks }),
    top: top.name,
    portOrder: [
      ...ownDomains(top).flatMap(domain => (domain.reset && needsReset(top, domain) ? [domain.reset.name] : [])),
      ...top.signals.filter(({ kind }) => kind === 'input' || kind === 'output').map(({ name }) => name),
    ],
    memories: memories ? memories.map(path => memoryAt(top, path)) : everyMemory(design),
    ...(trace !== undefined && { trace: formatOf(trace) }),
    ...(optimize !== undefined && { optimize }),
    ...(savable !== undefined && { savable }),
    ...(log && { log }),
  };
}

function everyMemory(design: ir.Design): MemoryName[] {
  return design.modules.flatMap(module => module.memories.map(({ name }) => ({ module: module.name, name })));
}

/** @throws SimulationError if there is none. */
function memoryAt(top: ir.Module, path: string): MemoryName {
  const names = path.split('.');
  const name = names.pop();
  let module: ir.Module | undefined = top;
  for (const part of names) module = module?.instances.find(instance => instance.name === part)?.module;
  const memory = module?.memories.find(candidate => candidate.name === name);
  if (!module || !memory) throw new SimulationError(`The design has no memory '${path}' below ${top.name}.`);
  return { module: module.name, name: memory.name };
}
