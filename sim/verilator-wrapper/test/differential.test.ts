import { embedded, type ir, type PortView, type Simulation } from '@hdl/ts-hdl';
import { expect, test } from 'vitest';
import { Random, randomDesign } from '../../../hdl/test/random-design.ts';
import { verilator } from '../src/index.ts';
import { get, set } from './designs.ts';

/** Random designs as instances of one module, each with ports of its own, so that they are compiled together. */
function gather(designs: readonly ir.Design[]): ir.Design {
  const site: ir.Site = { frames: [] };
  const modules: ir.Module[] = [];
  const signals: ir.Signal[] = [];
  const instances: ir.Instance[] = [];
  const body: ir.Statement[] = [];
  designs.forEach(({ modules: own, top }, i) => {
    // Names of modules are unique in a design only.
    const renamed = new Map<ir.Module, ir.Module>();
    const rename = (module: ir.Module): ir.Module => {
      const known = renamed.get(module);
      if (known !== undefined) return known;
      throw new Error(`module ${module.name} comes after its parent`);
    };
    for (const module of own) renamed.set(module, renameModule(module, `D${i}_${module.name}`, rename));
    modules.push(...renamed.values());
    const instance: ir.Instance = { name: `d${i}`, module: rename(top), site };
    instances.push(instance);
    for (const port of top.signals) {
      if (port.kind !== 'input' && port.kind !== 'output') continue;
      const outer: ir.Signal = { ...port, name: `d${i}_${port.name}` };
      signals.push(outer);
      const { width } = port;
      if (port.kind === 'input') {
        const value: ir.Expr = { kind: 'signal', signal: outer, width, site };
        body.push({ kind: 'assign', target: { instance, signal: port }, low: 0, value, site });
      } else {
        const value: ir.Expr = { kind: 'instance', instance, port, width, site };
        body.push({ kind: 'assign', target: { instance: undefined, signal: outer }, low: 0, value, site });
      }
    }
  });
  const top: ir.Module = { name: 'Gathered', signals, memories: [], instances, body, site };
  return { top, modules: [...modules, top] };
}
