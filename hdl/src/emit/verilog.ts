import type { Design, Module } from '../ir/ir.ts';
import { type Drivers, drivers } from './grouping.ts';
import { Hints, type ReadSource, readFile } from './hints.ts';
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
}

/**
 * The design as Verilog-2005, one module per file, children before their parents. The same design gives the same bytes. Names of ports,
 * signals, memories and instances are the user's; other wires stand only where Verilog needs them or a value has several users.
 *
 * The design must have passed `checks`. Module names must be unique: see `shareModules`.
 */
export function emitVerilog(design: Design, options: EmitOptions = {}): VerilogFile[] {
  const hints = new Hints(options.readSource ?? readFile);
  const done = new Map<Module, Drivers>();
  const of = (module: Module): Drivers => {
    let result = done.get(module);
    if (result === undefined) {
      result = drivers(module, child => of(child).paths);
      done.set(module, result);
    }
    return result;
  };
  const instanceNames = new Map<Module, Set<string>>(design.modules.map(module => [module, new Set()]));
  for (const parent of design.modules) for (const { module, name } of parent.instances) instanceNames.get(module)?.add(name);
  return design.modules.map(module => ({
    name: `${module.name}.v`,
    text: emitModule(module, of(module), hints, instanceNames.get(module) ?? []),
  }));
}

/** As `emitVerilog`, all modules in one text. */
export function emitText(design: Design, options: EmitOptions = {}): string {
  return emitVerilog(design, options)
    .map(file => file.text)
    .join('\n');
}
