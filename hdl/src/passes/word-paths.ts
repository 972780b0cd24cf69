import type { Expr, Instance, Module, Signal, Target } from '../ir/ir.ts';
import { Sets } from '../ir/sets.ts';
import { bodies } from '../ir/visit.ts';
import type { OutputPaths } from './combinational-graph.ts';

/** Something that has a value made of expressions: a wire, an output, an input of a child, or what statements are under. */
interface Node {
  readonly values: Expr[];
  readonly under: Node[];
  /** The number of the inputs that it depends on; `open` before that is known, `entered` while it is being found. */
  inputs: number;
}

const open = -1;
const entered = -2;

/** Beyond so many steps in a row nothing is found: the exact analysis, which is not recursive, does it. */
const deepest = 1000;

/** Ends the search where a word depends on itself, or the way is too long. */
class Unproven extends Error {}

/**
 * Which outputs of a module depend combinationally on which inputs if each signal counts as a whole, or undefined if a signal then depends on itself. So
 * many paths may be told of that are none, and none is left out: where this finds no loop there is none, at a small part of what the exact answer of
 * `CombinationalGraph` takes.
 * @param pathsOf as many paths of a child, or more
 */
export function wordPaths(module: Module, pathsOf: (child: Module) => OutputPaths): OutputPaths | undefined {
  try {
    return new WordPaths(module, pathsOf).paths();
  } catch (error) {
    if (error instanceof Unproven) return undefined;
    throw error;
  }
}

class WordPaths {
  private readonly module: Module;
  private readonly pathsOf: (child: Module) => OutputPaths;
  private readonly sets = new Sets();
  private readonly inputs = new Map<Signal, number>();
  private readonly own = new Map<Signal, Node>();
  private readonly pins = new Map<Instance, Map<string, Node>>();
  private readonly known = new Map<Expr, number>();

  constructor(module: Module, pathsOf: (child: Module) => OutputPaths) {
    this.module = module;
    this.pathsOf = pathsOf;
    for (const signal of module.signals) if (signal.kind === 'input') this.inputs.set(signal, this.sets.of(this.inputs.size));
    this.collect(module.body, []);
  }

  paths(): OutputPaths {
    const names = [...this.inputs.keys()].map(({ name }) => name);
    // Loops count whether or not an output depends on them.
    for (const node of this.own.values()) this.ofNode(node, 0);
    for (const pins of this.pins.values()) for (const node of pins.values()) this.ofNode(node, 0);
    return new Map(
      this.module.signals.flatMap(signal => {
        if (signal.kind !== 'output') return [];
        const node = this.own.get(signal);
        const members = this.sets.members(node?.inputs ?? Sets.empty);
        return [[signal.name, new Set(members.flatMap(input => names[input] ?? []))] as const];
      }),
    );
  }

  private collect(body: Module['body'], under: Node[]): void {
    for (const statement of body) {
      if (statement.kind === 'assign') {
        if (statement.target.signal.kind === 'register') continue;
        const node = this.driven(statement.target);
        node.values.push(statement.value);
        if (statement.offset) node.values.push(statement.offset);
        node.under.push(...under);
      } else if (statement.kind === 'if') {
        const conditions: Node = { values: [], under, inputs: open };
        for (const arm of statement.arms) conditions.values.push(arm.condition);
        for (const inner of bodies(statement)) this.collect(inner, [conditions]);
      } else if (statement.kind === 'match') {
        const subject: Node = { values: [statement.subject], under, inputs: open };
        for (const inner of bodies(statement)) this.collect(inner, [subject]);
      }
    }
  }

  private driven({ instance, signal }: Target): Node {
    if (!instance) return found(this.own, signal);
    let pins = this.pins.get(instance);
    if (!pins) {
      pins = new Map();
      this.pins.set(instance, pins);
    }
    return found(pins, signal.name);
  }

  private ofNode(node: Node, depth: number): number {
    if (node.inputs >= 0) return node.inputs;
    if (node.inputs === entered || depth > deepest) throw new Unproven();
    node.inputs = entered;
    let all = Sets.empty;
    for (const value of node.values) all = this.sets.union(all, this.of(value, depth + 1));
    for (const outer of node.under) all = this.sets.union(all, this.ofNode(outer, depth + 1));
    node.inputs = all;
    return all;
  }

  private of(expr: Expr, depth: number): number {
    switch (expr.kind) {
      case 'const':
        return Sets.empty;
      case 'signal':
        return this.ofSignal(expr.signal, depth);
      case 'instance':
        return this.ofOutput(expr.instance, expr.port, depth);
      case 'slice':
      case 'extend':
      case 'unary':
        return this.of(expr.value, depth + 1);
      default: {
        const known = this.known.get(expr);
        if (known !== undefined) return known;
        const inputs = this.ofOperands(expr, depth);
        this.known.set(expr, inputs);
        return inputs;
      }
    }
  }

  private ofOperands(expr: Expr, depth: number): number {
    if (depth > deepest) throw new Unproven();
    const { sets } = this;
    switch (expr.kind) {
      case 'binary':
        return sets.union(this.of(expr.left, depth + 1), this.of(expr.right, depth + 1));
      case 'mux': {
        const arms = sets.union(this.of(expr.whenTrue, depth + 1), this.of(expr.whenFalse, depth + 1));
        return sets.union(this.of(expr.condition, depth + 1), arms);
      }
      case 'concat': {
        let all = Sets.empty;
        for (const part of expr.parts) all = sets.union(all, this.of(part, depth + 1));
        return all;
      }
      case 'memory-read':
        return this.of(expr.address, depth + 1);
      default:
        return this.of(expr, depth);
    }
  }

  private ofSignal(signal: Signal, depth: number): number {
    const input = this.inputs.get(signal);
    if (input !== undefined) return input;
    if (signal.kind === 'register') {
      // An asynchronous reset acts on the register's value at once.
      const { init, domain } = signal;
      if (init === undefined || !domain?.of || domain.reset?.kind !== 'async') return Sets.empty;
      const { name } = domain.reset;
      const reset = this.module.signals.find(other => other.name === name);
      return reset ? this.ofSignal(reset, depth + 1) : Sets.empty;
    }
    const node = this.own.get(signal);
    return node ? this.ofNode(node, depth + 1) : Sets.empty;
  }

  private ofOutput(instance: Instance, port: Signal, depth: number): number {
    const pins = this.pins.get(instance);
    let all = Sets.empty;
    if (!pins) return all;
    for (const input of this.pathsOf(instance.module).get(port.name) ?? []) {
      const node = pins.get(input);
      if (node) all = this.sets.union(all, this.ofNode(node, depth + 1));
    }
    return all;
  }
}

function found<K>(nodes: Map<K, Node>, key: K): Node {
  let node = nodes.get(key);
  if (!node) {
    node = { values: [], under: [], inputs: open };
    nodes.set(key, node);
  }
  return node;
}
