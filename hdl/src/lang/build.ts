import type * as ir from '../ir/ir.ts';
import { type Bits, describe, type Operation, type Owner } from './bits.ts';
import { BlackBox } from './black-box.ts';
import { keepDiscarded } from './discarded.ts';
import { domainOf } from './domain-binding.ts';
import { HdlError } from './errors.ts';
import { placed, type Scope } from './scope.ts';
import type { Recorded } from './statements.ts';

/** Turns a scope into IR, its children first. */
export function build(scope: Scope, modules: ir.Module[]): ir.Module {
  scope.built ??= scope.twin ? build(scope.twin, modules) : buildNew(scope, modules);
  return scope.built;
}

function buildNew(scope: Scope, modules: ir.Module[]): ir.Module {
  const instances = new Map<Owner, { readonly scope: Scope; readonly instance: ir.Instance }>();
  for (const { name, scope: child, site } of scope.children) {
    const module = placed(child.module, () => build(child, modules));
    const domains = new Map([...child.domains.outer].map(([inner, outer]) => [inner.name, outer]));
    const parameters = new Map(
      module.signals.filter(({ kind }) => kind === 'parameter').map(({ name: parameter, init }) => [parameter, init ?? 0n]),
    );
    instances.set(child, { scope: child, instance: { name, module, domains, parameters, site } });
  }
  const context: Context = { scope, instances, done: new Map(), at: scope.module['~site'] };
  const order = { input: 0, output: 0, parameter: 1, wire: 1, register: 1 };
  const module: ir.Module = {
    name: scope.label,
    domains: [scope.domains.standard, ...scope.domains.others],
    external: scope.module instanceof BlackBox ? external(scope.module) : undefined,
    signals: [...scope.signals.values(), ...scope.domains.resets.map(({ wire }) => wire)].sort(
      (a, b) => order[a.kind] - order[b.kind],
    ),
    memories: [...scope.memories.values()],
    instances: [...instances.values()].map(child => child.instance),
    body: [...resets(context), ...scope.body.map(s => statement(context, s))],
    site: scope.module['~site'],
  };
  if (scope.results) keepDiscarded(module.site, scope.results, bits => context.done.has(bits));
  modules.push(module);
  return module;
}

/** What drives the resets that a module makes. */
function resets(context: Context): ir.Statement[] {
  return context.scope.domains.resets.map(({ wire, from }) => {
    const { site } = wire;
    context.at = site;
    const value = expression(context, from);
    return { kind: 'assign', target: { instance: undefined, signal: wire }, low: 0, offset: undefined, value, site };
  });
}

interface Context {
  readonly scope: Scope;
  readonly instances: ReadonlyMap<Owner, { readonly scope: Scope; readonly instance: ir.Instance }>;
  readonly done: Map<Bits, ir.Expr>;
  /** The statement that is being converted. */
  at: ir.Site;
}

function statement(context: Context, s: Recorded): ir.Statement {
  const { site } = s;
  context.at = site;
  switch (s.kind) {
    case 'set':
      return {
        kind: 'assign',
        target: target(context, s.target, site),
        low: s.low,
        offset: s.offset && expression(context, s.offset),
        value: expression(context, s.value),
        site,
      };
    case 'if':
      return {
        kind: 'if',
        arms: s.arms.map(arm => ({
          condition: expression(context, arm.condition),
          body: arm.body.map(b => statement(context, b)),
        })),
        otherwise: s.otherwise.map(b => statement(context, b)),
        site,
      };
    case 'match':
      return {
        kind: 'match',
        subject: expression(context, s.subject),
        arms: s.arms.map(arm => ({ value: arm.value, label: arm.label, body: arm.body.map(b => statement(context, b)) })),
        otherwise: s.otherwise.map(b => statement(context, b)),
        site,
      };
    case 'memory-write':
      return {
        kind: 'memory-write',
        memory: memoryOf(context, s.memory, site),
        address: expression(context, s.address),
        data: expression(context, s.data),
        mask: s.mask && expression(context, s.mask),
        domain: domainOf(context.scope.domains, context.scope.label, s.domain, site),
        site,
      };
    case 'property':
      return {
        kind: 'property',
        property: s.property,
        condition: expression(context, s.condition),
        message: s.message,
        domain: domainOf(context.scope.domains, context.scope.label, s.domain, site),
        site,
      };
    case 'log':
      return {
        kind: 'log',
        parts: s.parts.map(part => (typeof part === 'string' ? part : logged(context, part))),
        domain: domainOf(context.scope.domains, context.scope.label, s.domain, site),
        site,
      };
  }
}

function logged(context: Context, { value, format }: { readonly value: Bits; readonly format: ir.LogFormat }) {
  const expr = expression(context, value);
  return format === 'state' && value.names ? { value: expr, format, states: value.names } : { value: expr, format };
}

function external(box: BlackBox<unknown>): ir.External {
  const { module = box.constructor.name, parameters = {}, sources = [] } = box.verilog;
  const values = Object.entries(parameters).map(
    ([name, value]) => [name, typeof value === 'string' ? value : BigInt(value)] as const,
  );
  return { name: module, parameters: new Map(values), sources, modelled: box['~modelled'] };
}

function memoryOf(context: Context, memory: object, site: ir.Site): ir.Memory {
  const found = context.scope.memories.get(memory);
  if (!found)
    throw new HdlError(`this memory is not a field of ${context.scope.label}`, site, {
      help: 'only the module that has it as a field reads and writes it: give that one ports for it',
    });
  return found;
}

