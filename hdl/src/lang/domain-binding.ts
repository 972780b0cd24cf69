import type * as ir from '../ir/ir.ts';
import { standardDomain } from '../ir/visit.ts';
import type { Bits } from './bits.ts';
import { ClockDomain, type DomainChoice, ownDomain, ResetDomain } from './domain.ts';
import { HdlError } from './errors.ts';
import type { Module } from './module.ts';

/** The clock domains of a module in the making. */
export interface ScopeDomains {
  /** What belongs to it names no other. */
  readonly standard: ir.Domain;
  readonly others: readonly ir.Domain[];
  readonly byField: ReadonlyMap<ClockDomain, ir.Domain>;
  /** The parent's domain for each that has ports; empty for the top. */
  readonly outer: ReadonlyMap<ir.Domain, ir.Domain>;
  /** Wires that carry resets which the module makes, with what drives them. */
  readonly resets: readonly { readonly wire: ir.Signal; readonly from: Bits }[];
}

interface Parent {
  readonly label: string;
  readonly domains: ScopeDomains;
}

/**
 * The domains of a module: its fields, and `clk` if none of them is the default. What a field leaves open is as in the domain of the parent
 * that drives it.
 * @throws HdlError for a domain that is not connected or whose reset does not fit.
 */
export function domainsOf(module: Module<unknown>, parent: Parent | undefined): ScopeDomains {
  const label = module.constructor.name;
  const byField = new Map<ClockDomain, ir.Domain>();
  const outer = new Map<ir.Domain, ir.Domain>();
  const surrounding = parent && domainOf(parent.domains, parent.label, module['~domain'], module['~site'].creation);
  const others: ir.Domain[] = [];
  const resets: { readonly wire: ir.Signal; readonly from: Bits }[] = [];
  const sharing = new Map<string, ResetDomain>();
  let standard: ir.Domain | undefined;
  let first: string | undefined;
  for (const [name, field] of Object.entries(module)) {
    if (!(field instanceof ClockDomain) || name.startsWith('~')) continue;
    if (field.name !== undefined)
      throw new HdlError(
        `the clock domain '${field.name}' stands in two fields: '${name}' of ${label} is the second`,
        field.site,
        { help: 'give each field a domain of its own; connect may drive both with one clock' },
      );
    field.name = name;
    if (field.options.default) {
      if (first !== undefined)
        throw new HdlError(`${label} has two default clock domains, '${first}' and '${name}'`, field.site, {
          help: 'leave out default: true in one of them',
        });
      first = name;
    }
    if (field instanceof ResetDomain) {
      sharing.set(name, field);
      continue;
    }
    const driver = parent && driverOf(module, field, parent, surrounding);
    const domain = fit(label, name, field, driver);
    if (driver) outer.set(domain, driver);
    byField.set(field, domain);
    if (field.options.default) standard = domain;
    else others.push(domain);
  }
  if (first === undefined) {
    standard = surrounding ? inherited(surrounding, module['~site']) : standardDomain(module['~site']);
    if (surrounding) outer.set(standard, surrounding);
  }
  for (const [name, field] of sharing) {
    const base = field.clock === ownDomain ? standard : byField.get(field.clock);
    if (!base) throw noClock(label, name, field);
    const { reset, wire } = resetSignal(module, name, field);
    const of = base.of ?? base;
    const domain: ir.Domain = { name, clock: of.clock, reset, of, site: field.site };
    if (wire) resets.push({ wire, from: field.reset });
    byField.set(field, domain);
    if (field.options.default) standard = domain;
    else others.push(domain);
  }
  if (!standard) throw new Error(`${label} has no default clock domain`);
  return { standard, others, byField, outer, resets };
}

function noClock(label: string, name: string, { clock, site }: ResetDomain): HdlError {
  if (clock === ownDomain)
    return new HdlError(`the clock domain '${name}' of ${label} is the default, and has the clock of the default`, site, {
      help: 'declare the domain whose clock it has with clockDomain(), without default: true, and name that one',
    });
  const known = clock.name === undefined ? 'has the clock of a domain' : `has the clock of '${clock.name}'`;
  return new HdlError(`the clock domain '${name}' of ${label} ${known} that is no field of ${label} above it`, site, clock.site, {
    help: `name a clock domain that is a field of ${label} and stands before '${name}'`,
  });
}

