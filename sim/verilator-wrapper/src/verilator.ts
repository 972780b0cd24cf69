import { emitVerilog, type ir, SimulationError, type SimulationOptions } from '@hdl/ts-hdl';
import { type BuildOptions, build, buildInBackground, type MemoryName } from './build.ts';
import { VerilatedModel } from './model.ts';

export interface VerilatorOptions extends SimulationOptions {
  /** Gets a line per longer step; nothing is said of a model that is found in the cache. */
  readonly log?: (line: string) => void;
}

/**
 * Simulates a design under Verilator: the second engine. Compiles its emitted Verilog, or finds the model in the cache.
 * @throws VerilatorError if a tool is missing or fails, or if the file of `trace` cannot be created.
 */
export function verilator(design: ir.Design, options: VerilatorOptions = {}): VerilatedModel {
  return new VerilatedModel(build(buildOptions(design, options)), options.trace);
}

/** Puts the model of a design into the cache while this thread goes on with other work; then `verilator` with the same options takes no time. */
export async function prepareVerilator(design: ir.Design, options: VerilatorOptions = {}): Promise<void> {
  await buildInBackground(buildOptions(design, options));
}

/** Options for any Verilog: those of `build`, with a file for the waveform in place of `trace`. */
export interface VerilogOptions extends Omit<BuildOptions, 'trace'> {
  /** Writes a waveform (VCD) to this file. */
  readonly trace?: string;
}

/** Simulates any Verilog. @throws VerilatorError as `verilator` does. */
export function verilateVerilog({ trace, ...options }: VerilogOptions): VerilatedModel {
  return new VerilatedModel(build({ ...options, trace: trace !== undefined }), trace);
}

function buildOptions(design: ir.Design, { memories, trace, log }: VerilatorOptions): BuildOptions {
  const { top } = design;
  return {
    sources: emitVerilog(design),
    top: top.name,
    portOrder: top.signals.filter(({ kind }) => kind === 'input' || kind === 'output').map(({ name }) => name),
    memories: memories ? memories.map(path => memoryAt(top, path)) : everyMemory(design),
    trace: trace !== undefined,
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
