import type { Domain, Instance, Module } from './ir.ts';
import { walk } from './visit.ts';

/**
 * Whether the emitted module has the clock port of the domain: it holds a memory write, a property, a log line or a register that something
 * gives a value (an assignment or a reset) in it, or a child that needs its clock. A register without both is the constant 0.
 */
export function needsClock(module: Module, domain: Domain): boolean {
  return needs(module).clocks.has(domain);
}

/**
 * Whether the emitted module has the reset port of the domain, or uses its reset if it is a signal: it holds a register with an `init`, a property or a
 * log line in it, or such a child.
 */
export function needsReset(module: Module, domain: Domain): boolean {
  return domain.reset !== undefined && needs(module).resets.has(domain);
}

/** The domains of a module that have ports, in order. */
export function ownDomains(module: Module): Domain[] {
  return module.domains.filter(domain => domain.of === undefined);
}

/** The parent's domain for one of a child, whose clock drives it. */
export function outerDomain({ domains }: Instance, inner: Domain): Domain | undefined {
  return domains.get((inner.of ?? inner).name);
}

/**
 * Whether the reset of the domain acts on a register that is not declared `crossing`, in the module or below: then its end has to come from the domain's
 * clock.
 */
export function needsTimedReset(module: Module, domain: Domain): boolean {
  return domain.reset !== undefined && needs(module).timedResets.has(domain);
}

interface Needs {
  readonly clocks: ReadonlySet<Domain>;
  readonly resets: ReadonlySet<Domain>;
  readonly timedResets: ReadonlySet<Domain>;
}

const known = new WeakMap<Module, Needs>();

function needs(module: Module): Needs {
  let result = known.get(module);
  if (result === undefined) {
    result = module.external && !module.external.modelled ? external(module) : find(module);
    known.set(module, result);
  }
  return result;
}

/** What is inside a black box is not known: it gets all that it names. */
function external(module: Module): Needs {
  const all = new Set<Domain>(module.domains);
  return { clocks: all, resets: all, timedResets: all };
}

function find(module: Module): Needs {
  const resets = new Set<Domain>();
  const timedResets = new Set<Domain>();
  const clocks = new Set<Domain>();
  for (const { kind, init, domain, crossing } of module.signals) {
    if (kind !== 'register' || init === undefined || !domain) continue;
    clocks.add(domain);
    resets.add(domain);
    if (!crossing) timedResets.add(domain);
  }
  walk(module.body, statement => {
    if (statement.kind === 'assign') {
      const { kind, domain } = statement.target.signal;
      if (kind === 'register' && domain) clocks.add(domain);
    } else if (statement.kind === 'memory-write') {
      clocks.add(statement.domain);
    } else if (statement.kind === 'property' || statement.kind === 'log') {
      clocks.add(statement.domain);
      resets.add(statement.domain);
    }
  });
  for (const { module: child, domains } of module.instances) {
    for (const inner of child.domains) {
      const outer = domains.get(inner.name);
      if (!outer) continue;
      if (needsClock(child, inner)) clocks.add(outer);
      if (needsReset(child, inner)) resets.add(outer);
      if (needsTimedReset(child, inner)) timedResets.add(outer);
    }
  }
  for (const { of: base } of clocks) if (base) clocks.add(base);
  return { clocks, resets, timedResets };
}
