import { components } from '../ir/graph.ts';
import type { Assign, Domain, Expr, Instance, Memory, MemoryWrite, Module, Signal, Site } from '../ir/ir.ts';
import { Sets } from '../ir/sets.ts';
import { needsTimedReset } from '../ir/state.ts';
import { bodies, expressions, targetName, visitExpressions, walk } from '../ir/visit.ts';
import { netsOf } from './nets.ts';

/** Bits `low` to `low + width - 1` of a net, or a part of an expression. `edges` are the nodes that it depends on. */
export interface GraphNode {
  /** The net it is a part of, as messages name it; undefined for expressions. */
  readonly net: string | undefined;
  /** Set for an output of a child. */
  readonly child: { readonly instance: Instance; readonly port: Signal } | undefined;
  /** What keeps the value: set where a register or a memory is read. */
  readonly source: Signal | Memory | undefined;
  readonly site: Site;
  readonly edges: number[];
}

/** What a register takes at the edges of its clock, or a memory from the writes of one domain: all that the value and its enables depend on. */
export interface Sink {
  readonly item: Signal | Memory;
  readonly domain: Domain;
  readonly node: number;
}

interface Piece {
  readonly low: number;
  readonly width: number;
  readonly node: number;
}

/** What a statement is under: `condition`, and `outer` around or before it. */
interface Held {
  readonly condition: Expr;
  readonly outer: Held | undefined;
  node: number | undefined;
}

interface Work {
  readonly expr: Expr;
  readonly low: number;
  readonly width: number;
  readonly node: number;
}

/** Which outputs of a module depend combinationally on which of its inputs, by name. */
export type OutputPaths = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * What depends combinationally on what inside one module, bit range by bit range: nets are cut wherever an assignment or a slice of them ends,
 * so `x[1] = x[0]` is no loop. Children count by the paths from their inputs to their outputs.
 */
export class CombinationalGraph {
  readonly nodes: GraphNode[] = [];
  readonly components: readonly (readonly number[])[];
  readonly paths: OutputPaths;
  /** Empty unless asked for. */
  readonly sinks: Sink[] = [];
  /** Of a graph with sinks: the edges of each node whose values meet others in a gate there, rather than pass as they are. */
  readonly gates = new Map<number, number[]>();
  private readonly withSinks: boolean;
  private readonly pieces = new Map<string, Piece[]>();
  private readonly parts = new Map<Expr, Map<number, number>>();
  private readonly work: Work[] = [];
  private readonly pathsOf: (child: Module) => OutputPaths;
  private readonly inputs: ReadonlyMap<string, number>;

  /** @param withSinks the graph holds what registers and memories depend on too. */
  constructor(module: Module, pathsOf: (child: Module) => OutputPaths, withSinks = false) {
    this.pathsOf = pathsOf;
    this.withSinks = withSinks;
    const inputs = module.signals.filter(signal => signal.kind === 'input');
    this.inputs = new Map(inputs.map(({ name, site }) => [name, this.node(name, site)]));
    this.cut(module);
    this.connect(module);
    for (let work = this.work.pop(); work; work = this.work.pop()) this.expand(work);
    this.components = components(this.nodes.length, node => this.nodes[node]?.edges ?? []);
    this.paths = this.outputPaths(module);
  }

  /** The input of the module that is `node`, if it is one. */
  inputOf(node: number): string | undefined {
    return [...this.inputs].find(([, input]) => input === node)?.[0];
  }

  /** The nodes of a net. */
  nodesOf(net: string): readonly number[] {
    const input = this.inputs.get(net);
    return input === undefined ? (this.pieces.get(net) ?? []).map(piece => piece.node) : [input];
  }

  private node(net: string | undefined, site: Site, child?: GraphNode['child'], source?: GraphNode['source']): number {
    this.nodes.push({ net, child, source, site, edges: [] });
    return this.nodes.length - 1;
  }

  private edge(from: number, to: number): void {
    this.nodes[from]?.edges.push(to);
  }

  /** An edge to what decides which value passes, or what it is. */
  private gate(from: number, to: number): void {
    this.edge(from, to);
    if (!this.withSinks) return;
    const gates = this.gates.get(from);
    if (gates) gates.push(to);
    else this.gates.set(from, [to]);
  }

