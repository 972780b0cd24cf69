import type { Const, Expr, Module, Signal, Statement } from '../ir/ir.ts';
import { ones, postOrder, walk } from '../ir/visit.ts';
import { combNets } from './drivers.ts';
import { constant, foldBinary, foldMux, foldUnary } from './fold.ts';

/** Signals of a module that never change: wires that are tied to a constant, and registers that nothing gives a value. */
export type Known = ReadonlyMap<Signal, bigint>;

/** Finds the signals that never change. Verilator knows them too, and warns where a comparison with one of them has only one outcome. */
export function knownSignals(module: Module, body: readonly Statement[]): Known {
  const known = new Map<Signal, bigint>();
  const given = new Set<Signal>();
  walk(body, statement => {
    if (statement.kind === 'assign') given.add(statement.target.signal);
  });
  for (const signal of module.signals) {
    if (signal.kind === 'register' && signal.init === undefined && !given.has(signal)) known.set(signal, 0n);
  }
  let open = combNets(module, body).filter(net => net.value && !net.target.instance);
  for (let before = -1; before !== known.size; ) {
    before = known.size;
    const evaluator = new Evaluator(known);
    open = open.filter(net => {
      const value = net.value && evaluator.of(net.value);
      if (value === undefined) return true;
      known.set(net.target.signal, value);
      return false;
    });
  }
  return known;
}

/** Computes what can be known of expressions of one module. */
export class Evaluator {
  private readonly known: Known;
  private readonly seen = new Set<Expr>();
  private readonly values = new Map<Expr, bigint>();

  constructor(known: Known) {
    this.known = known;
  }

  /** The value that `root` always has, or undefined if it can change. */
  of(root: Expr): bigint | undefined {
    postOrder(root, this.seen, expr => {
      const value = this.evaluate(expr);
      if (value !== undefined) this.values.set(expr, value);
    });
    return this.values.get(root);
  }

  private operand(expr: Expr): Expr {
    const value = this.values.get(expr);
    return value === undefined ? expr : constant(expr.width, value, expr.site);
  }

  private evaluate(expr: Expr): bigint | undefined {
    const folded = this.fold(expr);
    return folded?.kind === 'const' ? folded.value : undefined;
  }

  private fold(expr: Expr): Expr | undefined {
    const of = (operand: Expr) => this.operand(operand);
    switch (expr.kind) {
      case 'const':
        return expr;
      case 'signal': {
        const value = this.known.get(expr.signal);
        return value === undefined ? undefined : constant(expr.width, value, expr.site);
      }
      case 'instance':
      case 'memory-read':
        return undefined;
      case 'unary':
        return foldUnary({ ...expr, value: of(expr.value) }, () => false);
      case 'binary':
        return foldBinary({ ...expr, left: of(expr.left), right: of(expr.right) });
      case 'mux':
        return foldMux({
          ...expr,
          condition: of(expr.condition),
          whenTrue: of(expr.whenTrue),
          whenFalse: of(expr.whenFalse),
        });
      case 'concat': {
        const parts = expr.parts.map(of);
        if (!parts.every((part): part is Const => part.kind === 'const')) return undefined;
        return constant(
          expr.width,
          parts.reduce((bits, part) => (bits << BigInt(part.width)) | part.value, 0n),
          expr.site,
        );
      }
      case 'slice': {
        const value = of(expr.value);
        return value.kind === 'const' ? constant(expr.width, value.value >> BigInt(expr.low), expr.site) : undefined;
      }
      case 'extend': {
        const value = of(expr.value);
        return value.kind === 'const' ? extended(value, expr.width, expr.signed) : undefined;
      }
    }
  }
}

/** A constant with zeros, or if `signed` with copies of its top bit, added above. */
export function extended({ value, width: narrow, site }: Const, width: number, signed: boolean): Const {
  const negative = signed && value >> BigInt(narrow - 1) === 1n;
  return constant(width, negative ? value | (ones(width) ^ ones(narrow)) : value, site);
}
