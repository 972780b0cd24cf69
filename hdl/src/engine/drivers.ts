import type { If, Match, Module, Statement } from '../ir/ir.ts';
import { ones } from '../ir/visit.ts';
import { at } from './at.ts';
import { GraphBuilder } from './graph-builder.ts';
import type { GraphWrite, ModuleGraph } from './module-graph.ts';

/** Bits `low` to `low + width - 1` of a target have the value of `node`. */
interface Piece {
  readonly low: number;
  readonly width: number;
  readonly node: number;
}

/** What the statements of one block have assigned so far; anything else is looked up in the enclosing block. */
class Scope {
  /** By target; pieces do not overlap and are sorted by `low`. */
  readonly pieces = new Map<number, readonly Piece[]>();
  readonly parent: Scope | undefined;

  constructor(parent: Scope | undefined) {
    this.parent = parent;
  }
}

/** The conditions under which a block runs. */
interface Path {
  readonly parent: Path | undefined;
  readonly condition: number;
}

/** Turns the statements of a module into one driving node per target, by executing them symbolically. */
class Drivers {
  readonly builder: GraphBuilder;
  readonly writes: GraphWrite[] = [];
  private readonly module: Module;
  private readonly widths: number[] = [];
  private readonly conjunctions = new Map<Path, number>();

  constructor(module: Module) {
    this.module = module;
    this.builder = new GraphBuilder(module);
    this.widths = module.signals.map(signal => signal.width);
    for (const instance of module.instances) this.widths.push(...instance.module.signals.map(signal => signal.width));
  }

  graph(): ModuleGraph {
    const { module, builder } = this;
    const scope = new Scope(undefined);
    this.block(module.body, scope, undefined);
    const value = (target: number) => this.lookUp(scope, target, 0, at(this.widths, target));
    const drivers = module.signals.map((signal, index) => (signal.kind === 'input' ? -1 : value(index)));
    let first = module.signals.length;
    const childInputs = module.instances.map(instance => {
      const inputs = instance.module.signals.map((signal, index) => (signal.kind === 'input' ? value(first + index) : -1));
      first += inputs.length;
      return inputs;
    });
    return { module, nodes: builder.nodes, drivers, childInputs, writes: this.writes };
  }

  /** What a target has before any assignment: a register keeps its value, an undriven net is 0. */
  private initial(target: number, low: number, width: number): number {
    const signal = this.module.signals[target];
    if (signal?.kind === 'register') return this.builder.slice(this.builder.read(signal), low, width);
    return this.builder.constant(width, 0n);
  }

  private lookUp(scope: Scope | undefined, target: number, low: number, width: number): number {
    let from = scope;
    let pieces = from?.pieces.get(target);
    while (from !== undefined && pieces === undefined) {
      from = from.parent;
      pieces = from?.pieces.get(target);
    }
    if (from === undefined || pieces === undefined) return this.initial(target, low, width);
    const [first] = pieces;
    if (pieces.length === 1 && first?.low === low && first.width === width) return first.node;
    const end = low + width;
    const parts: number[] = [];
    let position = low;
    for (const piece of pieces) {
      const start = Math.max(piece.low, low);
      const stop = Math.min(piece.low + piece.width, end);
      if (start >= stop) continue;
      if (position < start) parts.push(this.lookUp(from.parent, target, position, start - position));
      parts.push(this.builder.slice(piece.node, start - piece.low, stop - start));
      position = stop;
    }
    if (position < end) parts.push(this.lookUp(from.parent, target, position, end - position));
    return this.builder.concat(parts.reverse());
  }

  private assign(scope: Scope, target: number, low: number, node: number): void {
    const width = this.builder.width(node);
    const end = low + width;
    const pieces: Piece[] = [{ low, width, node }];
    const before = scope.pieces.get(target);
    if (before === undefined) {
      scope.pieces.set(target, pieces);
      return;
    }
    for (const piece of before) {
      const stop = piece.low + piece.width;
      if (piece.low < low) {
        const kept = Math.min(stop, low) - piece.low;
        pieces.push({ low: piece.low, width: kept, node: this.builder.slice(piece.node, 0, kept) });
      }
      if (stop > end) {
        const start = Math.max(piece.low, end);
        pieces.push({ low: start, width: stop - start, node: this.builder.slice(piece.node, start - piece.low, stop - start) });
      }
    }
    scope.pieces.set(
      target,
      pieces.sort((a, b) => a.low - b.low),
    );
  }

  /** What the target has from bit `low` upward after `value` has been put `offset` bits above that. */
  private placed(scope: Scope, target: number, low: number, offset: number, value: number): number {
    const width = at(this.widths, target) - low;
    const old = this.lookUp(scope, target, low, width);
    const mask = this.builder.constant(width, ones(Math.min(this.builder.width(value), width)));
    const kept = this.builder.and(old, this.builder.not(this.builder.shl(mask, offset)));
    return this.builder.or(kept, this.builder.shl(this.builder.resized(value, width), offset));
  }