  private cut(module: Module): void {
    const nets = netsOf(module);
    // Only where a net is cut: most are not.
    const cuts = new Map<string, Set<number>>();
    const cut = (name: string, from: number, to: number) => {
      const width = nets.get(name)?.target.signal.width;
      if (width === undefined || (from === 0 && to === width)) return;
      const found = cuts.get(name);
      if (found) found.add(from).add(to);
      else cuts.set(name, new Set([0, width, from, to]));
    };
    walk(module.body, statement => {
      if (statement.kind !== 'assign') return;
      const { target, low, offset, value } = statement;
      cut(targetName(target), low, offset ? target.signal.width : low + value.width);
    });
    visitExpressions(module, expr => {
      if (expr.kind === 'slice' && expr.value.kind === 'signal') cut(expr.value.signal.name, expr.low, expr.low + expr.width);
    });
    for (const [name, { target }] of nets) {
      const { width: whole, site } = target.signal;
      const bounds = [...(cuts.get(name) ?? [0, whole])].sort((a, b) => a - b);
      const pieces: Piece[] = [];
      for (let i = 1; i < bounds.length; i++) {
        const low = bounds[i - 1] ?? 0;
        pieces.push({ low, width: (bounds[i] ?? whole) - low, node: this.node(name, site) });
      }
      this.pieces.set(name, pieces);
    }
  }

  private connect(module: Module): void {
    const { withSinks } = this;
    const sinks = new Map<Signal | Memory, Sink[]>();
    const visit = (body: Module['body'], held: Held | undefined) => {
      for (const statement of body) {
        if (statement.kind === 'assign') {
          const pieces = this.pieces.get(targetName(statement.target));
          if (pieces) this.drive(statement, pieces, held);
          else if (withSinks && statement.target.signal.kind === 'register') this.keep(statement, held, sinks);
        } else if (statement.kind === 'memory-write') {
          if (withSinks) this.keep(statement, held, sinks);
        } else if (statement.kind === 'if') {
          let before = held;
          for (const { condition, body: inner } of statement.arms) {
            before = { condition, outer: before, node: undefined };
            visit(inner, before);
          }
          visit(statement.otherwise, before);
        } else if (statement.kind === 'match') {
          const chosen = { condition: statement.subject, outer: held, node: undefined };
          for (const inner of bodies(statement)) visit(inner, chosen);
        }
      }
    };
    visit(module.body, undefined);
    if (withSinks) for (const domain of module.domains) this.reset(module, domain);
  }

  /** A reset that the module makes is taken at the edges of the domain's clock too: its end is. */
  private reset(module: Module, domain: Domain): void {
    const item = domain.of && module.signals.find(({ name }) => name === domain.reset?.name);
    if (!item || !needsTimedReset(module, domain)) return;
    const node = this.node(item.name, domain.site);
    for (const piece of this.nodesOf(item.name)) this.edge(node, piece);
    this.sinks.push({ item, domain, node });
  }

  /** The node of what a statement is under, made for the first assignment that it holds for. */
  private held(conditions: Held | undefined): number | undefined {
    const open: Held[] = [];
    let at = conditions;
    for (; at && at.node === undefined; at = at.outer) open.push(at);
    let node = at?.node;
    for (const inner of open.toReversed()) {
      const { condition } = inner;
      inner.node = this.node(undefined, condition.site);
      this.edge(inner.node, this.part(condition, 0, condition.width));
      if (node !== undefined) this.edge(inner.node, node);
      node = inner.node;
    }
    return node;
  }

  private drive({ low, offset, value, site }: Assign, pieces: readonly Piece[], held: Held | undefined): void {
    const under = this.held(held);
    for (const piece of pieces) {
      if (piece.low < low || (!offset && piece.low >= low + value.width)) continue;
      const through = this.node(undefined, site);
      this.edge(piece.node, through);
      // Where a signal chooses the place, any bit of the value can come to any bit of the target.
      this.edge(through, offset ? this.part(value, 0, value.width) : this.part(value, piece.low - low, piece.width));
      if (offset) this.gate(through, this.part(offset, 0, offset.width));
      if (under !== undefined) this.gate(through, under);
    }
  }

  private keep(statement: Assign | MemoryWrite, held: Held | undefined, known: Map<Signal | Memory, Sink[]>): void {
    const item = statement.kind === 'assign' ? statement.target.signal : statement.memory;
    const domain = statement.kind === 'assign' ? statement.target.signal.domain : statement.domain;
    if (!domain) return;
    const sinks = known.get(item) ?? [];
    known.set(item, sinks);
    let sink = sinks.find(s => s.domain === domain);
    if (!sink) {
      sink = { item, domain, node: this.node(item.name, item.site) };
      sinks.push(sink);
      this.sinks.push(sink);
    }
    const through = this.node(undefined, statement.site);
    this.edge(sink.node, through);
    const taken = statement.kind === 'assign' ? statement.value : statement.data;
    for (const expr of expressions(statement)) {
      const part = this.part(expr, 0, expr.width);
      if (expr === taken) this.edge(through, part);
      else this.gate(through, part);
    }
    const under = this.held(held);
    if (under !== undefined) this.gate(through, under);
  }

