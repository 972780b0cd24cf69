import type { Design, Domain, Module, Reset, Site } from '../ir/ir.ts';
import { needsReset } from '../ir/state.ts';
import type { Diagnostic } from './diagnostic.ts';

/** Something that a reset acts on. */
interface Use {
  /** Its path below the module, such as `fifo.level`. */
  readonly name: string;
  readonly site: Site;
}

/** The first use of each kind of a domain's reset. */
type Uses = { readonly [kind in Reset['kind']]?: Use };

/**
 * Resets that act at once on some registers and at the clock edge on others. Their end has to keep a distance from the edge for the first, and their
 * beginning for the others too: it is seldom timed for both, and the first ones to leave reset may see the others still in it.
 */
export function resetKinds(design: Design): Diagnostic[] {
  const known = new Map<Module, ReadonlyMap<Domain, Uses>>();
  const found: Diagnostic[] = [];
  for (const module of design.modules) {
    const uses = new Map<Domain, Uses>();
    const mixed = new Set<Domain>();
    const add = (user: Domain, more: Uses) => {
      // Domains of one module that take one signal as their reset are in reset together.
      const domain = module.domains.find(({ reset }) => reset && reset.name === user.reset?.name) ?? user;
      const now = { ...more, ...uses.get(domain) };
      uses.set(domain, now);
      if (more.sync && more.async) mixed.add(domain);
      else if (now.sync && now.async && !mixed.has(domain)) {
        mixed.add(domain);
        found.push(diagnostic(module, domain, now.sync, now.async));
      }
    };
    for (const { name, kind, init, domain, site } of module.signals) {
      if (kind === 'register' && init !== undefined && domain?.reset) add(domain, { [domain.reset.kind]: { name, site } });
    }
    for (const { name, module: child, domains } of module.instances) {
      for (const [inner, below] of known.get(child) ?? []) {
        const outer = domains.get(inner.name);
        if (!outer) continue;
        const { sync, async } = below;
        const named = (use: Use) => ({ name: `${name}.${use.name}`, site: use.site });
        add(outer, { ...(sync && { sync: named(sync) }), ...(async && { async: named(async) }) });
      }
    }
    if (module.external && !module.external.modelled) {
      for (const domain of module.domains) {
        const { reset, site } = domain;
        if (reset && needsReset(module, domain)) add(domain, { [reset.kind]: { name: reset.name, site } });
      }
    }
    known.set(module, uses);
  }
  return found;
}

function diagnostic({ name }: Module, domain: Domain, sync: Use, async: Use): Diagnostic {
  return {
    check: 'reset-kinds',
    severity: 'error',
    message: `the reset of the clock domain '${domain.name}' of ${name} is used in two ways: asynchronous for '${async.name}', synchronous for '${sync.name}'`,
    sites: [async.site, sync.site],
    hint: `state one kind of reset in all clock domains that '${domain.name}' drives, or give one of the two a domain and a reset of its own`,
  };
}
