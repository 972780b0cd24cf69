import type { Domain, Expr, Module, Site, Statement, Target } from './ir.ts';

/** The nodes that `expr` computes from, in reading order. */
export function operands(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'const':
    case 'signal':
    case 'instance':
      return [];
    case 'unary':
    case 'slice':
    case 'extend':
      return [expr.value];
    case 'binary':
      return [expr.left, expr.right];
    case 'mux':
      return [expr.condition, expr.whenTrue, expr.whenFalse];
    case 'concat':
      return expr.parts;
    case 'memory-read':
      return [expr.address];
  }
}

/** Expressions can be thousands of nodes deep: so far down they are followed by recursion, which is quicker, and beyond without. */
const shallow = 200;

/**
 * Calls `visit` once for each node below and including `root` that is not in `seen`, operands before their users, and adds it to `seen`.
 */
export function postOrder(root: Expr, seen: Set<Expr>, visit: (expr: Expr) => void): void {
  descend(root, seen, visit, 0);
}

function descend(expr: Expr, seen: Set<Expr>, visit: (expr: Expr) => void, depth: number): void {
  if (depth === shallow) {
    postOrderOfDeep(expr, seen, visit);
    return;
  }
  // One look instead of two at a set of all nodes of a module. No node is below itself, so it may be in there before its operands.
  const { size } = seen;
  if (seen.add(expr).size === size) return;
  switch (expr.kind) {
    case 'const':
    case 'signal':
    case 'instance':
      break;
    case 'unary':
    case 'slice':
    case 'extend':
      descend(expr.value, seen, visit, depth + 1);
      break;
    case 'binary':
      descend(expr.left, seen, visit, depth + 1);
      descend(expr.right, seen, visit, depth + 1);
      break;
    case 'mux':
      descend(expr.condition, seen, visit, depth + 1);
      descend(expr.whenTrue, seen, visit, depth + 1);
      descend(expr.whenFalse, seen, visit, depth + 1);
      break;
    case 'concat':
      for (const part of expr.parts) descend(part, seen, visit, depth + 1);
      break;
    case 'memory-read':
      descend(expr.address, seen, visit, depth + 1);
  }
  visit(expr);
}

function postOrderOfDeep(root: Expr, seen: Set<Expr>, visit: (expr: Expr) => void): void {
  const stack: Expr[] = [root];
  for (let expr = stack.at(-1); expr; expr = stack.at(-1)) {
    if (seen.has(expr)) {
      stack.pop();
      continue;
    }
    const below = operands(expr);
    const height = stack.length;
    for (let i = below.length - 1; i >= 0; i--) {
      const operand = below[i];
      if (operand && !seen.has(operand)) stack.push(operand);
    }
    if (stack.length > height) continue;
    stack.pop();
    seen.add(expr);
    visit(expr);
  }
}

/** The bodies of a conditional statement, in order; none of any other. */
export function bodies(statement: Statement): readonly (readonly Statement[])[] {
  return statement.kind === 'if' || statement.kind === 'match'
    ? [...statement.arms.map(arm => arm.body), statement.otherwise]
    : [];
}

/** The expressions that the statement itself holds, without those of its bodies. */
export function expressions(statement: Statement): readonly Expr[] {
  switch (statement.kind) {
    case 'assign':
      return statement.offset === undefined ? [statement.value] : [statement.offset, statement.value];
    case 'if':
      return statement.arms.map(arm => arm.condition);
    case 'match':
      return [statement.subject];
    case 'memory-write': {
      const { address, data, mask } = statement;
      return mask === undefined ? [address, data] : [address, data, mask];
    }
    case 'property':
      return [statement.condition];
    case 'log':
      return statement.parts.flatMap(part => (typeof part === 'string' ? [] : [part.value]));
  }
}

/** Calls `visit` for every statement, an outer one before those inside it. */
export function walk(body: readonly Statement[], visit: (statement: Statement) => void): void {
  for (const statement of body) {
    visit(statement);
    if (statement.kind !== 'if' && statement.kind !== 'match') continue;
    for (const arm of statement.arms) walk(arm.body, visit);
    walk(statement.otherwise, visit);
  }
}

/** Calls `visit` once for every expression node of the module, operands first. */
export function visitExpressions(module: Module, visit: (expr: Expr) => void): void {
  const seen = new Set<Expr>();
  walk(module.body, statement => {
    for (const root of expressions(statement)) postOrder(root, seen, visit);
  });
}

/** The name of a target below its module: `count`, or `fifo.in_valid` for an input of a child. */
export function targetName(target: Target): string {
  return target.instance ? `${target.instance.name}.${target.signal.name}` : target.signal.name;
}

/** A mask of `width` ones. */
export function ones(width: number): bigint {
  return (1n << BigInt(width)) - 1n;
}

/** The domain that a module has if it names none: `clk`, with a synchronous reset `rst`, active high. */
export function standardDomain(site: Site): Domain {
  return { name: 'clk', clock: 'clk', reset: { name: 'rst', kind: 'sync', active: 'high' }, site };
}
