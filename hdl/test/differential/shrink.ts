import type { Design, Expr, Module, Statement } from '../../src/ir/ir.ts';
import { expressions, operands, walk } from '../../src/ir/visit.ts';

/** Which of some designs still show the fault. Asked about many at once, since starting a tool costs more than running it. */
export type Fails = (designs: readonly Design[]) => readonly boolean[];

/** Most designs of one question. */
const most = 60;

/**
 * A smaller design that still shows a fault: without outputs, statements and operands that it does not need. Only the top module is made smaller; if
 * the fault is in a child, the design ends as that child among constants.
 */
export function shrink(design: Design, fails: Fails, report: (size: number) => void = () => {}): Design {
  let best = design;
  let skip = 0;
  for (;;) {
    const all = smaller(best.top);
    const candidates = all.slice(skip, skip + most).map(top => withTop(best, top));
    if (candidates.length === 0) return best;
    const found = candidates[fails(candidates).indexOf(true)];
    if (found === undefined) {
      skip += most;
      continue;
    }
    skip = 0;
    best = found;
    report(sizeOf(best.top));
  }
}

function withTop(design: Design, top: Module): Design {
  const used = new Set<Module>();
  const visit = (module: Module) => {
    for (const { module: child } of module.instances) visit(child);
    used.add(module);
  };
  visit(top);
  return { top, modules: [...design.modules.filter(module => module !== design.top && used.has(module)), top] };
}

/** Nodes and statements of a module. */
export function sizeOf(module: Module): number {
  const seen = new Set<Expr>();
  let statements = 0;
  walk(module.body, statement => {
    statements++;
    for (const root of expressions(statement)) collect(root, seen);
  });
  return seen.size + statements;
}

function collect(root: Expr, into: Set<Expr>): void {
  const stack = [root];
  for (let expr = stack.pop(); expr; expr = stack.pop()) {
    if (into.has(expr)) continue;
    into.add(expr);
    stack.push(...operands(expr));
  }
}

/** One step smaller, the largest steps first. */
function smaller(module: Module): Module[] {
  return [...withoutOutputs(module), ...withoutInstances(module), ...withoutStatements(module), ...withoutNodes(module)];
}

function withoutOutputs(module: Module): Module[] {
  const outputs = module.signals.filter(({ kind }) => kind === 'output');
  if (outputs.length < 2) return [];
  return outputs.map(output => ({
    ...module,
    signals: module.signals.filter(signal => signal !== output),
    body: edited(module.body, statement => (statement.kind === 'assign' && statement.target.signal === output ? [] : undefined)),
  }));
}

/** Without a child whose outputs nobody reads any more. */
function withoutInstances(module: Module): Module[] {
  const read = new Set<object>();
  for (const expr of nodesOf(module)) if (expr.kind === 'instance') read.add(expr.instance);
  return module.instances
    .filter(instance => !read.has(instance))
    .map(instance => ({
      ...module,
      instances: module.instances.filter(other => other !== instance),
      body: edited(module.body, s => (s.kind === 'assign' && s.target.instance === instance ? [] : undefined)),
    }));
}

/** Without a statement that leaves no wire without a value, or with one of its arms in its place. */
function withoutStatements(module: Module): Module[] {
  const result: Module[] = [];
  const needed = new Set(module.body.filter(s => s.kind === 'assign' && s.target.signal.kind !== 'register'));
  walk(module.body, statement => {
    if (needed.has(statement)) return;
    result.push({ ...module, body: edited(module.body, s => (s === statement ? [] : undefined)) });
    if (statement.kind !== 'if' && statement.kind !== 'match') return;
    for (const body of [...statement.arms.map(arm => arm.body), statement.otherwise])
      result.push({ ...module, body: edited(module.body, s => (s === statement ? body : undefined)) });
  });
  return result;
}

function nodesOf(module: Module): Set<Expr> {
  const nodes = new Set<Expr>();
  walk(module.body, statement => {
    for (const root of expressions(statement)) collect(root, nodes);
  });
  return nodes;
}

/** With an operand, or 0, in the place of a node. */
function withoutNodes(module: Module): Module[] {
  return [...nodesOf(module)].flatMap(node => {
    if (node.kind === 'const') return [];
    const zero: Expr = { kind: 'const', width: node.width, value: 0n, site: node.site };
    const choices = [zero, ...operands(node).filter(operand => operand.width === node.width)];
    return choices.map(choice => replaced(module, node, choice));
  });
}

function replaced(module: Module, node: Expr, by: Expr): Module {
  const done = new Map<Expr, Expr>([[node, by]]);
  const of = (expr: Expr): Expr => {
    const known = done.get(expr);
    if (known) return known;
    const now = renewed(expr, of);
    done.set(expr, now);
    return now;
  };
  const body = (statements: readonly Statement[]): Statement[] => statements.map(one);
  const one = (s: Statement): Statement => {
    switch (s.kind) {
      case 'assign':
        return { ...s, offset: s.offset && of(s.offset), value: of(s.value) };
      case 'if':
        return {
          ...s,
          arms: s.arms.map(a => ({ condition: of(a.condition), body: body(a.body) })),
          otherwise: body(s.otherwise),
        };
      case 'match':
        return {
          ...s,
          subject: of(s.subject),
          arms: s.arms.map(a => ({ ...a, body: body(a.body) })),
          otherwise: body(s.otherwise),
        };
      case 'memory-write':
        return { ...s, address: of(s.address), data: of(s.data), mask: s.mask && of(s.mask) };
      case 'property':
      case 'log':
        return s;
    }
  };
  return { ...module, body: body(module.body) };
}

function renewed(expr: Expr, of: (expr: Expr) => Expr): Expr {
  switch (expr.kind) {
    case 'const':
    case 'signal':
    case 'instance':
      return expr;
    case 'unary':
    case 'slice':
    case 'extend':
      return { ...expr, value: of(expr.value) };
    case 'binary':
      return { ...expr, left: of(expr.left), right: of(expr.right) };
    case 'mux':
      return { ...expr, condition: of(expr.condition), whenTrue: of(expr.whenTrue), whenFalse: of(expr.whenFalse) };
    case 'concat':
      return { ...expr, parts: expr.parts.map(of) };
    case 'memory-read':
      return { ...expr, address: of(expr.address) };
  }
}

/** The statements with what `edit` gives in place of those for which it gives something. */
function edited(body: readonly Statement[], edit: (statement: Statement) => readonly Statement[] | undefined): Statement[] {
  return body.flatMap(statement => {
    const now = edit(statement);
    if (now) return now;
    if (statement.kind === 'if') {
      const arms = statement.arms.map(arm => ({ ...arm, body: edited(arm.body, edit) }));
      return [{ ...statement, arms, otherwise: edited(statement.otherwise, edit) }];
    }
    if (statement.kind === 'match') {
      const arms = statement.arms.map(arm => ({ ...arm, body: edited(arm.body, edit) }));
      return [{ ...statement, arms, otherwise: edited(statement.otherwise, edit) }];
    }
    return [statement];
  });
}