/** The reset of a domain that shares a clock: an input or wire that is a field as it is, and a wire of its own for all else. */
function resetSignal(module: Module<unknown>, name: string, { reset: bits, kind, active, site }: ResetDomain) {
  const { operation } = bits;
  const isNet = operation.kind === 'signal' && (operation.role === 'input' || operation.role === 'wire');
  const [field] = (isNet && Object.entries(module).find(([, value]) => value === bits)) || [];
  if (field !== undefined) return { reset: { name: field, kind, active }, wire: undefined };
  const reset = { name: resetName(`${name}_`, active), kind, active };
  const wire: ir.Signal = {
    name: reset.name,
    kind: 'wire',
    width: 1,
    init: undefined,
    domain: undefined,
    crossing: false,
    states: undefined,
    site,
  };
  return { reset, wire };
}

/** The domain that something belongs to. @throws HdlError if it is one of another module. */
export function domainOf(domains: ScopeDomains, label: string, choice: DomainChoice | undefined, site: ir.Site): ir.Domain {
  if (choice === undefined || choice === ownDomain) return domains.standard;
  if (!(choice instanceof ClockDomain)) return domains.byField.get(choice.domain) ?? domains.standard;
  const found = domains.byField.get(choice);
  if (found) return found;
  const name = choice.name === undefined ? 'this clock domain' : `the clock domain '${choice.name}'`;
  const advice = `give ${label} a field of its own for it, and connect that to the domain`;
  throw new HdlError(`${name} is no field of ${label}`, site, choice.site, { help: advice });
}

function driverOf(module: Module<unknown>, field: ClockDomain, parent: Parent, surrounding: ir.Domain | undefined): ir.Domain {
  const site = module['~site'].creation;
  const stated = module['~clocks'].get(field);
  if (stated) return domainOf(parent.domains, parent.label, stated, site);
  if (field.options.default && surrounding) return surrounding;
  const child = module.constructor.name;
  throw new HdlError(`the clock domain '${field.name}' of ${child} is not connected`, site, field.site, {
    help: `name a domain of ${parent.label} for it in connect`,
  });
}

/** A domain like the one around it, with the ports `clk` and `rst` (`rst_n` if active low). */
function inherited({ reset }: ir.Domain, site: ir.Site): ir.Domain {
  return { name: 'clk', clock: 'clk', reset: reset && { ...reset, name: resetName('', reset.active) }, site };
}

const resetName = (prefix: string, active: ir.Reset['active']) => `${prefix}${active === 'low' ? 'rst_n' : 'rst'}`;

function fit(label: string, name: string, { options, site }: ClockDomain, driver: ir.Domain | undefined): ir.Domain {
  const clock = options.clock ?? `${name}_clk`;
  if (options.reset === 'none') return { name, clock, reset: undefined, site };
  const given = driver ? driver.reset : ({ kind: 'sync', active: 'high' } as const);
  const wanted = options.reset;
  if (!given) {
    if (wanted === undefined) return { name, clock, reset: undefined, site };
    throw new HdlError(`the clock domain '${name}' of ${label} has a reset, but '${driver?.name}' has none to drive it`, site, {
      help: `state reset: 'none' there, or give '${driver?.name}' a reset`,
    });
  }
  const active = wanted?.active ?? given.active;
  if (driver && active !== given.active) {
    throw new HdlError(
      `the reset of the clock domain '${name}' of ${label} is active ${active}, that of '${driver.name}', which drives it, active ${given.active}`,
      site,
      {
        help: 'leave out active where the level is that of the domain around it, or make a domain with the other level at the top',
      },
    );
  }
  const reset = { name: wanted?.name ?? resetName(`${name}_`, active), kind: wanted?.kind ?? given.kind, active };
  return { name, clock, reset, site };
}
