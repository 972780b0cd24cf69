import type { Design, Expr, If, Instance, Match, Module, Signal, Site, Statement } from '../ir/ir.ts';
import { rewriteBody } from '../ir/rewrite.ts';
import { visitExpressions } from '../ir/visit.ts';
import { nowhere } from './events.ts';

/** A place of a module that goes one of several ways in each cycle, or is not reached. */
export interface Decision {
  readonly kind: 'when' | 'match' | 'mux';
  readonly site: Site;
  /** `when`: a name of each condition, in order. `match`: labels of the arms, and '' if it does something for other values. `mux`: one condition. */
  readonly labels: readonly string[];
  /** Name of the wire that says which way: 0 is none, i is the arm i - 1, and one more than there are arms is none of them. */
  readonly wire: string;
}

/** What coverage looks at in a module. */
export interface ModulePoints {
  readonly module: string;
  /** Everything with a name that can change. */
  readonly signals: readonly Signal[];
  /** Registers of enumerations. */
  readonly states: readonly Signal[];
  readonly decisions: readonly Decision[];
}

/** A design whose modules have a wire more for each decision, which nothing reads. */
export interface CoveredDesign {
  readonly design: Design;
  readonly points: ReadonlyMap<string, ModulePoints>;
}

/** The wires' names are no Verilog names, so nothing of the user's is called so. */
const PREFIX = 'decision~';

/** Whether a name is that of a wire of coverage. */
export const isDecision = (name: string) => name.startsWith(PREFIX);

/** Adds to each module what coverage has to see; events, which `exposeEvents` made of properties, do not count. */
export function coveredDesign(design: Design): CoveredDesign {
  const points = new Map<string, ModulePoints>();
  const done = new Map<Module, Module>();
  for (const module of design.modules) {
    const writer = new DecisionWriter();
    done.set(module, writer.module(module, done));
    const signals = module.signals.filter(({ kind, site }) => kind !== 'parameter' && site !== nowhere);
    const states = signals.filter(({ kind, states: names }) => kind === 'register' && names !== undefined);
    points.set(module.name, { module: module.name, signals, states, decisions: writer.decisions });
  }
  const of = (module: Module) => done.get(module) ?? module;
  return { design: { top: of(design.top), modules: design.modules.map(of) }, points };
}

/** Bits that hold the numbers from 0 to `largest`. */
const bitsFor = (largest: number) => Math.max(1, Math.ceil(Math.log2(largest + 1)));

const constant = (width: number, value: number): Expr => ({ kind: 'const', width, value: BigInt(value), site: nowhere });

const assign = (signal: Signal, value: Expr): Statement => {
  return { kind: 'assign', target: { instance: undefined, signal }, low: 0, offset: undefined, value, site: nowhere };
};

class DecisionWriter {
  readonly decisions: Decision[] = [];
  private readonly wires: Signal[] = [];
  private readonly before: Statement[] = [];

  module(from: Module, done: ReadonlyMap<Module, Module>): Module {
    const instances = new Map<Instance, Instance>();
    for (const instance of from.instances)
      instances.set(instance, { ...instance, module: done.get(instance.module) ?? instance.module });
    const body = rewriteBody([...from.body, ...this.muxes(from)], {
      signal: expr => expr,
      output: (instance, port) => ({ instance: instances.get(instance) ?? instance, port }),
      target: target => {
        return target.instance ? { ...target, instance: instances.get(target.instance) ?? target.instance } : target;
      },
      statement: statement => [
        statement.kind === 'if' ? this.when(statement) : statement.kind === 'match' ? this.match(statement) : statement,
      ],
    });
    return {
      ...from,
      signals: [...from.signals, ...this.wires],
      instances: [...instances.values()],
      body: [...this.before, ...body],
    };
  }

  private decision(kind: Decision['kind'], site: Site, labels: readonly string[]): Signal {
    const wire: Signal = {
      name: `${PREFIX}${this.wires.length}`,
      kind: 'wire',
      width: bitsFor(labels.length + 1),
      init: undefined,
      domain: undefined,
      crossing: false,
      states: undefined,
      site: nowhere,
    };
    this.wires.push(wire);
    this.decisions.push({ kind, site, labels, wire: wire.name });
    return wire;
  }

  private when(statement: If): Statement {
    // Not the user's: the count of a cover.
    if (statement.site === nowhere) return statement;
    const labels = statement.arms.map((_, i) => (i === 0 ? 'when' : i === 1 ? 'elsewhen' : `elsewhen#${i}`));
    const wire = this.decision('when', statement.site, labels);
    return this.marked(statement, wire);
  }

  private match(statement: Match): Statement {
    const { subject, arms, otherwise, site } = statement;
    const isFull = BigInt(arms.length) === 1n << BigInt(subject.width);
    const rest = otherwise.length > 0 && !isFull ? [''] : [];
    const wire = this.decision('match', site, [...arms.map(({ label }) => label), ...rest]);
    return this.marked(statement, wire);
  }

  /** Has each arm say that it is taken. */
  private marked(statement: If | Match, wire: Signal): Statement {
    this.before.push(assign(wire, constant(wire.width, 0)));
    const mark = (i: number) => assign(wire, constant(wire.width, i));
    const otherwise = [mark(statement.arms.length + 1), ...statement.otherwise];
    const marked = <A extends { readonly body: readonly Statement[] }>(arms: readonly A[]): A[] =>
      arms.map((arm, i) => ({ ...arm, body: [mark(i + 1), ...arm.body] }));
    return statement.kind === 'if'
      ? { ...statement, arms: marked(statement.arms), otherwise }
      : { ...statement, arms: marked(statement.arms), otherwise };
  }

  /** Statements that say which arm each multiplexer takes. Those that one line made with one condition are one decision. */
  private muxes(module: Module): Statement[] {
    const seen = new Map<Expr, Set<Site>>();
    const statements: Statement[] = [];
    visitExpressions(module, expr => {
      if (expr.kind !== 'mux' || expr.condition.kind === 'const' || expr.site === nowhere) return;
      const sites = seen.get(expr.condition) ?? new Set();
      seen.set(expr.condition, sites);
      if (sites.has(expr.site)) return;
      sites.add(expr.site);
      const wire = this.decision('mux', expr.site, ['mux']);
      const { condition } = expr;
      const isZero: Expr = { kind: 'unary', op: 'not', value: condition, width: 1, site: nowhere };
      statements.push(assign(wire, { kind: 'concat', parts: [isZero, condition], width: 2, site: nowhere }));
    });
    return statements;
  }
}
