import type { Expr, Instance, Memory, Module, Signal, Target } from '../ir/ir.ts';
import { operands } from '../ir/visit.ts';
import { at } from './at.ts';
import type { GraphNode } from './module-graph.ts';

/** Expressions can be thousands of nodes deep: so far down they are followed by recursion, which is quicker, and beyond without. */
const shallow = 200;

/** Adds nodes to the graph of one module, and knows the dense indices of its signals, memories, instances and assignment targets. */
export class GraphBuilder {
  readonly nodes: GraphNode[] = [];
  /** Number of things that an assignment can drive: all signals of the module, then all signals of each child. */
  readonly targetCount: number;
  private readonly signals: ReadonlyMap<Signal, number>;
  private readonly memories: ReadonlyMap<Memory, number>;
  private readonly instances = new Map<Instance, { index: number; firstTarget: number; ports: Map<Signal, number> }>();
  private readonly translated = new Map<Expr, number>();
  private readonly signalReads: number[] = [];
  private readonly negations = new Map<number, number>();
  private readonly slices = new Map<number, number>();

  constructor(module: Module) {
    this.signals = new Map(module.signals.map((signal, index) => [signal, index]));
    this.memories = new Map(module.memories.map((memory, index) => [memory, index]));
    let firstTarget = module.signals.length;
    module.instances.forEach((instance, index) => {
      this.instances.set(instance, { index, firstTarget, ports: new Map(instance.module.signals.map((s, i) => [s, i])) });
      firstTarget += instance.module.signals.length;
    });
    this.targetCount = firstTarget;
  }

  private add(node: GraphNode): number {
    return this.nodes.push(node) - 1;
  }

  width(node: number): number {
    return at(this.nodes, node).width;
  }

  memory(memory: Memory): number {
    return this.memories.get(memory) ?? -1;
  }

  /** Dense index of what an assignment drives; see `targetCount`. */
  target(target: Target): number {
    if (target.instance === undefined) return this.signals.get(target.signal) ?? -1;
    const instance = this.instances.get(target.instance);
    return instance === undefined ? -1 : instance.firstTarget + (instance.ports.get(target.signal) ?? -1);
  }

  constant(width: number, value: bigint): number {
    return this.add({ kind: 'const', width, operands: [], value });
  }

  /** The value of a signal of the module. */
  read(signal: Signal): number {
    const index = this.signals.get(signal) ?? -1;
    const kind = signal.kind === 'input' || signal.kind === 'register' ? signal.kind : 'net';
    this.signalReads[index] ??= this.add({ kind, width: signal.width, operands: [], signal: index });
    return at(this.signalReads, index);
  }

  slice(value: number, low: number, width: number): number {
    if (width === this.width(value)) return value;
    const key = (value * 65536 + low) * 65536 + width;
    let node = this.slices.get(key);
    if (node === undefined) {
      node = this.add({ kind: 'slice', width, operands: [value], low });
      this.slices.set(key, node);
    }
    return node;
  }

  /** Most significant part first. */
  concat(parts: readonly number[]): number {
    if (parts.length === 1) return at(parts, 0);
    return this.add({ kind: 'concat', width: parts.reduce((sum, part) => sum + this.width(part), 0), operands: parts });
  }

  mux(condition: number, whenTrue: number, whenFalse: number): number {
    if (whenTrue === whenFalse) return whenTrue;
    return this.add({ kind: 'mux', width: this.width(whenTrue), operands: [condition, whenTrue, whenFalse] });
  }

  equals(value: number, constant: bigint): number {
    const right = this.constant(this.width(value), constant);
    return this.add({ kind: 'binary', op: 'eq', signed: false, width: 1, operands: [value, right] });
  }

  not(value: number): number {
    let node = this.negations.get(value);
    if (node === undefined) {
      node = this.add({ kind: 'unary', op: 'not', width: this.width(value), operands: [value] });
      this.negations.set(value, node);
    }
    return node;
  }

  and(left: number, right: number): number {
    return this.add({ kind: 'binary', op: 'and', signed: false, width: this.width(left), operands: [left, right] });
  }

  or(left: number, right: number): number {
    return this.add({ kind: 'binary', op: 'or', signed: false, width: this.width(left), operands: [left, right] });
  }

  shl(left: number, right: number): number {
    return this.add({ kind: 'binary', op: 'shl', signed: false, width: this.width(left), operands: [left, right] });
  }

  /** The low bits of a value, or zeros above it. */
  resized(value: number, width: number): number {
    if (this.width(value) >= width) return this.slice(value, 0, width);
    return this.add({ kind: 'extend', signed: false, width, operands: [value] });
  }

  /** The node of an IR expression; the same expression object gives the same node. */
  expression(root: Expr, depth = 0): number {
    const known = this.translated.get(root);
    if (known !== undefined) return known;
    if (depth === shallow) this.deepExpression(root);
    else this.node(root, depth + 1);
    return this.translated.get(root) ?? -1;
  }

  /** Operands of one node from the last to the first. */
  private node(expr: Expr, depth: number): void {
    const inputs = operands(expr);
    const nodes = new Array<number>(inputs.length).fill(-1);
    for (let i = inputs.length - 1; i >= 0; i--) nodes[i] = this.expression(at(inputs, i), depth);
    this.translated.set(expr, this.translate(expr, nodes));
  }

  private deepExpression(root: Expr): void {
    const stack: Expr[] = [root];
    while (stack.length > 0) {
      const expr = at(stack, stack.length - 1);
      const missing = this.translated.has(expr) ? [] : operands(expr).filter(operand => !this.translated.has(operand));
      if (missing.length > 0) {
        stack.push(...missing);
        continue;
      }
      stack.pop();
      if (!this.translated.has(expr)) this.node(expr, 0);
    }
  }

  private translate(expr: Expr, operands: readonly number[]): number {
    const { width } = expr;
    switch (expr.kind) {
      case 'const':
        return this.constant(width, expr.value);
      case 'signal':
        return this.read(expr.signal);
      case 'instance': {
        const child = this.instances.get(expr.instance);
        const port = child?.ports.get(expr.port) ?? -1;
        return this.add({ kind: 'child', width, operands, instance: child?.index ?? -1, port });
      }
      case 'unary':
        return expr.op === 'not' ? this.not(at(operands, 0)) : this.add({ kind: 'unary', op: expr.op, width, operands });
      case 'binary':
        return this.add({ kind: 'binary', op: expr.op, signed: expr.signed, width, operands });
      case 'mux':
        return this.mux(at(operands, 0), at(operands, 1), at(operands, 2));
      case 'concat':
        return this.concat(operands);
      case 'slice':
        return this.slice(at(operands, 0), expr.low, width);
      case 'extend':
        return this.add({ kind: 'extend', signed: expr.signed, width, operands });
      case 'memory-read':
        return this.add({ kind: 'memory-read', width, operands, memory: this.memory(expr.memory) });
    }
  }
}