function target(context: Context, bits: Bits, site: ir.Site): ir.Target {
  const own = context.scope.signals.get(bits);
  if (own) {
    if (own.kind === 'input') {
      throw new HdlError(`'${own.name}' is an input of ${context.scope.label}, so the outside drives it`, site, bits.site, {
        help: 'use a wire or an output for a value made here',
      });
    }
    return { instance: undefined, signal: own };
  }
  const child = childOf(context, bits);
  if (child?.signal.kind === 'input') return child;
  if (child) {
    throw new HdlError(
      `'${child.instance.name}.${child.signal.name}' is an output of ${child.instance.module.name}`,
      site,
      bits.site,
      { help: `only ${child.instance.module.name} drives it: give it an input for what it is to send` },
    );
  }
  throw foreign(context, bits, site, bits.site);
}

function childOf(context: Context, bits: Bits): { instance: ir.Instance; signal: ir.Signal } | undefined {
  const child = bits.owner && context.instances.get(bits.owner);
  const signal = child?.scope.signals.get(bits);
  return child && signal && (signal.kind === 'input' || signal.kind === 'output')
    ? { instance: child.instance, signal }
    : undefined;
}

/** What is wrong with a signal that a module uses but does not have. */
function foreign({ scope }: Context, bits: Bits, ...sites: readonly ir.Site[]): HdlError {
  if (!bits.owner) {
    const help = `make it a field of ${scope.label}, so that it gets a name`;
    return new HdlError(`${describe(bits)} belongs to no module`, ...sites, { help });
  }
  const help = `${scope.label} can only use its own signals and the ports of its children: lead it there through ports`;
  return new HdlError(`${describe(bits)} belongs to ${bits.owner.label} and is used in ${scope.label}`, ...sites, { help });
}

/** Expressions can be thousands of nodes deep: so far down they are followed by recursion, which is quicker, and beyond without. */
const shallow = 200;

/** Converts a node and all it depends on. */
function expression(context: Context, root: Bits, depth = 0): ir.Expr {
  const { done } = context;
  const found = done.get(root);
  if (found) return found;
  if (depth === shallow) convertDeep(context, root);
  else done.set(root, convert(context, root, depth + 1));
  return get(done, root);
}

function convertDeep(context: Context, root: Bits): void {
  const { done } = context;
  const stack = [root];
  for (let bits = stack.at(-1); bits; bits = stack.at(-1)) {
    if (done.has(bits)) {
      stack.pop();
      continue;
    }
    const missing = operands(bits.operation).filter(o => !done.has(o));
    if (missing.length > 0) {
      stack.push(...missing);
      continue;
    }
    stack.pop();
    done.set(bits, convert(context, bits, 0));
  }
}

function get(done: ReadonlyMap<Bits, ir.Expr>, bits: Bits): ir.Expr {
  const found = done.get(bits);
  if (!found) throw new Error(`${describe(bits)} was not converted before its user`);
  return found;
}

/** The nodes that an operation computes from. */
function operands(o: Operation): readonly Bits[] {
  switch (o.kind) {
    case 'const':
    case 'signal':
      return [];
    case 'unary':
    case 'slice':
    case 'extend':
      return [o.value];
    case 'binary':
      return [o.left, o.right];
    case 'mux':
      return [o.condition, o.whenTrue, o.whenFalse];
    case 'concat':
      return o.parts;
    case 'memory-read':
      return [o.address];
  }
}

/** The node itself, whose operands are `depth` nodes below a root. */
function convert(context: Context, bits: Bits, depth: number): ir.Expr {
  const { width, site, operation: o } = bits;
  switch (o.kind) {
    case 'const':
      return { kind: 'const', width, site, value: o.value };
    case 'signal': {
      const own = context.scope.signals.get(bits);
      if (own) return { kind: 'signal', width, site, signal: own };
      const child = childOf(context, bits);
      if (!child) throw foreign(context, bits, context.at, bits.site);
      if (child.signal.kind === 'input') {
        throw new HdlError(`'${child.instance.name}.${child.signal.name}' is an input of the child`, context.at, bits.site, {
          help: 'read what drives it instead',
        });
      }
      return { kind: 'instance', width, site, instance: child.instance, port: child.signal };
    }
    case 'unary':
      return { kind: 'unary', width, site, op: o.op, value: expression(context, o.value, depth) };
    case 'binary': {
      const left = expression(context, o.left, depth);
      const right = expression(context, o.right, depth);
      return { kind: 'binary', width, site, op: o.op, signed: o.signed, left, right };
    }
    case 'mux': {
      const condition = expression(context, o.condition, depth);
      const whenTrue = expression(context, o.whenTrue, depth);
      const whenFalse = expression(context, o.whenFalse, depth);
      return { kind: 'mux', width, site, condition, whenTrue, whenFalse };
    }
    case 'concat':
      return { kind: 'concat', width, site, parts: o.parts.map(part => expression(context, part, depth)) };
    case 'slice': {
      const value = expression(context, o.value, depth);
      return value.width === width ? value : { kind: 'slice', width, site, value, low: o.low };
    }
    case 'extend':
      return { kind: 'extend', width, site, signed: o.signed, value: expression(context, o.value, depth) };
    case 'memory-read':
      return {
        kind: 'memory-read',
        width,
        site,
        memory: memoryOf(context, o.memory, site),
        address: expression(context, o.address, depth),
      };
  }
}
