import type { Domain, Expr, Instance, Log, Memory, Module, Property, Signal, Site, Statement, Target } from '../ir/ir.ts';
import { bodies, expressions, operands, postOrder, targetName, walk } from '../ir/visit.ts';
import { assignZero, type ClockedItem, clocked } from './clocked.ts';
import { type Action, type CombNet, driving, project } from './drivers.ts';
import { guarded } from './expressions.ts';
import type { Drivers } from './grouping.ts';
import { indexWidth } from './literals.ts';
import type { Names } from './names.ts';
import { overflows, type Root } from './naming.ts';
import { flattened } from './nesting.ts';
import { portOf, ports } from './ports.ts';

/** `assign name = value`. */
export interface AssignItem {
  readonly kind: 'assign';
  readonly name: string;
  readonly value: Expr;
  readonly signal: Signal;
  readonly site: Site;
}

/** An `always @*` block. */
export interface BlockItem {
  readonly kind: 'block';
  readonly statements: readonly Statement[];
}

/** An instance. An input has an expression, or the name of a declared net. */
export interface InstanceItem {
  readonly kind: 'instance';
  readonly instance: Instance;
  readonly inputs: ReadonlyMap<string, Expr>;
}

/** Properties and log lines, which are no hardware. */
export interface ObservedItem {
  readonly kind: 'observed';
  readonly blocks: readonly ObservedBlock[];
}

/** Those of one clock domain. */
export interface ObservedBlock {
  readonly domain: Domain;
  readonly statements: readonly Statement[];
}

export type Item = AssignItem | BlockItem | InstanceItem | ClockedItem | ObservedItem;

/** What an emitted module consists of, in order of its text. */
export interface Layout {
  readonly items: readonly Item[];
  /** Names of nets that `always @*` blocks drive. */
  readonly blockDriven: ReadonlySet<string>;
  /** Outputs of children that drive a net of this module as they are: the net's name by `instance.port`. */
  readonly direct: ReadonlyMap<string, string>;
  /** Registers that nothing ever gives a value. */
  readonly constants: ReadonlySet<Signal>;
  /** Registers that take values of other clock domains. */
  readonly synchronisers: ReadonlySet<Signal>;
  /** Memories that nothing but their beginning with 0 drives. */
  readonly zeroed: readonly Memory[];
  /** The name in the Verilog of a target. */
  readonly nameOf: (target: Target) => string;
}

const isObserved = (action: Action): action is Property | Log => action.kind === 'property' || action.kind === 'log';

/** The properties and log lines of each domain. */
function observed(module: Module, body: readonly Statement[]): ObservedBlock[] {
  return module.domains.flatMap(domain => {
    const statements = body.flatMap(s => project(s, action => isObserved(action) && action.domain === domain));
    return statements.length > 0 ? [{ domain, statements }] : [];
  });
}

/** Orders what drives a module: combinational nets as in the body, children, then the registers. */
export function layOut(module: Module, drivers: Drivers, names: Names): Layout {
  const netNames = new Map<Instance, Map<string, string>>();
  for (const instance of module.instances) {
    const own = ports(instance.module).map(({ name }) => [name, names.unique(`${instance.name}_${name}`)] as const);
    netNames.set(instance, new Map(own));
  }
  const nameOf = ({ instance, signal }: Target) => (instance && netNames.get(instance)?.get(signal.name)) ?? signal.name;
  const direct = directOutputs(drivers);
  const items: Item[] = [];
  const groups = new Map(drivers.groups.map(group => [group[0], group]));
  const order = new Map(drivers.body.map((statement, i) => [statement, i]));
  for (const net of drivers.nets) {
    if (net.value) {
      const port = net.value.kind === 'instance' ? direct.get(`${net.value.instance.name}.${net.value.port.name}`) : undefined;
      if (net.target.instance || port === net.name) continue;
      items.push({ kind: 'assign', name: net.name, value: net.value, signal: net.target.signal, site: net.site });
    } else {
      const group = groups.get(net);
      if (group) items.push(block(order, group));
    }
  }
  const inputs = new Map<Instance, Map<string, Expr>>(module.instances.map(instance => [instance, new Map()]));
  for (const net of drivers.nets) {
    if (net.target.instance && net.value) inputs.get(net.target.instance)?.set(net.target.signal.name, net.value);
  }
  for (const [instance, values] of inputs) items.push({ kind: 'instance', instance, inputs: values });
  const { items: blocks, constants, zeroed } = clocked(module, drivers.body);
  items.push(...blocks);
  const seen = observed(module, drivers.body);
  if (seen.length > 0) items.push({ kind: 'observed', blocks: seen });
  const blockDriven = new Set(drivers.nets.filter(net => !net.value).map(net => nameOf(net.target)));
  const crossing = synchronisers(module, drivers.body);
  return { items, blockDriven, direct, constants, synchronisers: crossing, zeroed, nameOf };
}

/** Registers that synchronise, but for those that hold a word of a memory: an attribute would keep tools from building block RAM. */
function synchronisers(module: Module, body: readonly Statement[]): Set<Signal> {
  const found = new Set(module.signals.filter(signal => signal.kind === 'register' && signal.crossing === true));
  walk(body, statement => {
    if (statement.kind === 'assign' && statement.value.kind === 'memory-read') found.delete(statement.target.signal);
  });
  return found;
}

