import type { Design, Domain, Instance, Module, Signal, Site, Statement } from '../../src/ir/ir.ts';
import { elaborate } from '../../src/lang/elaborate.ts';
import { checked } from '../../src/passes/checked.ts';
import type { Example } from './examples.ts';

const site: Site = { frames: [] };

/** The prefix of an example's ports in the design of all of them. */
export const prefixOf = ({ name }: Example): string => `${name}_`;

/**
 * All examples in one module, each with its ports under a prefix of its own, so that a tool has to be started only once. Clock domains of one name
 * are one.
 */
export function oneTop(examples: readonly Example[]): Design {
  const domains = new Map<string, Domain>();
  const signals: Signal[] = [];
  const body: Statement[] = [];
  const modules: Module[] = [];
  const instances = examples.map(example => {
    const { design } = elaborate(example.make);
    modules.push(...design.modules);
    for (const domain of design.top.domains) if (!domains.has(domain.name)) domains.set(domain.name, domain);
    const own = new Map(design.top.domains.map(({ name }) => [name, domains.get(name) ?? design.top.domains[0]]));
    const instance: Instance = { name: example.name, module: design.top, domains: own, parameters: new Map(), site };
    for (const port of design.top.signals.filter(({ kind }) => kind === 'input' || kind === 'output')) {
      const domain = port.domain && domains.get(port.domain.name);
      const signal: Signal = { ...port, name: prefixOf(example) + port.name, domain };
      signals.push(signal);
      body.push(through(instance, port, signal));
    }
    return instance;
  });
  const [first, ...others] = domains.values();
  if (!first) throw new Error('there are no examples');
  const top: Module = {
    name: 'AllCells',
    domains: [first, ...others],
    external: undefined,
    signals,
    memories: [],
    instances,
    body,
    site,
  };
  return checked({ top, modules: [...modules, top] });
}

/** Connects a port of an instance with one of the top. */
function through(instance: Instance, port: Signal, signal: Signal): Statement {
  const { width } = port;
  const common = { kind: 'assign', low: 0, offset: undefined, site } as const;
  return port.kind === 'input'
    ? { ...common, target: { instance, signal: port }, value: { kind: 'signal', signal, width, site } }
    : { ...common, target: { instance: undefined, signal }, value: { kind: 'instance', instance, port, width, site } };
}
