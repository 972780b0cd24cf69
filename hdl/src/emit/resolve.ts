import type { Expr, Statement } from '../ir/ir.ts';
import { bodies, expressions, postOrder, targetName, walk } from '../ir/visit.ts';
import { type CombNet, sliceOf } from './drivers.ts';
import { constant, foldMux } from './fold.ts';

/**
 * A net as one expression instead of statements. This is for a net whose bits depend on other bits of itself: inside an `always @*` block
 * those would be read before they have their value.
 */
export function resolved(net: CombNet, body: readonly Statement[]): Expr {
  const { width, site } = net.target.signal;
  const bounds = cuts(net, body);
  const parts = bounds
    .slice(0, -1)
    .map((low, i) => {
      const size = (bounds[i + 1] ?? low) - low;
      return execute([...net.live], net.name, low, size, constant(size, 0n, site));
    })
    .reverse();
  const [only] = parts;
  return only && parts.length === 1 ? only : { kind: 'concat', width, parts, site };
}

/** Where assignments to the net, and reads of parts of it, begin and end. */
function cuts(net: CombNet, body: readonly Statement[]): number[] {
  const { width } = net.target.signal;
  const found = new Set([0, width]);
  walk([...net.live], statement => {
    if (statement.kind !== 'assign' || targetName(statement.target) !== net.name) return;
    if (statement.offset) for (let bit = 0; bit < width; bit++) found.add(bit);
    found.add(statement.low).add(statement.low + statement.value.width);
  });
  const seen = new Set<Expr>();
  const read = (expr: Expr) => {
    if (expr.kind !== 'slice' || expr.value.kind !== 'signal' || expr.value.signal !== net.target.signal) return;
    found.add(expr.low).add(expr.low + expr.width);
  };
  walk(body, statement => {
    for (const root of expressions(statement)) postOrder(root, seen, read);
  });
  return [...found].sort((a, b) => a - b);
}

/** The value of bits `low` .. `low + width - 1` of `name` after the statements; `before` is their value before them. */
function execute(statements: readonly Statement[], name: string, low: number, width: number, before: Expr): Expr {
  let value = before;
  for (const statement of statements) {
    if (statement.kind === 'assign') {
      if (targetName(statement.target) !== name) continue;
      if (statement.offset) {
        value = placed(statement.offset, statement.value, low, value);
        continue;
      }
      const covers = statement.low <= low && low + width <= statement.low + statement.value.width;
      if (covers) value = sliceOf(statement.value, low - statement.low, width);
    } else if (statement.kind === 'if' || statement.kind === 'match') {
      const results = bodies(statement).map(body => execute(body, name, low, width, value));
      const rest = results.at(-1) ?? value;
      value = results.slice(0, -1).reduceRight((otherwise, whenTrue, i) => {
        const condition = conditionOf(statement, i);
        return whenTrue === otherwise
          ? otherwise
          : foldMux({ kind: 'mux', width, condition, whenTrue, whenFalse: otherwise, site: statement.site });
      }, rest);
    }
  }
  return value;
}

/** Bit `bit` after an assignment of `value` from bit `index` upward; `before` is its value before that. */
function placed(index: Expr, value: Expr, bit: number, before: Expr): Expr {
  const { site } = value;
  let result = before;
  for (let i = 0; i < value.width && i <= bit; i++) {
    const right = constant(index.width, BigInt(bit - i), site);
    const condition: Expr = { kind: 'binary', op: 'eq', signed: false, width: 1, left: index, right, site };
    result = foldMux({ kind: 'mux', width: 1, condition, whenTrue: sliceOf(value, i, 1), whenFalse: result, site });
  }
  return result;
}

/** The condition of an arm, given that no arm before it is taken. */
function conditionOf(statement: Statement & { readonly kind: 'if' | 'match' }, index: number): Expr {
  const { site } = statement;
  if (statement.kind === 'if') return statement.arms[index]?.condition ?? constant(1, 0n, site);
  const { subject, arms } = statement;
  const right = constant(subject.width, arms[index]?.value ?? 0n, site);
  return { kind: 'binary', op: 'eq', signed: false, width: 1, left: subject, right, site };
}
