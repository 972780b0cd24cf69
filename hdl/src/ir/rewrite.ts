import type { Expr, Instance, Memory, Signal, Statement, Target } from './ir.ts';
import { expressions, postOrder, walk } from './visit.ts';

/** What becomes of the things that expressions and statements refer to. Every function may give back what it got. */
export interface Replacement {
  /** The value of a signal of the module. */
  readonly signal: (expr: Expr & { readonly kind: 'signal' }) => Expr;
  /** The value of an output of a child. */
  readonly output: (instance: Instance, port: Signal) => { readonly instance: Instance; readonly port: Signal };
  readonly target: (target: Target) => Target;
  readonly memory?: (memory: Memory) => Memory;
  /** What stands in the place of the node `old`, which with its new operands is `now`. */
  readonly expression?: (old: Expr, now: Expr) => Expr;
  /** What stands in the place of a statement, whose expressions and inner statements are new already. */
  readonly statement: (statement: Statement) => readonly Statement[];
}

const sameMemory = (memory: Memory) => memory;

/** Rewrites statements, inner ones first. Expressions keep their sharing; those in which nothing changes stay the same objects. */
export function rewriteBody(body: readonly Statement[], replacement: Replacement): Statement[] {
  const done = new Map<Expr, Expr>();
  const { expression = (_, now) => now } = replacement;
  const of = (expr: Expr) => done.get(expr) ?? expr;
  const seen = new Set<Expr>();
  walk(body, statement => {
    for (const root of expressions(statement)) {
      postOrder(root, seen, expr => {
        const now = expression(expr, rewritten(expr, of, replacement));
        if (now !== expr) done.set(expr, now);
      });
    }
  });
  const all = (statements: readonly Statement[]): Statement[] =>
    statements.flatMap(statement => replacement.statement(renewed(statement, of, all, replacement)));
  return all(body);
}

function renewed(
  s: Statement,
  of: (expr: Expr) => Expr,
  body: (statements: readonly Statement[]) => Statement[],
  { target, memory = sameMemory }: Replacement,
): Statement {
  switch (s.kind) {
    case 'assign':
      return { ...s, target: target(s.target), offset: s.offset && of(s.offset), value: of(s.value) };
    case 'if': {
      const arms = s.arms.map(arm => ({ condition: of(arm.condition), body: body(arm.body) }));
      return { ...s, arms, otherwise: body(s.otherwise) };
    }
    case 'match': {
      const arms = s.arms.map(arm => ({ ...arm, body: body(arm.body) }));
      return { ...s, subject: of(s.subject), arms, otherwise: body(s.otherwise) };
    }
    case 'memory-write':
      return { ...s, memory: memory(s.memory), address: of(s.address), data: of(s.data), mask: s.mask && of(s.mask) };
    case 'property':
      return { ...s, condition: of(s.condition) };
    case 'log':
      return { ...s, parts: s.parts.map(part => (typeof part === 'string' ? part : { ...part, value: of(part.value) })) };
  }
}

/** The node with new operands; the same node if none changed. */
function rewritten(expr: Expr, of: (expr: Expr) => Expr, { signal, output, memory = sameMemory }: Replacement): Expr {
  switch (expr.kind) {
    case 'const':
      return expr;
    case 'signal':
      return signal(expr);
    case 'instance': {
      const now = output(expr.instance, expr.port);
      return now.instance === expr.instance && now.port === expr.port ? expr : { ...expr, ...now };
    }
    case 'unary':
    case 'slice':
    case 'extend':
      return of(expr.value) === expr.value ? expr : { ...expr, value: of(expr.value) };
    case 'binary': {
      const [left, right] = [of(expr.left), of(expr.right)];
      return left === expr.left && right === expr.right ? expr : { ...expr, left, right };
    }
    case 'mux': {
      const [condition, whenTrue, whenFalse] = [of(expr.condition), of(expr.whenTrue), of(expr.whenFalse)];
      const same = condition === expr.condition && whenTrue === expr.whenTrue && whenFalse === expr.whenFalse;
      return same ? expr : { ...expr, condition, whenTrue, whenFalse };
    }
    case 'concat': {
      const parts = expr.parts.map(of);
      return parts.every((part, i) => part === expr.parts[i]) ? expr : { ...expr, parts };
    }
    case 'memory-read': {
      const now = memory(expr.memory);
      return of(expr.address) === expr.address && now === expr.memory
        ? expr
        : { ...expr, memory: now, address: of(expr.address) };
    }
  }
}
