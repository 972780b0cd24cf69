import type { Design, Expr, Instance, Memory, Module, Signal, Site, Statement } from '../../src/ir/ir.ts';
import { rewriteBody } from '../../src/ir/rewrite.ts';
import { bodies, expressions, operands, postOrder, walk } from '../../src/ir/visit.ts';

/** One change that makes a module smaller. Things are those of the module as it stands; any edits of one module can be made together. */
export type Edit =
  | { readonly kind: 'drop'; readonly thing: Signal | Memory | Instance | Statement }
  /** An arm, or what stands in `otherwise`, in the place of the conditional statement. */
  | { readonly kind: 'hoist'; readonly statement: Statement; readonly body: number }
  | { readonly kind: 'zero'; readonly expr: Expr }
  /** An operand, cut or extended, in the place of the node. */
  | { readonly kind: 'operand'; readonly expr: Expr; readonly index: number }
  | { readonly kind: 'narrow'; readonly signal: Signal; readonly width: number };

const site: Site = { frames: [] };
const zero = (width: number): Expr => ({ kind: 'const', value: 0n, width, site });

/** The low bits of a value, or zeros above it. */
function fitted(value: Expr, width: number): Expr {
  if (value.width === width) return value;
  if (value.kind === 'const') return { ...value, width, value: BigInt.asUintN(width, value.value) };
  if (value.width > width) return { kind: 'slice', value, low: 0, width, site };
  return { kind: 'extend', signed: false, value, width, site };
}

/** The design with edits in one of its modules. */
export function edited(design: Design, module: Module, edits: readonly Edit[]): Design {
  const done = new Map<Module, Module>();
  const modules = design.modules.map(old => {
    const now = new Editor(old, old === module ? edits : [], child => done.get(child) ?? child).module();
    done.set(old, now);
    return now;
  });
  return { top: done.get(design.top) ?? design.top, modules };
}

class Editor {
  private readonly from: Module;
  private readonly dropped: ReadonlySet<unknown>;
  private readonly zeros: ReadonlySet<Expr>;
  private readonly operands: ReadonlyMap<Expr, number>;
  private readonly signals = new Map<Signal, Signal>();
  private readonly instances: ReadonlyMap<Instance, Instance>;
  private readonly hoisted: ReadonlyMap<Statement, number>;

  constructor(from: Module, edits: readonly Edit[], childOf: (child: Module) => Module) {
    this.from = from;
    this.dropped = new Set(edits.flatMap(edit => (edit.kind === 'drop' ? [edit.thing] : [])));
    this.zeros = new Set(edits.flatMap(edit => (edit.kind === 'zero' ? [edit.expr] : [])));
    this.operands = new Map(edits.flatMap(edit => (edit.kind === 'operand' ? [[edit.expr, edit.index]] : [])));
    this.hoisted = new Map(edits.flatMap(edit => (edit.kind === 'hoist' ? [[edit.statement, edit.body]] : [])));
    for (const edit of edits) {
      if (edit.kind !== 'narrow') continue;
      const { signal, width } = edit;
      const init = signal.init === undefined ? undefined : BigInt.asUintN(width, signal.init);
      this.signals.set(signal, { ...signal, width, init });
    }
    this.instances = new Map(
      from.instances.map(instance => {
        const module = childOf(instance.module);
        const names = new Map(module.signals.map(s => [s.name, s.width]));
        const parameters = [...instance.parameters].flatMap(([name, value]) => {
          const width = names.get(name);
          return width === undefined ? [] : [[name, BigInt.asUintN(width, value)] as const];
        });
        return [instance, { ...instance, module, parameters: new Map(parameters) }];
      }),
    );
  }

  module(): Module {
    const { from } = this;
    const kept = <T>(list: readonly T[]) => list.filter(item => !this.dropped.has(item));
    return {
      ...from,
      signals: kept(from.signals).map(signal => this.signals.get(signal) ?? signal),
      memories: kept(from.memories),
      instances: kept(from.instances).map(instance => this.instances.get(instance) ?? instance),
      body: this.rewritten(this.pruned(from.body)),
    };
  }

  /** Without the statements that go. */
  private pruned(body: readonly Statement[]): Statement[] {
    return body.flatMap((statement): Statement[] => {
      if (this.dropped.has(statement) || this.isLost(statement)) return [];
      const hoisted = this.hoisted.get(statement);
      if (hoisted !== undefined) return this.pruned(bodies(statement)[hoisted] ?? []);
      if (statement.kind === 'if') {
        const arms = statement.arms.map(arm => ({ ...arm, body: this.pruned(arm.body) }));
        return [{ ...statement, arms, otherwise: this.pruned(statement.otherwise) }];
      }
      if (statement.kind === 'match') {
        const arms = statement.arms.map(arm => ({ ...arm, body: this.pruned(arm.body) }));
        return [{ ...statement, arms, otherwise: this.pruned(statement.otherwise) }];
      }
      return [statement];
    });
  }

  /** Whether what it drives or writes is gone. */
  private isLost(statement: Statement): boolean {
    if (statement.kind === 'memory-write') return this.dropped.has(statement.memory);
    if (statement.kind !== 'assign') return false;
    const { instance, signal } = statement.target;
    if (!instance) return this.dropped.has(signal);
    return this.dropped.has(instance) || !this.portOf(instance, signal);
  }

