import type { Design, Module } from '../ir/ir.ts';
import { type ReadSource, readSource } from '../lang/source-text.ts';
import { type Drivers, drivers } from './grouping.ts';
import { Hints } from './hints.ts';
import { emitModule } from './module-emitter.ts';

/** One emitted source file. */
export interface VerilogFile {
  /** The module's name with `.v`. */
  readonly name: string;
  readonly text: string;
}

export interface EmitOptions {
  /** Gives the text of a file of the user's, from which names of intermediate values are taken. Reads the file system by default. */
  readonly readSource?: ReadSource;
  /**
   * Whether log lines, and failures of `assert` and `assume`, are told by simulators that read the Verilog (`$display` and `$stop`, left out where
   * `SYNTHESIS` is defined). True by default. What formal tools read stands under `ifdef FORMAL` in any case.
   */
  readonly simulation?: boolean;
}

/**
 * The design as Verilog-2005, one module per file, children before their parents. The same design gives the same bytes. Names of ports,
 * signals, memories and instances are the user's; other wires stand only where Verilog needs them or a value has several users.
 *
 * The design must have passed `checks`. Module names must be unique: see `shareModules`.
 */
export function emitVerilog(design: Design, options: EmitOptions = {}): VerilogFile[] {
  const { simulation = true } = options;
  const modules = emittedModules(design);
  const hints = new Hints(options.readSource ?? readSource);
  const done = new Map<Module, Drivers>();
  const of = (module: Module): Drivers => {
    let result = done.get(module);
    if (result === undefined) {
      result = drivers(module, child => of(child).paths);
      done.set(module, result);
    }
    return result;
  };
  const instanceNames = new Map<Module, Set<string>>(modules.map(module => [module, new Set()]));
  for (const parent of modules) for (const { module, name } of parent.instances) instanceNames.get(module)?.add(name);
  return modules.map(module => ({
    name: `${module.name}.v`,
    text: emitModule(module, of(module), hints, instanceNames.get(module) ?? [], { simulation }),
  }));
}

/**
 * The Verilog files that black boxes of the design name, each once, in the order of their first use: a tool that wants the whole reads them beside
 * those of `emitVerilog`. Paths are as the black boxes state them.
 */
export function externalSources(design: Design): string[] {
  return [...new Set(reachable(design).flatMap(module => module.external?.sources ?? []))];
}

/** The modules that have a file of their own: all but black boxes and what only these contain. */
function emittedModules(design: Design): Module[] {
  return reachable(design).filter(module => module.external === undefined);
}

/** The modules that the top consists of, without what is inside black boxes, children before their parents. */
function reachable(design: Design): Module[] {
  const found = new Set<Module>([design.top]);
  for (const module of found) {
    if (module.external === undefined) for (const { module: child } of module.instances) found.add(child);
  }
  return design.modules.filter(module => found.has(module));
}

/** As `emitVerilog`, all modules in one text. */
export function emitText(design: Design, options: EmitOptions = {}): string {
  return emitVerilog(design, options)
    .map(file => file.text)
    .join('\n');
}
