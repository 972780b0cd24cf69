import type { Design, Domain, Instance, Module, Signal, Site, Statement } from '../../src/ir/ir.ts';
import { ownDomains } from '../../src/ir/state.ts';
import { shareModules } from '../../src/passes/index.ts';

const site: Site = { frames: [] };

/**
 * Designs as instances `d0`, `d1`, ... of one module, each with ports and clock domains of its own (`d0_clk`, `d0_data`), so that a tool has to be
 * started only once for all of them.
 */
export function gather(designs: readonly Design[]): Design {
  const domains: Domain[] = [];
  const signals: Signal[] = [];
  const instances: Instance[] = [];
  const body: Statement[] = [];
  designs.forEach(({ top }, i) => {
    const own = new Map(ownDomains(top).map(domain => [domain.name, renamed(domain, `d${i}_`)]));
    domains.push(...own.values());
    const outer = ({ name, of }: Domain) => own.get((of ?? { name }).name);
    const parameters = top.signals.flatMap(({ kind, name, init = 0n }) => (kind === 'parameter' ? [[name, init] as const] : []));
    const instance: Instance = { name: `d${i}`, module: top, domains: own, parameters: new Map(parameters), site };
    instances.push(instance);
    for (const port of top.signals) {
      if (port.kind !== 'input' && port.kind !== 'output') continue;
      const { width } = port;
      const signal: Signal = { ...port, name: `d${i}_${port.name}`, domain: port.domain && outer(port.domain) };
      signals.push(signal);
      body.push(
        port.kind === 'input'
          ? assign({ instance, signal: port }, { kind: 'signal', signal, width, site })
          : assign({ instance: undefined, signal }, { kind: 'instance', instance, port, width, site }),
      );
    }
  });
  const [first, ...others] = domains;
  if (!first) throw new Error('there is nothing to gather');
  const top: Module = {
    name: 'Gathered',
    domains: [first, ...others],
    external: undefined,
    signals,
    memories: [],
    instances,
    body,
    site,
  };
  return shareModules({ top, modules: [...designs.flatMap(design => design.modules), top] });
}

function renamed({ name, clock, reset }: Domain, prefix: string): Domain {
  return { name: prefix + name, clock: prefix + clock, reset: reset && { ...reset, name: prefix + reset.name }, site };
}

type Assign = Extract<Statement, { kind: 'assign' }>;

const assign = (target: Assign['target'], value: Assign['value']): Assign => ({
  kind: 'assign',
  target,
  low: 0,
  offset: undefined,
  value,
  site,
});
