import type { Domain, Expr, Instance, Memory, Module, Signal, Site, Statement, Target } from '../ir/ir.ts';
import { bodies, expressions, ones, operands, postOrder, targetName, walk } from '../ir/visit.ts';
import { type CombNet, project } from './drivers.ts';
import { guarded } from './expressions.ts';
import { constant } from './fold.ts';
import type { Drivers } from './grouping.ts';
import { indexWidth } from './literals.ts';
import type { Names } from './names.ts';
import type { Root } from './naming.ts';
import { gaps } from './reads.ts';

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

/** The `always @(posedge clk)` block. */
export interface ClockedItem {
  readonly kind: 'clocked';
  readonly statements: readonly Statement[];
  readonly resets: readonly Signal[];
}

export type Item = AssignItem | BlockItem | InstanceItem | ClockedItem;

/** What an emitted module consists of, in order of its text. */
export interface Layout {
  readonly items: readonly Item[];
  /** Names of nets that `always @*` blocks drive. */
  readonly blockDriven: ReadonlySet<string>;
  /** Outputs of children that drive a net of this module as they are: the net's name by `instance.port`. */
  readonly direct: ReadonlyMap<string, string>;
  /** Registers that nothing ever gives a value. */
  readonly constants: ReadonlySet<Signal>;
  /** The name in the Verilog of a target. */
  readonly nameOf: (target: Target) => string;
}

/** Orders what drives a module: combinational nets as in the body, children, then the registers. */
export function layOut(module: Module, drivers: Drivers, names: Names): Layout {
  const netNames = new Map<string, string>();
  for (const instance of module.instances) {
    for (const signal of instance.module.signals) {
      netNames.set(`${instance.name}.${signal.name}`, names.unique(`${instance.name}_${signal.name}`));
    }
  }
  const nameOf = (target: Target) =>
    target.instance ? (netNames.get(targetName(target)) ?? targetName(target)) : target.signal.name;
  const direct = directOutputs(drivers);
  const items: Item[] = [];
  for (const net of drivers.nets) {
    if (net.value) {
      const port = net.value.kind === 'instance' ? direct.get(`${net.value.instance.name}.${net.value.port.name}`) : undefined;
      if (net.target.instance || port === net.name) continue;
      items.push({ kind: 'assign', name: net.name, value: net.value, signal: net.target.signal, site: net.site });
    } else {
      const group = drivers.groups.find(candidate => candidate[0] === net);
      if (group) items.push(block(drivers.body, group));
    }
  }
  const inputs = new Map<Instance, Map<string, Expr>>(module.instances.map(instance => [instance, new Map()]));
  for (const net of drivers.nets) {
    if (net.target.instance && net.value) inputs.get(net.target.instance)?.set(net.target.signal.name, net.value);
  }
  for (const [instance, values] of inputs) items.push({ kind: 'instance', instance, inputs: values });
  const { item, constants } = clocked(module, drivers.body);
  if (item) items.push(item);
  const blockDriven = new Set(drivers.nets.filter(net => !net.value).map(net => nameOf(net.target)));
  return { items, blockDriven, direct, constants, nameOf };
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
function block(body: readonly Statement[], group: readonly CombNet[]): BlockItem {
  const defaults = group
    .filter(net => net.incomplete)
    .map((net): Statement => assignZero(net.target, 0, net.target.signal.width));
  const live = body.flatMap(statement => {
    const nets = new Set(group.filter(net => net.live.has(statement)).map(net => net.name));
    return nets.size === 0 ? [] : project(statement, target => nets.has(targetName(target)), false);
  });
  return { kind: 'block', statements: [...defaults, ...live] };
}

function assignZero(target: Target, low: number, width: number): Statement {
  const site: Site = { frames: [] };
  return { kind: 'assign', target, low, offset: undefined, value: constant(width, 0n, site), site };
}

function clocked(module: Module, body: readonly Statement[]): { item: ClockedItem | undefined; constants: Set<Signal> } {
  const given = new Map<Signal, bigint>();
  const written = new Set<Memory>();
  walk(body, statement => {
    if (statement.kind === 'memory-write') written.add(statement.memory);
    if (statement.kind !== 'assign' || statement.target.signal.kind !== 'register') return;
    const { target, low, value } = statement;
    given.set(target.signal, (given.get(target.signal) ?? 0n) | (ones(value.width) << BigInt(low)));
  });
  const registers = module.signals.filter(signal => signal.kind === 'register');
  const resets = registers.filter(signal => signal.init !== undefined);
  const constants = new Set(registers.filter(signal => signal.init === undefined && !given.has(signal)));
  const rest = registers.filter(signal => signal.init === undefined && given.has(signal));
  const zeros = rest.flatMap(signal =>
    gaps(given.get(signal) ?? 0n, signal.width).map(([low, high]) =>
      assignZero({ instance: undefined, signal }, low, high - low + 1),
    ),
  );
  const [domain] = module.domains;
  const unwritten = module.memories.filter(memory => !written.has(memory)).map(memory => neverWritten(memory, domain));
  const user = body.flatMap(s => project(s, target => target.signal.kind === 'register', true));
  const statements = [...zeros, ...user, ...unwritten];
  return { item: statements.length + resets.length > 0 ? { kind: 'clocked', statements, resets } : undefined, constants };
}

/** A write that never happens, to a memory that only a test bench fills: a memory without any has no driver. */
function neverWritten(memory: Memory, domain: Domain): Statement {
  const { site } = memory;
  const address = constant(indexWidth(memory.depth), 0n, site);
  const data = constant(memory.width, 0n, site);
  const write: Statement = { kind: 'memory-write', memory, address, data, mask: undefined, domain, site };
  return { kind: 'if', arms: [{ condition: constant(1, 0n, site), body: [write] }], otherwise: [], site };
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
        const signal = instance.module.signals.find(s => s.name === port);
        const base = signal ? nameOf({ instance, signal }) : port;
        return { ...plain, expr, base, alias: 'wire' as const, longest: longestConnection };
      });
    }
    case 'block':
      return item.statements.flatMap(s => statementRoots(s, nameOf)).map(root => ({ ...root, withoutMemories: true }));
    case 'clocked':
      return item.statements.flatMap(s => statementRoots(s, nameOf));
  }
}

