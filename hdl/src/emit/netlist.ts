import type { Design, Module, Signal } from '../ir/ir.ts';
import { domainPorts } from './domains.ts';
import { blackBoxParameters, digits, type Netlist, type NetlistModule, type NetlistPort, sourceOf } from './netlist-format.ts';
import { ModuleNetlist, type VariantOf } from './netlist-module.ts';
import { ports } from './ports.ts';

/**
 * The design as a netlist of operators, multiplexers and registers in the JSON format of Yosys (`read_json` reads it, `netlistsvg` draws it): modules and
 * signals have the names of the Verilog, cells the place in the source as their attribute `src`. An instance with parameters of its own refers to a
 * variant of the module, named as Yosys does. Properties and log lines, which are no hardware, are left out.
 *
 * The design must have passed `checks`, and module names must be unique: see `shareModules`.
 */
export function emitNetlist(design: Design): Netlist {
  const modules: { [name: string]: NetlistModule } = {};
  const variant: VariantOf = (module, values) => {
    const name = variantName(module, values);
    modules[name] ??= module.external
      ? blackBox(module)
      : new ModuleNetlist(module, values, variant, module === design.top).netlist();
    return name;
  };
  variant(design.top, new Map());
  return { creator: 'ts-hdl', modules };
}

/** `Limited`, or `$paramod\Limited\limit=8'00001001` for other values of its parameters. */
function variantName(module: Module, values: ReadonlyMap<string, bigint>): string {
  if (module.external) return module.external.name;
  const changed = parameters(module).filter(({ name, init }) => (values.get(name) ?? init) !== init);
  const text = changed.map(({ name, width }) => `\\${name}=${width}'${digits(values.get(name) ?? 0n, width)}`);
  return changed.length === 0 ? module.name : `$paramod\\${module.name}${text.join('')}`;
}

const parameters = (module: Module): Signal[] => module.signals.filter(signal => signal.kind === 'parameter');

/** A module of which only the ports are known. */
function blackBox(module: Module): NetlistModule {
  let next = 2;
  const bits = (width: number) => Array.from({ length: width }, () => next++);
  const clocks = domainPorts(module).map(({ name }): [string, NetlistPort] => [name, { direction: 'input', bits: bits(1) }]);
  const others = ports(module).map(({ name, kind, width }): [string, NetlistPort] => [
    name,
    { direction: kind === 'output' ? 'output' : 'input', bits: bits(width) },
  ]);
  return {
    attributes: { blackbox: digits(1), ...sourceOf(module.site) },
    parameter_default_values: blackBoxParameters(module),
    ports: Object.fromEntries([...clocks, ...others]),
    cells: {},
    memories: {},
    netnames: {},
  };
}