/** Outputs of children that are read once, and that as the driver of a wire or output. */
function directOutputs(drivers: Drivers): Map<string, string> {
  const key = (expr: Expr) => (expr.kind === 'instance' ? `${expr.instance.name}.${expr.port.name}` : undefined);
  const readers = new Map<string, number>();
  const count = (expr: Expr) => {
    const port = key(expr);
    if (port !== undefined) readers.set(port, (readers.get(port) ?? 0) + 1);
  };
  const seen = new Set<Expr>();
  walk(drivers.body, statement => {
    for (const root of expressions(statement)) {
      count(root);
      postOrder(root, seen, expr => {
        operands(expr).forEach(count);
      });
    }
  });
  const direct = new Map<string, string>();
  for (const { name, target, value } of drivers.nets) {
    const port = value && key(value);
    if (port !== undefined && readers.get(port) === 1 && !target.instance) direct.set(port, name);
  }
  return direct;
}

/** One block for `group`, with a default of 0 first for nets that some path leaves alone (values of an enumeration that no state has). */
function block(order: ReadonlyMap<Statement, number>, group: readonly CombNet[]): BlockItem {
  const defaults = group
    .filter(net => net.incomplete)
    .map((net): Statement => assignZero(net.target, 0, net.target.signal.width));
  const nets = new Map<Statement, Set<string>>();
  for (const { name, live } of group) {
    for (const statement of live) nets.set(statement, (nets.get(statement) ?? new Set()).add(name));
  }
  const live = [...nets]
    .sort(([a], [b]) => (order.get(a) ?? 0) - (order.get(b) ?? 0))
    .flatMap(([statement, own]) => driving(statement, target => own.has(targetName(target))));
  return { kind: 'block', statements: [...defaults, ...flattened(live)] };
}

/** The expressions of an item in the order of its text. */
export function roots(item: Item, nameOf: (target: Target) => string): Root[] {
  const plain = { alias: undefined, forced: false, withoutMemories: false, longest: undefined };
  switch (item.kind) {
    case 'assign':
      return [{ ...plain, expr: item.value, base: item.name, alias: 'assign' }];
    case 'instance': {
      const { instance } = item;
      return [...item.inputs].map(([port, expr]) => {
        const signal = portOf(instance.module, port);
        const base = signal ? nameOf({ instance, signal }) : port;
        return { ...plain, expr, base, alias: 'wire' as const, longest: longestConnection };
      });
    }
    case 'block':
      return item.statements.flatMap(s => statementRoots(s, nameOf)).map(root => ({ ...root, withoutMemories: true }));
    case 'clocked':
      return item.statements.flatMap(s => statementRoots(s, nameOf));
    case 'observed':
      return item.blocks.flatMap(({ statements }) => statements.flatMap(s => statementRoots(s, nameOf)));
  }
}

/** Longest expression that stands in a port connection. */
const longestConnection = 60;

function statementRoots(statement: Statement, nameOf: (target: Target) => string): Root[] {
  const plain = { alias: undefined, forced: false, withoutMemories: false, longest: undefined };
  const inner = bodies(statement).map(body => body.flatMap(s => statementRoots(s, nameOf)));
  switch (statement.kind) {
    case 'assign': {
      const base = nameOf(statement.target);
      const index = statement.offset
        ? [{ ...plain, expr: statement.offset, base: `${base}_index`, forced: overflows(statement.offset) }]
        : [];
      return [...index, { ...plain, expr: statement.value, base }];
    }
    case 'match':
      return [{ ...plain, expr: statement.subject, base: `${inner.flat()[0]?.base ?? 'subject'}_select` }, ...inner.flat()];
    case 'if': {
      const conditions = statement.arms.map((arm, i) => ({
        ...plain,
        expr: arm.condition,
        base: `${inner.slice(i).flat()[0]?.base ?? 'condition'}_enable`,
      }));
      return [...inner.flatMap((body, i) => [...conditions.slice(i, i + 1), ...body])];
    }
    case 'memory-write': {
      const { memory, address, data, mask } = statement;
      const base = memory.name;
      const wide = address.width > indexWidth(memory.depth);
      const lanes = memory.width / memory.lane;
      const list: Root[] = [
        {
          ...plain,
          expr: address,
          base: `${base}_address`,
          forced: wide || address.kind === 'const' || overflows(address),
          withoutMemories: true,
        },
        { ...plain, expr: data, base: `${base}_data`, forced: mask !== undefined && lanes > 1 },
      ];
      if (guarded(memory, address)) list.push({ ...plain, expr: address, base: `${base}_address` });
      if (mask) list.push({ ...plain, expr: mask, base: `${base}_mask`, forced: lanes > 1 && mask.kind !== 'const' });
      return list;
    }
    case 'property':
      return [{ ...plain, expr: statement.condition, base: statement.property }];
    case 'log':
      return expressions(statement).map(expr => ({ ...plain, expr, base: 'logged' }));
  }
}
