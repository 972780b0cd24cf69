import type { Design, Module, Site } from '../ir/ir.ts';
import { hidesStandardClass, reservedBy } from '../ir/reserved-words.ts';
import { needsClock, needsReset, ownDomains } from '../ir/state.ts';
import type { Diagnostic } from './diagnostic.ts';

/**
 * Names that the emitted Verilog cannot have: reserved words, no identifiers, names given twice in one module, and names of children
 * that a signal or memory inside the child hides (Verilator's VARHIDDEN). They are never changed behind the user's back.
 */
export function nameClash(design: Design): Diagnostic[] {
  const names = new Map<string, Module>();
  return design.modules.flatMap(module => {
    const found: Diagnostic[] = [];
    const report = (message: string, hint: string, ...sites: Site[]) =>
      found.push({ check: 'name-clash', severity: 'error', message, sites, hint });
    const word = (name: string, what: string, site: Site, rename: string) => {
      const language = reservedBy(name);
      if (language) report(`${what} has the name '${name}', a reserved word of ${language}`, rename, site);
      else if (!/^[A-Za-z_]\w*$/.test(name))
        report(`${what} has the name '${name}', which is no identifier of Verilog`, rename, site);
    };

    word(module.name, 'a module', module.site, 'rename the class');
    const twin = names.get(module.name);
    if (twin) report(`two modules are called ${module.name}`, 'rename one of the classes', module.site, twin.site);
    names.set(module.name, module);

    const { external } = module;
    if (external) word(external.name, 'a black box', module.site, 'name another Verilog module');
    if (external && design.modules.some(other => !other.external && other.name === external.name))
      report(
        `${module.name} and a module of the design are both called '${external.name}' in Verilog`,
        'rename the class',
        module.site,
      );

    const own = new Map<string, { readonly what: string; readonly site: Site }>();
    const items = [
      ...domainPorts(module),
      ...module.signals.map(({ name, kind, site }) => ({ name, what: kind as string, site })),
      ...module.memories.map(({ name, site }) => ({ name, what: 'memory', site })),
      ...module.instances.map(({ name, site }) => ({ name, what: 'child', site })),
    ];
    for (const { name, what, site } of items) {
      word(name, `${article(what)} of ${module.name}`, site, 'rename the field');
      if (what !== 'child' && hidesStandardClass(name)) {
        report(
          `${article(what)} of ${module.name} hides the class '${name}' of SystemVerilog's package std`,
          'rename the field',
          site,
        );
      }
      const other = own.get(name);
      if (other) {
        report(
          `${what} and ${other.what} of ${module.name} are both called '${name}'`,
          'rename one of the fields',
          site,
          other.site,
        );
      } else own.set(name, { what, site });
    }
    for (const { name, module: child, site } of module.instances) {
      const inside = [...child.signals, ...child.memories].find(item => item.name === name);
      if (!inside) continue;
      const message = `child '${name}' of ${module.name} has the name of something inside it: ${child.name} has '${name}' too`;
      report(message, `rename the field of ${module.name} that holds the child`, site, inside.site);
    }
    return found;
  });
}

/** The ports that domains give the emitted module. */
function domainPorts(module: Module) {
  const only = ownDomains(module).length === 1;
  return ownDomains(module).flatMap(domain => {
    const { name, clock, reset, site } = domain;
    const of = only ? '' : ` of the domain '${name}'`;
    return [
      ...(needsClock(module, domain) ? [{ name: clock, what: `the clock${of}`, site }] : []),
      ...(reset && needsReset(module, domain) ? [{ name: reset.name, what: `the reset${of}`, site }] : []),
    ];
  });
}

const article = (what: string) => (what.startsWith('the ') ? what : `${/^[aeiou]/.test(what) ? 'an' : 'a'} ${what}`);
