import type { Design, Instance, Module, Signal, Site, Statement } from '../../src/ir/ir.ts';
import { standardDomain } from '../../src/ir/visit.ts';
import { elaborate } from '../../src/lang/elaborate.ts';
import { checked } from '../../src/passes/checked.ts';
import type { Example } from './examples.ts';
import { ticked } from './ticked.ts';

const site: Site = { frames: [] };

/** The prefix of an example's ports in the design of all of them. */
export const prefixOf = ({ name }: Example): string => `${name}_`;

/**
 * Examples in one module with one clock, each with its ports under a prefix of its own, so that a tool has to be started only once. Where an example
 * has several clock domains, their edges are told by inputs: see `ticked`.
 */
export function oneTop(examples: readonly Example[]): Design {
  const domain = standardDomain(site);
  const signals: Signal[] = [];
  const body: Statement[] = [];
  const modules: Module[] = [];
  const instances = examples.map(example => {
    const { design } = elaborate(example.make);
    const module = design.top.domains.length > 1 ? ticked(design) : design.top;
    modules.push(...(module === design.top ? design.modules : below(module)));
    const domains = new Map(module.domains.map(({ name }) => [name, domain]));
    const instance: Instance = { name: example.name, module, domains, parameters: new Map(), site };
    for (const port of module.signals.filter(({ kind }) => kind === 'input' || kind === 'output')) {
      const signal: Signal = { ...port, name: prefixOf(example) + port.name, domain };
      signals.push(signal);
      body.push(through(instance, port, signal));
    }
    return instance;
  });
  const top: Module = { name: 'AllCells', domains: [domain], external: undefined, signals, memories: [], instances, body, site };
  return checked({ top, modules: [...modules, top] });
}

/** A module and all below it, children before their parents. */
function below(module: Module): Module[] {
  return [...new Set([...module.instances.flatMap(({ module: child }) => below(child)), module])];
}

/** Connects a port of an instance with one of the top. */
function through(instance: Instance, port: Signal, signal: Signal): Statement {
  const { width } = port;
  const common = { kind: 'assign', low: 0, offset: undefined, site } as const;
  return port.kind === 'input'
    ? { ...common, target: { instance, signal: port }, value: { kind: 'signal', signal, width, site } }
    : { ...common, target: { instance: undefined, signal }, value: { kind: 'instance', instance, port, width, site } };
}
