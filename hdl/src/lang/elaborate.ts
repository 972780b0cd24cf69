import type * as ir from '../ir/ir.ts';
import { Bits } from './bits.ts';
import { build } from './build.ts';
import { computed } from './discarded.ts';
import { ClockDomain } from './domain.ts';
import { domainOf, domainsOf, type ScopeDomains } from './domain-binding.ts';
import { HdlError } from './errors.ts';
import { type Fingerprint, fingerprint } from './fingerprint.ts';
import { Memory } from './memory.ts';
import { constructed, counted, isAlone, Module } from './module.ts';
import { placed, type Scope } from './scope.ts';
import { Channel, Record as Fields } from './shapes.ts';
import { record } from './statements.ts';

/** A design with the objects that the user wrote it in. */
export interface Elaborated<M> {
  /** The top module, whose ports a test bench names. */
  readonly dut: M;
  readonly design: ir.Design;
}

/** Modules that were described already, by what their logic can see. */
type Described = Map<string, { readonly scope: Scope; readonly bits: readonly Bits[] }>;

export interface ElaborateOptions {
  /**
   * Runs the logic of every module. By default that of equal ones, which have one class and equal parameters and fields, runs once: so `logic()` must not
   * depend on anything that changes while a design is described, such as a counter outside of the module.
   */
  readonly each?: boolean;
}

/**
 * Builds the hardware that `make` describes. Names come from the fields of each module before its logic runs; children are elaborated after
 * their parent's logic. The result is unchecked: see `checks` for the rules that a design must pass.
 * @throws HdlError for mistakes that show while describing (widths, literals, names).
 */
export function elaborate<M extends Module<never> | Module<unknown>>(
  make: () => M,
  { each = false }: ElaborateOptions = {},
): Elaborated<M> {
  return counted(() => {
    const { result } = constructed(make);
    const dut = result as Module<unknown>;
    const modules: ir.Module[] = [];
    const described: Described | undefined = each ? undefined : new Map();
    const built = placed(dut, () => build(describeModule(dut, undefined, described), modules));
    return { dut: result, design: { top: built, modules } };
  });
}

function describeModule(module: Module<unknown>, parent: Scope | undefined, described: Described | undefined): Scope {
  const domains = domainsOf(module, parent);
  // One that is alone so far is not worth it, even if its logic makes another one.
  const print = described && !isAlone(module) ? fingerprintIn(module, domains) : undefined;
  const known = print && described?.get(print.text);
  if (known?.scope.complete) return twinOf(known, module, domains, print?.bits ?? []);
  const scope: Scope = {
    module,
    label: module.constructor.name,
    domains,
    signals: new Map(),
    memories: new Map(),
    children: [],
    body: [],
    results: undefined,
    twin: undefined,
    complete: false,
    built: undefined,
  };
  if (print && described) described.set(print.text, { scope, bits: print.bits });
  const named = new Map<Module<unknown>, string>();
  const fields = Object.entries(module).filter(([name]) => name !== 'p' && !name.startsWith('~'));
  for (const [, value] of fields) if (value instanceof ClockDomain) value.owner = scope;
  for (const [name, value] of fields) claim(scope, named, value, name);
  const { result: stated, results } = computed(() => constructed(() => record(() => module['~describe']())));
  const { result: body, modules } = stated;
  scope.results = results;
  scope.body.push(...body);
  for (const [name, value] of fields) if (value instanceof Memory) nameReads(scope, value, name);
  let unnamed = 0;
  for (const child of modules) if (!named.has(child)) named.set(child, `${lowerFirst(child.constructor.name)}_${unnamed++}`);
  for (const [child, name] of named)
    scope.children.push({
      name,
      scope: placed(child, () => describeModule(child, scope, described)),
      site: child['~site'].creation,
    });
  scope.complete = true;
  return scope;
}