/** Longest expression that stands in a port connection. */
const longestConnection = 60;

function statementRoots(statement: Statement, nameOf: (target: Target) => string): Root[] {
  const plain = { alias: undefined, forced: false, withoutMemories: false, longest: undefined };
  const inner = bodies(statement).map(body => body.flatMap(s => statementRoots(s, nameOf)));
  switch (statement.kind) {
    case 'assign':
      return [{ ...plain, expr: statement.value, base: nameOf(statement.target) }];
    case 'match':
      return [{ ...plain, expr: statement.subject, base: inner.flat()[0]?.base ?? 'subject' }, ...inner.flat()];
    case 'if': {
      const conditions = statement.arms.map((arm, i) => ({
        ...plain,
        expr: arm.condition,
        base: inner.slice(i).flat()[0]?.base ?? 'condition',
      }));
      return [...inner.flatMap((body, i) => [...conditions.slice(i, i + 1), ...body])];
    }
    case 'memory-write': {
      const { memory, address, data, mask } = statement;
      const base = memory.name;
      const wide = address.width > indexWidth(memory.depth);
      const lanes = memory.width / memory.lane;
      const list: Root[] = [
        { ...plain, expr: address, base: `${base}_address`, forced: wide || address.kind === 'const', withoutMemories: true },
        { ...plain, expr: data, base: `${base}_data`, forced: mask !== undefined && lanes > 1 },
      ];
      if (guarded(memory, address)) list.push({ ...plain, expr: address, base: `${base}_address` });
      if (mask) list.push({ ...plain, expr: mask, base: `${base}_mask`, forced: lanes > 1 && mask.kind !== 'const' });
      return list;
    }
    case 'property':
    case 'log':
      return [];
  }
}
