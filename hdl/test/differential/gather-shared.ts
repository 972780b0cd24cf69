import type { Design, Domain, Instance, Module, Signal, Site, Statement } from '../../src/ir/ir.ts';
import { shareModules } from '../../src/passes/index.ts';
import { type ResetKind, resetKinds } from '../random-design.ts';

const site: Site = { frames: [] };

/** Clocks of gathered designs: their domains `clk` belong to the first group, their domains `other` to the second. */
export const clockGroups = ['a', 'b'] as const;

/** One domain per group and kind of reset, so that hundreds of designs need eight clocks. All clocks of a group rise together. */
const domains = clockGroups.flatMap(group => resetKinds.map(kind => sharedDomain(group, kind)));

function sharedDomain(group: string, { kind, active }: ResetKind): Domain {
  const name = `${group}_${kind}_${active}`;
  return { name, clock: `${name}_clk`, reset: { name: `${name}_rst${active === 'low' ? '_n' : ''}`, kind, active }, site };
}

function sharedFor(group: string, { reset }: Domain): Domain {
  const found = domains.find(
    d => d.name.startsWith(`${group}_`) && d.reset?.kind === reset?.kind && d.reset?.active === reset?.active,
  );
  if (!found) throw new Error('a design has a domain without reset');
  return found;
}

/** Random designs as instances `d0`, `d1`, ... of one module with ports of their own, so that they are compiled together. */
export function gatherShared(designs: readonly Design[]): Design {
  const signals: Signal[] = [];
  const instances: Instance[] = [];
  const body: Statement[] = [];
  designs.forEach(({ top }, i) => {
    const bound = top.domains.map((domain, n) => [domain.name, sharedFor(clockGroups[n] ?? 'a', domain)] as const);
    const parameters = top.signals.flatMap(({ kind, name, init = 0n }) => (kind === 'parameter' ? [[name, init] as const] : []));
    const instance: Instance = { name: `d${i}`, module: top, domains: new Map(bound), parameters: new Map(parameters), site };
    instances.push(instance);
    for (const port of top.signals) {
      if (port.kind !== 'input' && port.kind !== 'output') continue;
      const { width } = port;
      const signal: Signal = { ...port, name: `d${i}_${port.name}`, domain: undefined };
      signals.push(signal);
      const plain = { kind: 'assign', low: 0, offset: undefined, site } as const;
      body.push(
        port.kind === 'input'
          ? { ...plain, target: { instance, signal: port }, value: { kind: 'signal', signal, width, site } }
          : { ...plain, target: { instance: undefined, signal }, value: { kind: 'instance', instance, port, width, site } },
      );
    }
  });
  const [first, ...others] = domains;
  if (!first) throw new Error('there are no domains');
  const shape = { external: undefined, memories: [], site };
  const top: Module = { ...shape, name: 'Gathered', domains: [first, ...others], signals, instances, body };
  return shareModules({ top, modules: [...designs.flatMap(design => design.modules), top] });
}