  private block(statements: readonly Statement[], scope: Scope, path: Path | undefined): void {
    for (const statement of statements) {
      switch (statement.kind) {
        case 'assign': {
          const value = this.builder.expression(statement.value);
          const target = this.builder.target(statement.target);
          const { low, offset } = statement;
          if (offset === undefined) this.assign(scope, target, low, value);
          else this.assign(scope, target, low, this.placed(scope, target, low, this.builder.expression(offset), value));
          break;
        }
        case 'if':
          this.conditional(statement, scope, path);
          break;
        case 'match':
          this.match(statement, scope, path);
          break;
        case 'memory-write':
          this.writes.push({
            memory: this.builder.memory(statement.memory),
            enable: path && this.conjunction(path),
            address: this.builder.expression(statement.address),
            data: this.builder.expression(statement.data),
            mask: statement.mask && this.builder.expression(statement.mask),
          });
      }
    }
  }

  private conjunction(path: Path): number {
    let node = this.conjunctions.get(path);
    if (node === undefined) {
      node = path.parent === undefined ? path.condition : this.builder.and(this.conjunction(path.parent), path.condition);
      this.conjunctions.set(path, node);
    }
    return node;
  }

  private conditional(statement: If, scope: Scope, path: Path | undefined): void {
    let rest = path;
    const arms = statement.arms.map(arm => {
      const condition = this.builder.expression(arm.condition);
      const inner = new Scope(scope);
      this.block(arm.body, inner, { parent: rest, condition });
      rest = { parent: rest, condition: this.builder.not(condition) };
      return { condition, scope: inner };
    });
    const otherwise = new Scope(scope);
    this.block(statement.otherwise, otherwise, rest);
    this.merge(scope, arms, otherwise, false);
  }

  private match(statement: Match, scope: Scope, path: Path | undefined): void {
    const subject = this.builder.expression(statement.subject);
    let rest = path;
    const arms = statement.arms.map(arm => {
      const condition = this.builder.equals(subject, arm.value);
      const inner = new Scope(scope);
      this.block(arm.body, inner, { parent: path, condition });
      rest = { parent: rest, condition: this.builder.not(condition) };
      return { condition, scope: inner };
    });
    const otherwise = new Scope(scope);
    this.block(statement.otherwise, otherwise, rest);
    this.merge(scope, arms, otherwise, true);
  }

  /** Gives the enclosing scope what the taken arm assigned. `disjoint`: at most one condition is 1, so the order of arms is free. */
  private merge(scope: Scope, arms: readonly { condition: number; scope: Scope }[], otherwise: Scope, disjoint: boolean): void {
    const scopes = [...arms.map(arm => arm.scope), otherwise];
    const merged: Piece[] = [];
    for (const target of targetsOf(scopes)) {
      for (const { low, width } of rangesOf(scopes, target)) {
        const last = this.lookUp(otherwise, target, low, width);
        const outer = this.lookUp(scope, target, low, width);
        let node = last;
        for (let i = arms.length - 1; i >= 0; i--) {
          const arm = at(arms, i);
          const whenTrue = arm.scope.pieces.has(target) ? this.lookUp(arm.scope, target, low, width) : outer;
          if (!disjoint || whenTrue !== last) node = this.builder.mux(arm.condition, whenTrue, node);
        }
        merged.push({ low, width, node });
      }
      for (const { low, node } of merged) this.assign(scope, target, low, node);
      merged.length = 0;
    }
  }
}

/** What some scope assigns. */
function targetsOf(scopes: readonly Scope[]): Iterable<number> {
  const assigning = scopes.filter(({ pieces }) => pieces.size > 0);
  const [first] = assigning;
  if (first && assigning.length === 1) return [...first.pieces.keys()];
  const targets = new Set<number>();
  for (const { pieces } of assigning) for (const target of pieces.keys()) targets.add(target);
  return targets;
}

/** The ranges of a target that scopes assign, cut wherever one of their pieces ends. */
function rangesOf(scopes: readonly Scope[], target: number): readonly { readonly low: number; readonly width: number }[] {
  const pieces: Piece[] = [];
  for (const scope of scopes) {
    const own = scope.pieces.get(target);
    if (own) pieces.push(...own);
  }
  const [first] = pieces;
  if (first && pieces.every(({ low, width }) => low === first.low && width === first.width)) return [first];
  const cuts = [...new Set(pieces.flatMap(piece => [piece.low, piece.low + piece.width]))].sort((a, b) => a - b);
  const ranges: { low: number; width: number }[] = [];
  for (let i = 0; i + 1 < cuts.length; i++) {
    const low = at(cuts, i);
    if (pieces.some(piece => piece.low <= low && low < piece.low + piece.width))
      ranges.push({ low, width: at(cuts, i + 1) - low });
  }
  return ranges;
}

/** Builds the graph of a module from its statements. */
export function moduleGraph(module: Module): ModuleGraph {
  return new Drivers(module).graph();
}