/** The fingerprint of a module with its domains. */
function fingerprintIn(module: Module<unknown>, { standard, others }: ScopeDomains): Fingerprint | undefined {
  const print = fingerprint(module);
  const domains = [standard, ...others].map(({ name, clock, reset, of }) => [name, clock, reset, of?.name]);
  return print && { text: `${JSON.stringify(domains)} ${print.text}`, bits: print.bits };
}

/** The scope of a module that equals one which has been described: what others use of it are the signals of that one. */
function twinOf(
  { scope: twin, bits }: { readonly scope: Scope; readonly bits: readonly Bits[] },
  module: Module<unknown>,
  domains: ScopeDomains,
  own: readonly Bits[],
): Scope {
  const { label, memories } = twin;
  const signals = new Map<Bits, ir.Signal>();
  const scope: Scope = {
    module,
    label,
    domains,
    signals,
    memories,
    children: [],
    body: [],
    results: undefined,
    twin,
    complete: true,
    built: undefined,
  };
  own.forEach((mine, i) => {
    const theirs = bits[i];
    if (!theirs || mine === theirs || mine.owner) return;
    const signal = twin.signals.get(theirs);
    if (signal) signals.set(mine, signal);
    mine.name = theirs.name;
    mine.owner = signal ? scope : theirs.owner;
  });
  return scope;
}

const lowerFirst = (name: string) => name.charAt(0).toLowerCase() + name.slice(1);

/** Names what a field holds after the field. */
function claim(scope: Scope, named: Map<Module<unknown>, string>, value: unknown, name: string): void {
  if (value instanceof Bits) {
    if (value.operation.kind !== 'signal' || value.owner) return;
    value.owner = scope;
    value.name = name;
    declare(scope, value, name);
  } else if (value instanceof Memory) {
    if (value.name !== undefined) return;
    value.name = name;
    scope.memories.set(value, {
      name,
      width: value.type.width,
      depth: value.depth,
      lane: value.lane,
      style: value.style,
      ...(value.collisions && { collisions: value.collisions }),
      init: value.init,
      site: value.site,
    });
  } else if (value instanceof Module) {
    named.set(value as Module<unknown>, name);
  } else if (value instanceof Channel) {
    // The fields of a bundle stand directly under the stream's name; a plain payload is called payload.
    claim(scope, named, value.payload, value.payload instanceof Fields ? name : `${name}_payload`);
    claim(scope, named, value.valid, `${name}_valid`);
    claim(scope, named, value.ready, `${name}_ready`);
  } else if (Array.isArray(value)) {
    value.forEach((element, i) => {
      claim(scope, named, element, `${name}_${i}`);
    });
  } else if (value instanceof Fields) {
    for (const [field, element] of Object.entries(value)) claim(scope, named, element, `${name}_${field}`);
  }
}

function declare(scope: Scope, bits: Bits, name: string): void {
  if (bits.operation.kind !== 'signal') return;
  const { role, init, domain, crossing } = bits.operation;
  const clocked =
    (role === 'register' || role === 'input') && domain !== 'asynchronous'
      ? domainOf(scope.domains, scope.label, domain, bits.site)
      : undefined;
  if (role === 'register' && init !== undefined && clocked?.reset === undefined) {
    throw new HdlError(
      `'${name}' of ${scope.label} has a reset value, but its clock domain '${clocked?.name}' has no reset`,
      bits.site,
      { help: `leave out init, or give '${clocked?.name}' a reset` },
    );
  }
  scope.signals.set(bits, {
    name,
    kind: role,
    width: bits.width,
    init,
    domain: clocked,
    crossing,
    states: bits.names,
    site: bits.site,
  });
}

function nameReads(scope: Scope, memory: Memory, name: string): void {
  const count = { word: 0, address: 0 };
  for (const { bits, holds } of memory.registers) {
    const i = count[holds]++;
    bits.owner = scope;
    bits.name = i === 0 ? `${name}_${holds}` : `${name}_${holds}_${i}`;
    declare(scope, bits, bits.name);
  }
}