  private portOf(instance: Instance, port: Signal): Signal | undefined {
    return this.instances.get(instance)?.module.signals.find(({ name }) => name === port.name);
  }

  private rewritten(body: readonly Statement[]): Statement[] {
    return rewriteBody(body, {
      signal: expr => expr,
      output: (instance, port) => ({ instance, port }),
      target: target => target,
      expression: (old, now) => this.expression(old, now),
      statement: statement => (statement.kind === 'assign' ? this.assign(statement) : [statement]),
    });
  }

  private assign(statement: Extract<Statement, { kind: 'assign' }>): Statement[] {
    const { low, offset, value } = statement;
    const { instance, signal: old } = statement.target;
    const signal = instance ? (this.portOf(instance, old) ?? old) : (this.signals.get(old) ?? old);
    if (low >= signal.width) return [];
    const target = instance ? { instance: this.instances.get(instance) ?? instance, signal } : { instance: undefined, signal };
    const width = offset ? value.width : Math.min(value.width, signal.width - low);
    return [{ ...statement, target, value: fitted(value, width) }];
  }

  private expression(old: Expr, now: Expr): Expr {
    if (this.zeros.has(old)) return zero(old.width);
    const index = this.operands.get(old);
    const operand = index === undefined ? undefined : operands(now)[index];
    if (operand) return fitted(operand, old.width);
    if (old.kind === 'signal') {
      if (this.dropped.has(old.signal)) return zero(old.width);
      const signal = this.signals.get(old.signal);
      return signal ? fitted({ ...old, signal, width: signal.width }, old.width) : now;
    }
    if (old.kind === 'instance') {
      const port = this.portOf(old.instance, old.port);
      const instance = this.instances.get(old.instance);
      if (!port || !instance || this.dropped.has(old.instance)) return zero(old.width);
      return fitted({ ...old, instance, port, width: port.width }, old.width);
    }
    if (old.kind === 'memory-read' && this.dropped.has(old.memory)) return zero(old.width);
    return now.kind === 'slice' ? unsliced(now) : now;
  }
}

/** A slice of a constant, of a slice, or of what is extended, without that. */
function unsliced(slice: Extract<Expr, { kind: 'slice' }>): Expr {
  const { value, low, width } = slice;
  if (value.kind === 'const') return { ...value, width, value: BigInt.asUintN(width, value.value >> BigInt(low)) };
  if (value.kind === 'slice') return { ...slice, value: value.value, low: low + value.low };
  if (value.kind !== 'extend' || low + width > value.value.width) return slice;
  return low === 0 && width === value.value.width ? value.value : { ...slice, value: value.value };
}

/** All expression nodes of a module, users before their operands. */
export function nodesOf(module: Module): Expr[] {
  const found: Expr[] = [];
  const seen = new Set<Expr>();
  walk(module.body, statement => {
    for (const root of expressions(statement)) postOrder(root, seen, expr => found.push(expr));
  });
  return found.reverse();
}

/** Without what no output of the top depends on any more. */
export function cleaned(design: Design): Design {
  let result = design;
  for (;;) {
    const unused = result.modules
      .map(module => [module, unusedOf(result, module)] as const)
      .find(([, edits]) => edits.length > 0);
    if (!unused) break;
    result = edited(result, ...unused);
  }
  const reached = new Set<Module>([result.top]);
  for (const module of result.modules.toReversed())
    if (reached.has(module)) for (const instance of module.instances) reached.add(instance.module);
  return { top: result.top, modules: result.modules.filter(module => reached.has(module)) };
}

function unusedOf(design: Design, module: Module): Edit[] {
  const used = new Set<unknown>();
  for (const node of nodesOf(module)) {
    if (node.kind === 'signal') used.add(node.signal);
    if (node.kind === 'instance') used.add(node.instance);
    if (node.kind === 'memory-read') used.add(node.memory);
  }
  const outputs = new Set<Signal>();
  const inputs = new Set<Signal>();
  for (const parent of design.modules) {
    for (const node of nodesOf(parent)) if (node.kind === 'instance' && node.instance.module === module) outputs.add(node.port);
    walk(parent.body, statement => {
      if (statement.kind === 'assign' && statement.target.instance?.module === module) inputs.add(statement.target.signal);
    });
  }
  const driven = new Set<Signal>();
  const drops: Statement[] = [];
  walk(module.body, statement => {
    if (statement.kind === 'assign') driven.add(statement.target.signal);
    else if (bodies(statement).length > 0 && bodies(statement).every(body => body.length === 0)) drops.push(statement);
  });
  const signals = module.signals.filter(signal => {
    const isNet = signal.kind === 'wire' || signal.kind === 'output';
    if (isNet && !driven.has(signal)) return true;
    if (module !== design.top && signal.kind === 'input' && !inputs.has(signal)) return true;
    if (signal.kind === 'output') return module !== design.top && !outputs.has(signal);
    return !used.has(signal);
  });
  const rest = [...module.memories, ...module.instances].filter(thing => !used.has(thing));
  return [...signals, ...rest, ...drops].map(thing => ({ kind: 'drop', thing }));
}
