import { emitVerilog, type ir, type Simulation, type SimulationOptions } from '@hdl/ts-hdl';
import { build, type MemoryRequest } from './build.ts';
import { VerilatedModel } from './model.ts';

export interface VerilatorOptions extends SimulationOptions {
  /** Gets a line when something is compiled rather than found in the cache. */
  readonly log?: (line: string) => void;
}

/** The second engine: the design's emitted Verilog under Verilator. @throws VerilatorError if the tools are missing or refuse it. */
export function verilator(design: ir.Design, options: VerilatorOptions = {}): Simulation {
  const { trace, log } = options;
  const built = build({
    sources: emitVerilog(design),
    top: design.top.name,
    memories: memoriesOf(design.top, ''),
    trace: trace !== undefined,
    ...(log && { log }),
  });
  return new VerilatedModel(built, trace);
}

/** Every memory of the hierarchy by its path. */
function memoriesOf(module: ir.Module, path: string): MemoryRequest[] {
  const own = module.memories.map(m => ({ path: `${path}${m.name}`, module: module.name, width: m.width, depth: m.depth }));
  return [...own, ...module.instances.flatMap(i => memoriesOf(i.module, `${path}${i.name}.`))];
}