  /** The node for bits of an expression. */
  private part(expr: Expr, low: number, width: number): number {
    let parts = this.parts.get(expr);
    if (parts === undefined) {
      parts = new Map();
      this.parts.set(expr, parts);
    }
    const key = low * 2 ** 24 + width;
    let node = parts.get(key);
    if (node === undefined) {
      const child = expr.kind === 'instance' ? { instance: expr.instance, port: expr.port } : undefined;
      node = this.node(child && `${child.instance.name}.${child.port.name}`, expr.site, child, kept(expr));
      parts.set(key, node);
      this.work.push({ expr, low, width, node });
    }
    return node;
  }

  private expand({ expr, low, width, node }: Work): void {
    const whole = (value: Expr) => this.gate(node, this.part(value, 0, value.width));
    const bits = (value: Expr, from: number, to: number) => {
      const start = Math.max(0, from);
      const end = Math.min(value.width, to);
      if (start < end) this.edge(node, this.part(value, start, end - start));
    };
    const end = low + width;
    switch (expr.kind) {
      case 'const':
        return;
      case 'signal': {
        const { name, init, domain } = expr.signal;
        const input = this.inputs.get(name);
        if (input !== undefined) this.edge(node, input);
        // An asynchronous reset acts on the register's value at once.
        if (!this.withSinks && init !== undefined && domain?.of && domain.reset?.kind === 'async')
          for (const piece of this.nodesOf(domain.reset.name)) this.edge(node, piece);
        for (const piece of this.pieces.get(name) ?? []) {
          if (piece.low < end && piece.low + piece.width > low) this.edge(node, piece.node);
        }
        return;
      }
      case 'instance':
        for (const input of this.pathsOf(expr.instance.module).get(expr.port.name) ?? []) {
          for (const piece of this.pieces.get(`${expr.instance.name}.${input}`) ?? []) this.edge(node, piece.node);
        }
        return;
      case 'slice':
        bits(expr.value, expr.low + low, expr.low + end);
        return;
      case 'extend':
        bits(expr.value, low, end);
        if (expr.signed && end > expr.value.width) bits(expr.value, expr.value.width - 1, expr.value.width);
        return;
      case 'concat': {
        let top = expr.width;
        for (const part of expr.parts) {
          top -= part.width;
          bits(part, low - top, end - top);
        }
        return;
      }
      case 'unary':
        if (expr.op === 'not' || expr.value.width === 1) bits(expr.value, low, end);
        else whole(expr.value);
        return;
      case 'mux':
        whole(expr.condition);
        bits(expr.whenTrue, low, end);
        bits(expr.whenFalse, low, end);
        return;
      case 'memory-read':
        whole(expr.address);
        return;
      case 'binary':
        break;
    }
    const { op, left, right } = expr;
    const operand = (value: Expr, from: number) => this.gate(node, this.part(value, from, Math.min(end, value.width) - from));
    if (op === 'and' || op === 'or' || op === 'xor') {
      // A gate with a constant is a wire or an inverter.
      const wired = left.kind === 'const' || right.kind === 'const';
      for (const value of [left, right]) {
        if (wired) bits(value, low, end);
        else operand(value, low);
      }
    } else if (op === 'add' || op === 'sub' || op === 'mul') {
      operand(left, 0);
      operand(right, 0);
    } else if (op === 'shl' || op === 'shr') {
      if (op === 'shl') bits(left, 0, end);
      else bits(left, low, left.width);
      whole(right);
    } else if (left.width === 1 && (left.kind === 'const' || right.kind === 'const')) {
      bits(left, 0, 1);
      bits(right, 0, 1);
    } else {
      whole(left);
      whole(right);
    }
  }

  private outputPaths(module: Module): OutputPaths {
    const sets = new Sets();
    const reach = new Int32Array(this.nodes.length);
    const names = [...this.inputs.keys()];
    for (const component of this.components) {
      let set = Sets.empty;
      for (const node of component) {
        for (const edge of this.nodes[node]?.edges ?? []) set = sets.union(set, reach[edge] ?? Sets.empty);
        if (node < names.length) set = sets.union(set, sets.of(node));
      }
      for (const node of component) reach[node] = set;
    }
    const outputs = module.signals.filter(signal => signal.kind === 'output');
    return new Map(
      outputs.map(({ name }) => {
        const set = this.nodesOf(name).reduce((all, node) => sets.union(all, reach[node] ?? Sets.empty), Sets.empty);
        return [name, new Set(sets.members(set).flatMap(input => names[input] ?? []))];
      }),
    );
  }
}

function kept(expr: Expr): GraphNode['source'] {
  if (expr.kind === 'memory-read') return expr.memory;
  return expr.kind === 'signal' && expr.signal.kind === 'register' ? expr.signal : undefined;
}
